package historical

import (
	"context"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

var (
	_ flow.Prober   = (*Sink)(nil)
	_ flow.Migrator = (*Sink)(nil)
)

// migrator is a catalogue whose tables can be compared and changed.
type migrator interface {
	Migration(ctx context.Context, t Table) (flow.Migration, error)
	Migrate(ctx context.Context, m flow.Migration) error
}

// prober is a catalogue that can say whether it would let us in.
type prober interface {
	Probe(ctx context.Context) []flow.Finding
}

// Migration implements flow.Migrator for the table of the catalogue. A table
// without one changes with its files.
func (s *Sink) Migration(ctx context.Context, run flow.Run, in *flow.Schema) (flow.Migration, error) {
	r, err := s.catalogue(ctx)
	if err != nil || r == nil {
		return flow.Migration{}, err
	}
	m, ok := r.(migrator)
	if !ok {
		return flow.Migration{}, nil
	}
	t, err := s.table(run.Entity, run.Set, in)
	if err != nil {
		return flow.Migration{}, err
	}
	return m.Migration(ctx, t)
}

// Migrate implements flow.Migrator.
func (s *Sink) Migrate(ctx context.Context, plan flow.Migration) error {
	r, err := s.catalogue(ctx)
	if err != nil {
		return err
	}
	m, ok := r.(migrator)
	if !ok {
		return fault.New(SchemaChange, "table %q is in no catalogue that could be changed", plan.Table)
	}
	return m.Migrate(ctx, plan)
}

// Probe implements flow.Prober.
func (s *Sink) Probe(ctx context.Context) (out []flow.Finding, err error) {
	if s.remote != nil {
		out = append(out, s.remote.Probe(ctx))
	}
	r, err := s.catalogue(ctx)
	if err != nil {
		f := flow.Finding{Server: "hive " + s.cfg.Hive.Metastore, Text: err.Error()}
		if e := fault.As(err); e != nil {
			f.Text, f.Hint = e.Message, e.Hint
		}
		return append(out, f), ctx.Err()
	}
	if p, ok := r.(prober); ok {
		out = append(out, p.Probe(ctx)...)
	}
	return out, nil
}
