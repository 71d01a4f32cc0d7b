package host

import (
	"context"
	"errors"
	"os"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/pipeline"
	"github.com/featurehost/featurehost/host/internal/plan"
	"github.com/featurehost/featurehost/host/internal/spill"
)

// unheard takes rejected rows of a look ahead: the run rejects them again.
type unheard struct{}

// Reject implements flow.Rejects.
func (unheard) Reject(context.Context, flow.Rejection) error { return nil }

// aside lends the parts for a look at rows while the plan is bound. What they
// count then is not the run's.
func (s *session) aside() plan.Parts {
	quiet := *s
	quiet.events, quiet.rejects, quiet.plan = &observe.Events{}, unheard{}, nil
	return quiet.parts()
}

// rows hands use the rows of a plan that ends before its feature set.
func (s *session) rows(ctx context.Context, p *plan.Plan, use func(context.Context, func(context.Context) (flow.Batch, error)) error) (err error) {
	// A folder of its own: the run writes files of the same names.
	dir, err := os.MkdirTemp(s.host.scratch, "ahead-")
	if err != nil {
		return fault.Wrap(err, spill.NoFolder, "no folder can be made in %s", s.host.scratch)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f := s.host.file.Pipeline
	return pipeline.Rows(ctx, p, pipeline.Settings{
		Workers: f.Workers, BatchRows: f.BatchRows, Memory: s.host.memory.exchange, Scratch: dir,
		Events: s.events, Queries: s.sql, Read: s.readSpilled,
		Spill: func(ctx context.Context, name string, schema *flow.Schema, next func(context.Context) (flow.Batch, error)) (string, error) {
			return spill.Write(ctx, dir, name, schema, next)
		},
	}, use)
}
