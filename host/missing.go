package host

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/ledger"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// longestChunk is how many days one run of --missing computes, so that what an
// interruption loses is bounded.
const longestChunk = 31

// MissingReport lists the days that no run of this pipeline file and these
// plugins computed, and what was done about them.
type MissingReport struct {
	Pipeline string  `json:"pipeline"`
	Set      string  `json:"feature_set"`
	Start    string  `json:"start"` // first day looked at
	End      string  `json:"end"`
	Chunks   []Chunk `json:"chunks"`
	// Recovered are earlier runs that were finished or undone first.
	Recovered []string `json:"recovered,omitempty"`
	// Runs are the chunks computed so far, in their order.
	Runs []*Report `json:"runs,omitempty"`
}

// Chunk is an interval that one run computes.
type Chunk struct {
	Start   string         `json:"start"`
	End     string         `json:"end"`
	Days    int            `json:"days"`
	Reasons []string       `json:"reasons"`
	Readers []ReaderToRead `json:"readers,omitempty"` // what it will read, where asked for

	interval flow.Interval
}

// chunks are the gaps of a span of days, cut to chunks.
func chunks(gaps []ledger.Gap) []Chunk {
	out := []Chunk{}
	for _, g := range gaps {
		var reasons []string
		for _, r := range g.Reasons {
			reasons = append(reasons, string(r))
		}
		for first := g.First; first <= g.Last; first += longestChunk {
			start, end := first, min(first+longestChunk-1, g.Last)
			out = append(out, Chunk{
				Start: start.String(), End: end.String(), Days: int(end-start) + 1, Reasons: reasons,
				interval: flow.Interval{Start: &start, End: &end},
			})
		}
	}
	return out
}

// Missing lists the days of an interval that are not computed, or by another
// pipeline file or other plugins. Without a start it begins at the first day
// that the ledger knows; without an end it ends yesterday, in UTC: a day that
// is not over cannot be complete. Nothing is written.
func (h *Host) Missing(ctx context.Context, interval flow.Interval) (*MissingReport, error) {
	plugins, err := h.pluginsOf(ctx, false)
	if err != nil {
		return nil, err
	}
	return h.missing(ctx, interval, plugins)
}

// pluginsOf binds the pipeline to tell the plugins that it runs.
func (h *Host) pluginsOf(ctx context.Context, writes bool) (plugins map[string]string, err error) {
	err = h.bound(ctx, flow.Interval{}, writes, func(_ *session, p *plan.Plan) error {
		plugins = p.Plugins()
		return nil
	})
	return plugins, err
}

func (h *Host) missing(ctx context.Context, interval flow.Interval, plugins map[string]string) (*MissingReport, error) {
	l, _ := h.ledger()
	all, err := l.List(ctx)
	if err != nil {
		return nil, err
	}
	if interval, err = h.span(interval, all); err != nil {
		return nil, err
	}
	set := h.file.FeatureSet
	gaps := ledger.Gaps(all, *interval.Start, *interval.End, ledger.Makers{Pipeline: h.file.Digest, Plugins: plugins})
	return &MissingReport{
		Pipeline: h.file.Pipeline.Name, Set: set.Entity + "/" + set.Name,
		Start: interval.Start.String(), End: interval.End.String(), Chunks: chunks(gaps),
	}, nil
}

// span completes an interval whose ends are open.
func (h *Host) span(i flow.Interval, all []ledger.Record) (flow.Interval, error) {
	if i.End == nil {
		yesterday := flow.DayOf(h.now().UnixMicro()) - 1
		i.End = &yesterday
	}
	if i.Start == nil {
		first, ok := ledger.FirstDay(all)
		if !ok {
			return i, fault.New(NoFirstDay, "no run is in the ledger, so the first day is not known").WithHint("give it: --missing --start 2024-01-31")
		}
		i.Start = &first
	}
	return i, ordered(i)
}

func (h *Host) now() time.Time {
	if h.options.Now != nil {
		return h.options.Now()
	}
	return time.Now()
}

// RunMissing computes the missing days, oldest first, in runs of at most 31
// days, each published before the next one begins: called again after an
// interruption or an error, it goes on where it stopped. o.Interval is as for
// Missing. A dry run only lists the chunks. The report tells what was done, also beside an
// error.
func (h *Host) RunMissing(ctx context.Context, o RunOptions) (*MissingReport, error) {
	plugins, err := h.pluginsOf(ctx, !o.DryRun)
	if err != nil {
		return nil, err
	}
	recovered := []string(nil)
	if !o.DryRun {
		// Else days that a killed run had prepared would be computed again.
		if recovered, err = h.recover(ctx, o); err != nil {
			return nil, err
		}
	}
	out, err := h.missing(ctx, o.Interval, plugins)
	if err != nil || o.DryRun {
		return out, err
	}
	out.Recovered = recovered
	for i, c := range out.Chunks {
		o.Interval = c.interval
		rest := out.Chunks[i+1:]
		o.coming = func(d flow.Day) bool {
			for _, c := range rest {
				if c.interval.Contains(d) {
					return true
				}
			}
			return false
		}
		report, err := h.Run(ctx, o)
		out.Runs = append(out.Runs, report)
		if err != nil {
			return out, stopped(err, c, i, len(out.Chunks))
		}
		if o.Published != nil {
			o.Published(report)
		}
	}
	return out, nil
}

// stopped says how far the missing days were computed. The class of the error
// is that of its cause.
func stopped(err error, c Chunk, done, all int) error {
	code := MissingStopped
	switch {
	case fault.Is(err, Interrupted):
		return err
	case fault.ClassOf(err) == fault.Usage:
		code = MissingRefused
	case fault.ClassOf(err) == fault.Data:
		code = MissingBadData
	}
	e := fault.Wrap(err, code, "%d of %d missing intervals are computed; %s is not", done, all, c.interval)
	if first := fault.As(err); first != nil {
		e.Retry = first.Retry
	}
	return e.WithHint("the same command goes on from there")
}

// recover finishes or undoes what runs that ended left behind, and nothing else.
func (h *Host) recover(ctx context.Context, o RunOptions) (told []string, err error) {
	events := &observe.Events{}
	r := &running{host: h, options: o, events: events, report: &Report{}}
	if r.session, err = h.session(ctx, events, &letters{events: events}, true); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.session.close()) }()
	sinks, err := r.session.makeSinks()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sinks.close()) }()
	l, _ := h.ledger()
	all, err := l.List(ctx)
	if err != nil {
		return nil, err
	}
	// Runs whose prepared rows are lost are given up if their days, being not
	// published, are about to be computed.
	days, err := h.span(o.Interval, all)
	if err != nil {
		return nil, err
	}
	finish, undo := r.repairs(sinks)
	done, err := l.Recover(ctx, days, finish, undo)
	for _, x := range done {
		told = append(told, strings.Replace(x.String(), "this run computes", "this command computes", 1))
	}
	return told, err
}
