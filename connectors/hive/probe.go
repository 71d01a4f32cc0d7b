package hive

import (
	"context"
	"fmt"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Probe asks whether the metastore answers and knows the database.
func (r *Registrar) Probe(ctx context.Context) []flow.Finding {
	f := r.m.Probe(ctx, r.database)
	if f.OK {
		return []flow.Finding{f}
	}
	if there, err := r.m.HasDatabase(ctx, r.database); err == nil && !there {
		f.OK, f.Text, f.Hint = true, fmt.Sprintf("answers; database %q is not there yet: the first run makes it", r.database), ""
	}
	return []flow.Finding{f}
}

// Probe asks whether the metastore answers and knows a database.
func (m *Metastore) Probe(ctx context.Context, database string) flow.Finding {
	f := flow.Finding{Server: m.Name()}
	there, err := m.HasDatabase(ctx, database)
	switch {
	case err != nil:
		f.Text = err.Error()
		if e := fault.As(err); e != nil {
			f.Text, f.Hint = e.Message, e.Hint
			if e.Err != nil {
				f.Text += ": " + e.Err.Error()
			}
		}
	case !there:
		f.Text, f.Hint = fmt.Sprintf("answers, but has no database %q", database), "correct database"
	default:
		f.OK, f.Text = true, fmt.Sprintf("answers; database %q is there", database)
	}
	return f
}
