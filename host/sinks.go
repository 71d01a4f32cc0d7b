package host

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/pipeline"
)

// historical is the type of the sink that is published first and whose path
// holds the ledger.
const historical = "historical"

// sink is one sink of the pipeline file.
type sink struct {
	name   string // its type, unique in this version
	config config.Sink
	sink   flow.Sink
}

// sinks are all sinks of a run, in the order in which they are published.
type sinks struct {
	list    []*sink
	pending []flow.Pending
}

// makeSinks makes the sinks; nothing is written yet.
func (s *session) makeSinks() (*sinks, error) {
	out := &sinks{}
	for _, c := range s.host.file.Sinks {
		made, err := s.host.options.Catalog.Sinks[c.Type](c, s.place(), s.env(c.Type))
		if err != nil {
			return nil, errors.Join(err, out.close())
		}
		out.list = append(out.list, &sink{name: c.Type, config: c, sink: made})
	}
	slices.SortStableFunc(out.list, func(a, b *sink) int { return rank(a.name) - rank(b.name) })
	return out, nil
}

func rank(name string) int {
	if name == historical {
		return 0
	}
	return 1
}

// ledgerDir is where the run ledger lies: beside the historical table, or in
// the state folder when there is none.
func (h *Host) ledgerDir() string {
	set := h.file.FeatureSet
	if root, ok := h.historicalRoot(); ok {
		return filepath.Join(root, "_featurehost", set.Entity, set.Name)
	}
	return filepath.Join(h.state, "ledger", set.Entity, set.Name)
}

// historicalRoot is the folder of the historical store, if the pipeline has
// one.
func (h *Host) historicalRoot() (root string, ok bool) {
	for _, s := range h.file.Sinks {
		if s.Type != historical {
			continue
		}
		if filepath.IsAbs(s.Path) {
			return s.Path, true
		}
		return filepath.Join(h.file.Dir, s.Path), true
	}
	return "", false
}

func (s *sinks) open(ctx context.Context, run flow.Run, schema *flow.Schema) error {
	for _, x := range s.list {
		if err := x.sink.Open(ctx, run, schema); err != nil {
			return err
		}
	}
	return nil
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
		out[i] = pipeline.Output{Name: x.name, Newest: x.name != historical, Write: x.sink.Write}
	}
	return out
}

// prepare makes what was written durable, and holds each sink's count against
// the rows it was given, by name.
func (s *sinks) prepare(ctx context.Context, given map[string]int64) error {
	for _, x := range s.list {
		p, err := x.sink.Prepare(ctx)
		if err != nil {
			return err
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

// publish publishes what a ledger record names: the sinks of an earlier run.
func (s *sinks) publish(ctx context.Context, pending []flow.Pending) ([]SinkReport, error) {
	var out []SinkReport
	for _, x := range s.list {
		for _, p := range pending {
			if p.Sink != x.name {
				continue
			}
			published, err := x.sink.Publish(ctx, p)
			if err != nil {
				return out, fault.Wrap(err, PublishFailed, "the %s store was not loaded; the next run completes it", x.name)
			}
			out = append(out, SinkReport{Name: x.name, Published: published})
		}
	}
	return out, nil
}

func (s *sinks) close() error {
	var errs []error
	for _, x := range s.list {
		errs = append(errs, x.sink.Close())
	}
	return errors.Join(errs...)
}
