package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/deadletter"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// Codes of continuous runs.
const (
	StreamUnfit   fault.Code = 250
	StreamSink    fault.Code = 251
	StreamOptions fault.Code = 252
	StreamFailed  fault.Code = 8059
)

// streamCodes explains them.
func streamCodes() []fault.Doc {
	return []fault.Doc{
		{Code: StreamUnfit, Title: "pipeline that cannot run as a stream", Explain: "A stream computes each portion of messages by itself, so nothing may look across rows: no [query], no second reader, no windows, aggregates, pivots, forward fills or plugins that want the rows of a key together. Take that part out, or leave out stream = true and run the pipeline over a bounded range."},
		{Code: StreamSink, Title: "sink that a stream cannot load", Explain: "A stream loads online stores, where the newest row wins. The historical store is published by day and wants whole days: load it with a pipeline that runs over a bounded range of the same topic."},
		{Code: StreamOptions, Title: "flag that a stream does not take", Explain: "A stream has no interval and no end: --start, --end, --date, --missing and --dry-run belong to runs over a bounded range. Leave them out, or leave out stream = true."},
		{Code: StreamFailed, Title: "stream gave up", Explain: "A portion failed again and again for longer than featurehost waits; the cause follows in the message. Nothing of it was committed, so the next start reads it again. Repair the cause and start the stream."},
	}
}

// Pauses of a stream between attempts at a portion, and how long it goes on
// trying without any success.
const (
	streamPause    = 500 * time.Millisecond
	streamLongest  = 30 * time.Second
	streamPatience = 15 * time.Minute
)

// streaming gives the place of the first reader that is a stream, or -1.
func streaming(f *config.File) int {
	return slices.IndexFunc(f.Readers, func(r config.Reader) bool { return r.Kafka != nil && r.Kafka.Stream })
}

// streamable refuses what a portion alone cannot tell, as far as the pipeline
// file shows it.
// Rule: S-1405, S-1408.
func streamable(f *config.File) error {
	unfit := func(format string, args ...any) error {
		return fault.New(StreamUnfit, "a stream "+format, args...).WithHint("leave out stream = true for a run over a bounded range, or take it out of the pipeline")
	}
	if len(f.Readers) != 1 {
		return unfit("has one reader, and %d are named", len(f.Readers))
	}
	if f.Query != nil {
		return unfit("takes no [query]: it would see the rows of a portion only")
	}
	set := f.FeatureSet
	if set == nil {
		return unfit("needs a [feature_set]")
	}
	if set.Windows != nil {
		return unfit("computes no windows")
	}
	for _, x := range set.Features {
		switch {
		case len(x.Aggregate) > 0:
			return unfit("computes no aggregates, as of feature %q", x.Name)
		case x.Window != nil:
			return unfit("computes no windows over rows, as of feature %q", x.Name)
		}
	}
	if set.Pivot != nil || set.Distinct != nil {
		return unfit("computes no aggregates")
	}
	if len(f.Sinks) == 0 {
		return fault.New(StreamSink, "a stream needs a sink: nothing would be left of it")
	}
	for _, s := range f.Sinks {
		if s.Type == historical {
			return fault.New(StreamSink, "a stream cannot load the historical store").WithHint("keep online sinks only, and load history by a run over a bounded range")
		}
	}
	return nil
}

// alone refuses stages that want more rows than those of a batch.
func alone(p *plan.Plan) error {
	var steps []*plan.Step
	for _, s := range p.Sources {
		steps = append(steps, s.Prepare...)
	}
	steps = append(append(steps, p.Steps...), p.Before...)
	for _, s := range p.Sinks {
		steps = append(steps, s.Steps...)
	}
	for _, s := range steps {
		_, learns := s.Stage.(flow.Surveyor)
		if s.Keyed() != nil || learns || s.Kind == observe.KindFold {
			return fault.New(StreamUnfit, "a stream computes each row by itself, and %q wants several rows together", s.Name).At("%s", s.Path)
		}
	}
	return nil
}

// stream is a continuous run.
type stream struct {
	outer   *Host // as the caller made it
	host    *Host // its pipeline file as a stream computes it
	options RunOptions
	held    *held
	request flow.Request
	plugins map[string]deadletter.Plugin // by stage
	id      string                       // of the stream; those of its portions begin with it
	sinks   *sinks                       // opened again for each portion
	release func()                       // of the mark that the stream lives
	report  *Report
	start   time.Time
	stages  map[string]StageStats
	order   []string
	told    time.Time
}

// stream reads and loads portion after portion until ctx ends, which is how a
// stream ends well: the portion under way is published and committed first.
func (h *Host) stream(ctx context.Context, o RunOptions) (*Report, error) {
	x := &stream{outer: h, options: o, start: time.Now(), stages: map[string]StageStats{}}
	x.report = &Report{
		Pipeline: h.file.Pipeline.Name, Set: h.file.FeatureSet.Entity + "/" + h.file.FeatureSet.Name,
		Interval: "a stream", Digest: h.file.Digest, Plugins: map[string]string{}, Readers: map[string]Read{},
		Filtered: map[string]int64{}, Rejected: map[string]int64{}, Dropped: map[string]int64{}, CastFailures: map[string]int64{},
	}
	err := x.begin(ctx)
	if err == nil {
		err = x.portions(ctx)
	}
	err = errors.Join(err, x.end())
	x.report.Seconds = time.Since(x.start).Seconds()
	for _, name := range x.order {
		x.report.Stages = append(x.report.Stages, x.stages[name])
	}
	return x.report, err
}

// begin checks the pipeline and binds it once, which tells what to read.
func (x *stream) begin(ctx context.Context) error {
	o := x.options
	if o.DryRun || o.Interval.Start != nil || o.Interval.End != nil || o.Tap != nil {
		return fault.New(StreamOptions, "a stream takes no interval and no dry run").WithHint("leave out the flags, or stream = true")
	}
	if err := streamable(x.outer.file); err != nil {
		return err
	}
	file, options := *x.outer.file, x.outer.options
	set := *file.FeatureSet
	// A portion does not know the rows before it: whether a row repeats the one
	// before cannot be told, and the newest row wins in any case (S-1405).
	set.DeduplicateRows = false
	file.FeatureSet = &set
	file.Readers = slices.Clone(file.Readers)
	kafka := *file.Readers[0].Kafka
	if kafka.Group == "" {
		kafka.Group = file.Pipeline.Name
	}
	file.Readers[0].Kafka = &kafka
	catalog := *options.Catalog
	x.held = &held{lent: &lent{}, make: catalog.Readers[file.Readers[0].Type]}
	catalog.Readers = maps.Clone(catalog.Readers)
	catalog.Readers[file.Readers[0].Type] = x.held.factory
	options.Catalog = &catalog
	var err error
	if x.host, err = New(&file, options); err != nil {
		return err
	}
	x.id = fmt.Sprintf("%s%d-%x", streamPrefix, os.Getpid(), x.start.UnixNano())
	if err := x.live(); err != nil {
		return err
	}
	session, err := x.host.session(ctx, &observe.Events{}, nil, true)
	if err != nil {
		return err
	}
	defer func() { _ = session.close() }() // it has written nothing
	p, err := session.bind(ctx, flow.Interval{}, false)
	if err != nil {
		return err
	}
	if err := alone(p); err != nil {
		return err
	}
	x.request, x.report.Plugins, x.plugins = p.Sources[0].Request, p.Plugins(), stagePlugins(p)
	if x.sinks, err = session.makeSinks(); err != nil {
		return err
	}
	return x.sweep(ctx)
}

func (x *stream) end() error {
	var errs []error
	if x.sinks != nil {
		errs = append(errs, x.sinks.close())
	}
	if x.held != nil {
		errs = append(errs, x.held.leave())
	}
	if x.release != nil {
		x.release()
	}
	if x.host != nil {
		errs = append(errs, x.host.Close())
	}
	return errors.Join(errs...)
}

// portions runs until ctx ends.
func (x *stream) portions(ctx context.Context) error {
	since, pause := time.Now(), streamPause
	for n := 1; ctx.Err() == nil; n++ {
		err := x.portion(ctx, n)
		if err == nil {
			since, pause = time.Now(), streamPause
			continue
		}
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			break
		}
		if !passing(err) {
			return err
		}
		if time.Since(since) > streamPatience {
			return fault.Wrap(err, StreamFailed, "no portion went through for %s", streamPatience)
		}
		x.host.options.Log.Warn("the portion is read again", "in", pause, "because", err)
		// What was read and not committed comes again.
		if err := x.held.leave(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, streamLongest)
	}
	return nil
}

// passing reports whether trying again may help: any of the errors says so.
func passing(err error) bool {
	if e, ok := err.(*fault.Error); ok && e.Retry { //nolint:errorlint // the walk down the tree is below
		return true
	}
	switch x := err.(type) { //nolint:errorlint // likewise
	case interface{ Unwrap() error }:
		return passing(x.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(x.Unwrap(), passing)
	}
	return false
}

// run tells the sinks which portion they serve. Rows of a stream have revision
// 0 (S-1303).
func (x *stream) run(id string) flow.Run {
	set := x.host.file.FeatureSet
	return flow.Run{
		ID: id, Entity: set.Entity, Set: set.Name, Pipeline: x.host.file.Digest, Plugins: x.report.Plugins, Version: x.host.options.Version,
		Portion: true,
	}
}

// portion reads what is there, loads it, and tells the source so.
func (x *stream) portion(ctx context.Context, n int) (err error) {
	r := &running{host: x.host, options: RunOptions{}, events: &observe.Events{}, start: time.Now(), report: &Report{}}
	r.letters = &letters{events: r.events}
	run := x.run(fmt.Sprintf("%s-%d", x.id, n))
	r.letters.open = func() (*deadletter.Writer, error) {
		r.report.DeadLetters = r.deadLetters(x.id)
		return deadletter.Open(r.report.DeadLetters, deadletter.Options{Plugins: x.plugins, Prefix: fmt.Sprintf("%d-", n), Redact: x.host.file.Redact})
	}
	x.held.lend(r.letters, r.events)
	some, err := x.held.wait(ctx, x.request)
	// From here on the portion is brought to its end, whoever wants to stop.
	ctx = context.WithoutCancel(ctx)
	if err == nil && some {
		err = x.load(ctx, r, run)
	} else {
		r.result.Read = map[string]flow.ReadStats{x.host.file.Readers[0].ID: x.held.Stats()}
	}
	if err != nil { // what was turned down is read again with the rest
		return errors.Join(err, r.letters.drop())
	}
	if err := r.letters.close(); err != nil {
		return err
	}
	if err := x.held.stream.Commit(ctx); err != nil {
		// The rows are in the stores; read again they change nothing.
		x.host.options.Log.Warn("the portion is loaded, its offsets are not committed", "because", err)
	}
	x.tell(r)
	return nil
}

// load computes the portion and publishes it.
func (x *stream) load(ctx context.Context, r *running, run flow.Run) (err error) {
	if r.session, err = x.host.session(ctx, r.events, r.letters, true); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.session.close()) }()
	p, err := r.session.bind(ctx, flow.Interval{}, false)
	if err != nil {
		return err
	}
	x.sinks.pending = nil
	if err = x.sinks.open(ctx, run, p); err == nil {
		if err = r.compute(ctx, x.sinks.outputs()); err == nil {
			err = x.sinks.prepare(ctx, r.given())
		}
	}
	if err == nil {
		r.report.Sinks, err = x.sinks.publish(ctx, x.sinks.pending, nil)
	}
	if err != nil {
		// Connections may be what is broken: the next portion makes new ones.
		return errors.Join(err, x.sinks.discard(ctx, run), x.sinks.close())
	}
	// No ledger names the portion: nobody asks for it again.
	if err := x.sinks.discard(ctx, run); err != nil {
		x.host.options.Log.Warn("what was staged of a loaded portion stays behind", "because", err)
	}
	return nil
}

// tell adds a portion to the report.
func (x *stream) tell(r *running) {
	r.fill()
	out, one := x.report, r.report
	out.Portions++
	for id, read := range one.Readers {
		was := out.Readers[id]
		was.Type = read.Type
		was.Rows, was.Bytes, was.BadRows, was.Objects = was.Rows+read.Rows, was.Bytes+read.Bytes, was.BadRows+read.BadRows, max(was.Objects, read.Objects)
		was.OutOfInterval += read.OutOfInterval
		out.Readers[id] = was
	}
	for _, pair := range []struct{ to, from map[string]int64 }{
		{out.Filtered, one.Filtered}, {out.Rejected, one.Rejected}, {out.Dropped, one.Dropped}, {out.CastFailures, one.CastFailures},
	} {
		for k, n := range pair.from {
			pair.to[k] += n
		}
	}
	out.Stacked += one.Stacked
	out.Used += one.Used
	out.Features.Made += one.Features.Made
	out.Features.Rows += one.Features.Rows
	for _, s := range one.Sinks {
		i := slices.IndexFunc(out.Sinks, func(o SinkReport) bool { return o.Name == s.Name })
		if i < 0 {
			out.Sinks, i = append(out.Sinks, SinkReport{Name: s.Name}), len(out.Sinks)
		}
		out.Sinks[i].Rows += s.Rows
		out.Sinks[i].Stale += s.Stale
	}
	if one.DeadLetters != "" {
		out.DeadLetters = one.DeadLetters
	}
	for _, s := range one.Stages {
		was, ok := x.stages[s.Kind+" "+s.Name]
		if !ok {
			x.order = append(x.order, s.Kind+" "+s.Name)
		}
		s.RowsIn, s.RowsOut, s.Batches, s.Seconds = s.RowsIn+was.RowsIn, s.RowsOut+was.RowsOut, s.Batches+was.Batches, s.Seconds+was.Seconds
		x.stages[s.Kind+" "+s.Name] = s
	}
	if x.options.Progress != nil && time.Since(x.told) >= x.options.ProgressEvery {
		x.told = time.Now()
		p := Progress{Elapsed: time.Since(x.start)}
		for _, name := range x.order {
			p.Stages = append(p.Stages, x.stages[name])
		}
		x.options.Progress(p)
	}
}
