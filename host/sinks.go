package host

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/pipeline"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// historical is the type of the sink that is published first and whose path
// holds the ledger.
const historical = "historical"

// sink is one sink of the pipeline file.
type sink struct {
	name   string // unique among the sinks of the pipeline file
	config config.Sink
	sink   flow.Sink
	bound  *plan.Sink // of the plan of the run; nil before one is bound
}

// history reports whether the sink is the historical one.
func (s *sink) history() bool { return s.config.Type == historical }

// sinks are all sinks of a run, in the order in which they are published.
type sinks struct {
	list    []*sink
	pending []flow.Pending
}

// makeSinks makes the sinks; nothing is written yet.
func (s *session) makeSinks() (*sinks, error) {
	out := &sinks{}
	for _, c := range s.host.file.Sinks {
		env := s.env(c.Name)
		// What one part may hold is meant for two sinks at once.
		env.MemoryBytes = env.MemoryBytes * 2 / int64(max(2, len(s.host.file.Sinks)))
		made, err := s.host.options.Catalog.Sinks[c.Type](c, s.place(), env)
		if err != nil {
			return nil, errors.Join(err, out.close())
		}
		out.list = append(out.list, &sink{name: c.Name, config: c, sink: made})
	}
	slices.SortStableFunc(out.list, func(a, b *sink) int { return rank(a) - rank(b) })
	return out, nil
}

// rank orders sinks: history is published first.
func rank(s *sink) int {
	if s.history() {
		return 0
	}
	return 1
}

// ledgerDir is where the run ledger lies: beside the historical table, or in
// the state folder when there is none.
func (h *Host) ledgerDir() (dir string, s3 config.S3) {
	set := h.file.FeatureSet
	if root, s3, ok := h.historicalRoot(); ok {
		return below(root, "_featurehost", set.Entity, set.Name), s3
	}
	return filepath.Join(h.state, "ledger", set.Entity, set.Name), config.S3{}
}

// historicalRoot is the folder of the historical store, if the pipeline has
// one: on this machine or s3://bucket/prefix.
func (h *Host) historicalRoot() (root string, s3 config.S3, ok bool) {
	for _, s := range h.file.Sinks {
		switch {
		case s.Type != historical:
		case strings.Contains(s.Path, "://"):
			return strings.TrimSuffix(s.Path, "/"), s.S3, true
		case filepath.IsAbs(s.Path):
			return s.Path, config.S3{}, true
		default:
			return filepath.Join(h.file.Dir, s.Path), config.S3{}, true
		}
	}
	return "", config.S3{}, false
}

// below is a folder below a root of this machine or of S3.
func below(root string, parts ...string) string {
	if strings.Contains(root, "://") {
		return root + "/" + strings.Join(parts, "/")
	}
	return filepath.Join(append([]string{root}, parts...)...)
}

// staged reports whether a sink of a type has stages of its own.
func (h *Host) staged(typ string) bool {
	return slices.ContainsFunc(h.file.Sinks, func(s config.Sink) bool { return s.Type == typ && len(s.Stages) > 0 })
}

func (s *sinks) open(ctx context.Context, run flow.Run, p *plan.Plan) error {
	for _, x := range s.list {
		in := p.Output
		for _, b := range p.Sinks {
			if b.Config.Name == x.name {
				x.bound, in = b, b.Output
			}
		}
		if err := x.sink.Open(ctx, run, in); err != nil {
			return x.named(err)
		}
	}
	return nil
}

// named says which of several sinks an error is about, where it names no place.
func (s *sink) named(err error) error {
	if e := fault.As(err); e != nil && e.Place == "" {
		return e.At("sink %q", s.name)
	}
	return err
}

// again throws away what was written and takes new sinks in their place.
func (s *sinks) again(ctx context.Context, run flow.Run, fresh *sinks) error {
	err := errors.Join(s.close(), s.discard(ctx, run))
	s.list = fresh.list
	return err
}

// outputs are the sinks as the pipeline sees them.
func (s *sinks) outputs() []pipeline.Output {
	out := make([]pipeline.Output, len(s.list))
	for i, x := range s.list {
		out[i] = pipeline.Output{Name: x.name, Newest: !x.history(), Write: x.sink.Write}
		if x.bound != nil {
			out[i].Newest, out[i].Steps, out[i].Latest = x.bound.Newest, x.bound.Steps, x.bound.Latest
		}
	}
	return out
}

// prepare makes what was written durable, and holds each sink's count against
// the rows it was given, by name.
func (s *sinks) prepare(ctx context.Context, given map[string]int64) error {
	for _, x := range s.list {
		p, err := x.sink.Prepare(ctx)
		if err != nil {
			return x.named(err)
		}
		if p.Rows != given[x.name] {
			return fault.New(StageLostRows, "the %s sink was given %d rows and holds %d", x.name, given[x.name], p.Rows)
		}
		p.Sink = x.name
		s.pending = append(s.pending, p)
	}
	return nil
}

// discard removes what an unpublished run left in the sinks.
func (s *sinks) discard(ctx context.Context, run flow.Run) error {
	var errs []error
	for _, x := range s.list {
		errs = append(errs, x.sink.Discard(ctx, run))
	}
	return errors.Join(errs...)
}

// publish publishes what a ledger record names, but for the sinks that have
// done so already. History comes first, and nothing follows when it fails; of
// the stores behind it each is tried, whatever the others did. The reports are
// those of all sinks that are loaded now, and of those that failed.
func (s *sinks) publish(ctx context.Context, pending []flow.Pending, done map[string]flow.Published) ([]SinkReport, error) {
	var out []SinkReport
	var errs []error
	for _, x := range s.list {
		p := x.pending(pending, s.list)
		if p == nil {
			continue
		}
		if published, ok := done[p.Sink]; ok {
			out = append(out, SinkReport{Name: p.Sink, Published: published})
			continue
		}
		var published flow.Published
		var err error
		if p.Held != nil { // for the sinks that do not ask
			err = p.Held(ctx)
		}
		if err == nil {
			published, err = x.sink.Publish(ctx, *p)
		}
		if err == nil {
			out = append(out, SinkReport{Name: p.Sink, Published: published})
			continue
		}
		failed := fault.Wrap(err, PublishFailed, "the %s store was not loaded; the next run completes it", x.name)
		if cause := fault.As(err); cause != nil {
			failed.Retry = cause.Retry
		}
		errs = append(errs, failed)
		out = append(out, SinkReport{Name: p.Sink, Error: failed.Error()})
		if x.history() {
			break
		}
	}
	return out, joined(errs)
}

// joined is errors.Join, but for a single error, which stays what it is.
func joined(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// pending finds what a sink has prepared. Records of before sinks had names
// tell the type, which stands for the only sink of that type now.
func (s *sink) pending(list []flow.Pending, all []*sink) *flow.Pending {
	named := func(name string) bool {
		return slices.ContainsFunc(all, func(x *sink) bool { return x.name == name })
	}
	for i, p := range list {
		if p.Sink == s.name {
			return &list[i]
		}
		if named(p.Sink) || p.Sink != s.config.Type || s.config.Type != historical && s.config.Store != "local" {
			continue
		}
		others := func(x *sink) bool {
			return x != s && x.config.Type == s.config.Type && x.config.Store == s.config.Store
		}
		if !slices.ContainsFunc(all, others) {
			return &list[i]
		}
	}
	return nil
}

// orphans names what a record prepared for sinks that the pipeline file no
// longer has.
func (s *sinks) orphans(pending []flow.Pending) (names []string) {
	for _, p := range pending {
		mine := func(x *sink) bool { q := x.pending(pending, s.list); return q != nil && q.Sink == p.Sink }
		if !slices.ContainsFunc(s.list, mine) {
			names = append(names, p.Sink)
		}
	}
	return names
}

func (s *sinks) close() error {
	var errs []error
	for _, x := range s.list {
		errs = append(errs, x.sink.Close())
	}
	return errors.Join(errs...)
}
