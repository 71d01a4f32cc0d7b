package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/deadletter"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/pipeline"
)

// Run computes the features of an interval and loads the stores. The report
// tells what was done as far as the run came, also beside an error.
//
// Historical first, then online: when Run returns an error before publishing
// began, both stores are as before; when the online store failed after that,
// the ledger says so and the next run completes it.
func (h *Host) Run(ctx context.Context, o RunOptions) (report *Report, err error) {
	if streaming(h.file) >= 0 {
		return h.stream(ctx, o)
	}
	start := time.Now()
	events := &observe.Events{}
	r := &running{host: h, options: o, events: events, start: start, report: &Report{
		Pipeline: h.file.Pipeline.Name, Set: h.file.FeatureSet.Entity + "/" + h.file.FeatureSet.Name,
		Interval: o.Interval.String(), Digest: h.file.Digest,
	}}
	// The limit is soft: the collector works harder the nearer the heap comes.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(h.memory.heap))
	stop := r.watch()
	err = r.all(ctx)
	stop()
	r.fill()
	if r.session != nil && r.session.plan != nil {
		r.tellDays(r.session.plan)
	}
	if err != nil && !r.publishing && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		text := "the run was interrupted; nothing was published"
		if r.unsettled {
			text = "the run was interrupted while it was being recorded; the next run finishes or undoes it"
		}
		err = fault.Wrap(err, Interrupted, "%s", text)
	}
	return r.report, err
}

// running is one run.
type running struct {
	host    *Host
	options RunOptions
	events  *observe.Events
	letters *letters
	start   time.Time
	report  *Report
	session *session
	result  pipeline.Result
	// unsettled says that the ledger's record of the run was left as it is.
	unsettled bool
	// publishing says that the stores may have changed.
	publishing bool
}

// watch reports progress until it is stopped.
func (r *running) watch() (stop func()) {
	if r.options.Progress == nil || r.options.ProgressEvery <= 0 {
		return func() {}
	}
	ticker := time.NewTicker(r.options.ProgressEvery)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				r.options.Progress(Progress{Elapsed: time.Since(r.start), Stages: r.events.Stages()})
			case <-quit:
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(quit); <-ended }
}

func (r *running) all(ctx context.Context) (err error) {
	h := r.host
	r.letters = &letters{events: r.events}
	if r.session, err = h.session(ctx, r.events, r.letters, !r.options.DryRun); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.session.close()) }()
	if err := ordered(r.options.Interval); err != nil {
		return err
	}
	p, err := r.session.bind(ctx, r.options.Interval, false)
	if err != nil {
		return err
	}
	r.report.Plugins = p.Plugins()
	if r.options.DryRun {
		preview := []pipeline.Output{{Name: "preview", Write: func(_ context.Context, b flow.Batch) error {
			if r.options.Preview == nil {
				return nil
			}
			return r.options.Preview(b)
		}}}
		return r.attempts(ctx,
			func(ctx context.Context) error { return r.compute(ctx, preview) },
			func(context.Context) error { return nil })
	}
	return r.write(ctx)
}

// ordered refuses an interval whose end is before its start.
func ordered(i flow.Interval) error {
	if i.Start != nil && i.End != nil && *i.End < *i.Start {
		return fault.New(BadInterval, "the end %s is before the start %s", i.End, i.Start)
	}
	return nil
}

// write runs the pipeline into the sinks, under a claim in the ledger.
func (r *running) write(ctx context.Context) (err error) {
	sinks, err := r.session.makeSinks()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sinks.close()) }()
	claim, err := r.claim(ctx, sinks)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, claim.Close()) }()
	run := r.run(claim)
	plugins := stagePlugins(r.session.plan)
	r.letters.open = func() (*deadletter.Writer, error) {
		r.report.DeadLetters = r.deadLetters(run.ID)
		return deadletter.Open(r.report.DeadLetters, deadletter.Options{Plugins: plugins, Redact: r.host.file.Redact})
	}
	err = errors.Join(r.prepare(ctx, sinks, run), r.letters.close())
	// From here on the table may change: what has begun is brought to its end.
	ctx = context.WithoutCancel(ctx)
	if err == nil {
		err = claim.Prepared(ctx, sinks.pending, r.inputs(), r.extent())
	}
	if err != nil {
		if !claim.Held(ctx) {
			r.unsettled = true
			// The record went further than we know, or is no longer ours: what it
			// names must stay, and the next run settles it.
			return err
		}
		// Undo first, then say so: a crash in between is undone by the next run.
		return errors.Join(err, sinks.discard(ctx, run), claim.Undone(ctx, err))
	}
	r.publishing = true
	r.report.Sinks, err = sinks.publish(ctx, claim.Fenced(sinks.pending), nil)
	for i := range r.report.Sinks {
		r.report.Sinks[i].Error = r.host.file.Redact(r.report.Sinks[i].Error)
	}
	if err != nil {
		return errors.Join(err, claim.Incomplete(ctx, results(r.report.Sinks), err))
	}
	if err := claim.Published(ctx, results(r.report.Sinks)); err != nil {
		return err
	}
	_, undo := r.repairs(sinks)
	if err := claim.Sweep(ctx, undo); err != nil {
		// The rows are published: that is not undone for what others left.
		r.events.Warn(r.host.file.Redact(err.Error()))
	}
	r.findStale(ctx)
	return nil
}

// prepare computes everything and makes it durable, aside.
func (r *running) prepare(ctx context.Context, sinks *sinks, run flow.Run) error {
	err := r.attempts(ctx, func(ctx context.Context) error {
		if err := sinks.open(ctx, run, r.session.plan); err != nil {
			return err
		}
		return r.compute(ctx, sinks.outputs())
	}, func(ctx context.Context) error {
		fresh, err := r.session.makeSinks()
		if err != nil {
			return err
		}
		if r.report.DeadLetters != "" { // the rows are rejected again
			err = os.RemoveAll(r.report.DeadLetters)
			r.report.DeadLetters = ""
		}
		return errors.Join(sinks.again(ctx, run, fresh), err)
	})
	if err != nil {
		return err
	}
	return sinks.prepare(ctx, r.given())
}

// compute runs the plan into outputs and balances the rows.
func (r *running) compute(ctx context.Context, outputs []pipeline.Output) error {
	h, s := r.host, r.session
	settings := pipeline.Settings{
		Workers: h.file.Pipeline.Workers, BatchRows: h.file.Pipeline.BatchRows, Memory: h.memory.exchange,
		Scratch: h.scratch, Events: r.events, Queries: s.sql, Spill: s.spill, Read: s.readSpilled,
	}
	if r.options.Tap != nil {
		settings.Tap = func(stage string, b flow.Batch) error {
			if stage != r.options.TapAt {
				return nil
			}
			return r.options.Tap(b)
		}
	}
	var err error
	r.result, err = pipeline.Run(ctx, s.plan, settings, outputs)
	if err != nil {
		return err
	}
	return r.balance()
}

// readSpilled opens a Parquet file of the scratch folder.
func (s *session) readSpilled(path string) (flow.Reader, error) {
	read, ok := s.host.options.Catalog.Readers["file"]
	if !ok {
		return nil, fault.New(NoFileReader, "this build has no reader for files")
	}
	// Named from its own folder: a folder key=value above it is no column.
	at := s.place()
	at.Dir = filepath.Dir(path)
	return read(config.Reader{ID: "query", Type: "file", Path: filepath.Base(path), Format: "parquet"}, at, s.env("query"))
}
