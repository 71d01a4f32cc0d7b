package plan

import (
	"slices"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// columns is a set of names; nil stands for all.
type columns map[string]bool

// settleReads walks from the feature set back to the readers and notes which
// of their columns anybody reads.
func (b *binder) settleReads(source *flow.Schema) {
	need := columns{}
	if b.ahead != nil {
		need = union(need, set(b.ahead.columns))
	} else {
		need = union(need, readsOf(b.plan.Before[0]))
	}
	for _, s := range b.plan.Steps {
		need = union(need, readsOf(s))
	}
	if b.plan.Query != nil {
		b.read[len(b.read)-1] = keep(source, need)
		return // the readers' columns stay nil: the query engine prunes what it scans
	}
	s := b.plan.Sources[0]
	for _, p := range s.Prepare {
		need = union(need, readsOf(p))
	}
	i := 0
	if b.ahead.endsIn(inReader) {
		i = b.ahead.reader
	}
	b.read[i] = keep(s.Schema, need)
}

// readsOf gives the columns a step looks at. Rows that a keyed step gets are
// in an order to which all their columns belong (S-303), unless it folds them
// and so knows best what their order matters for.
func readsOf(s *Step) columns {
	r, ok := s.Stage.(flow.Reads)
	if !ok || s.Keyed() != nil && s.Kind != observe.KindFold {
		return set(names(s.In))
	}
	return set(r.Reads())
}

func set(names []string) columns {
	out := columns{}
	for _, n := range names {
		out[n] = true
	}
	return out
}

func union(a, b columns) columns {
	for n := range b {
		a[n] = true
	}
	return a
}

// keep cuts a set of names down to those of a schema. A source of which
// nothing is read still gives one column, so that its rows are counted.
func keep(s *flow.Schema, need columns) columns {
	out := columns{}
	for _, n := range names(s) {
		if need[n] {
			out[n] = true
		}
	}
	if len(out) == 0 && s.NumFields() > 0 {
		out[s.Field(0).Name] = true
	}
	return out
}

func names(s *flow.Schema) []string {
	out := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = f.Name
	}
	return out
}

// project keeps the fields of a schema whose names are wanted, in order.
func project(s *flow.Schema, want columns) *flow.Schema {
	fields := slices.DeleteFunc(slices.Clone(s.Fields()), func(f flow.Field) bool { return !want[f.Name] })
	return flow.NewSchema(fields)
}
