package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// query runs [query] into a spilled file and opens that.
func (r *run) query(ctx context.Context) (*source, error) {
	for _, s := range r.plan.Sources {
		if s.Relation != nil { // registered when the plan was bound
			if err := r.count(ctx, s); err != nil {
				return nil, err
			}
			continue
		}
		path, err := r.materialize(ctx, s)
		if err != nil {
			return nil, err
		}
		if err := r.settings.Queries.Register(ctx, s.Config.ID, flow.Relation{Format: "parquet", Paths: []string{path}}); err != nil {
			return nil, err
		}
	}
	meter := r.settings.Events.Meter("query", observe.KindQuery)
	start := time.Now()
	dst := filepath.Join(r.settings.Scratch, "query.parquet")
	rows, err := r.settings.Queries.Query(ctx, r.plan.Query.SQL, dst)
	if err != nil {
		return nil, err
	}
	meter.Busy(time.Since(start))
	r.result.Query = rows
	reader, err := r.settings.Read(dst)
	if err != nil {
		return nil, err
	}
	if _, err := reader.Open(ctx, flow.Request{BatchRows: r.settings.BatchRows}); err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return &source{reader: &anonymous{reader}, meter: meter, done: func(flow.ReadStats) {}}, nil
}

// count accounts for the rows of a reader that the query scans in place.
func (r *run) count(ctx context.Context, s *plan.Source) error {
	all, kept, err := r.settings.Queries.Counts(ctx, s.Config.ID)
	if err != nil {
		return err
	}
	r.result.Read[s.Config.ID] = flow.ReadStats{Rows: all, Objects: int64(len(s.Relation.Paths)), Bytes: s.Relation.Bytes}
	reader := r.settings.Events.Meter(s.Config.ID, observe.KindReader)
	reader.In(all)
	reader.Out(all)
	if len(s.Relation.Where) > 0 {
		filter := r.settings.Events.Meter(s.Config.ID+": filter", observe.KindFilter)
		filter.In(all)
		filter.Out(kept)
	}
	return nil
}

// anonymous hides the spilled file from positions: a query's rows come from no
// place that a person could look up.
type anonymous struct{ flow.Reader }

// Next implements flow.Reader.
func (a *anonymous) Next(ctx context.Context) (flow.Batch, error) {
	b, err := a.Reader.Next(ctx)
	b.Position = flow.Position{}
	return b, err
}

// materialize passes a reader through its prepare steps into a Parquet file
// that the query can scan.
func (r *run) materialize(ctx context.Context, s *plan.Source) (path string, err error) {
	src, err := r.open(ctx, s)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	l := r.line(s.Prepare)
	var written int64
	err = l.stream(stream{next: src.Next}).pulled(ctx, func(ctx context.Context, rows next) error {
		var err error
		path, err = r.settings.Spill(ctx, s.Config.ID, s.Output, func(ctx context.Context) (flow.Batch, error) {
			b, err := rows(ctx)
			if err == nil {
				written += b.Rows()
			}
			return b, err
		})
		return err
	})
	if err != nil {
		return "", err
	}
	return path, l.kept(s, src.meter.Stats().RowsOut, written)
}

// kept holds the rows that a reader's prepare steps handed on against those
// they got: only filters and folds may hand on others (P4), and plugins turn down
// what they fail on.
func (l *line) kept(s *plan.Source, read, written int64) error {
	for _, m := range l.meters {
		if m.Kind == observe.KindFilter || m.Kind == observe.KindFold {
			st := m.Stats()
			read -= st.RowsIn - st.RowsOut
		} else {
			read -= turnedDown(l.run.settings.Events, m.Name)
		}
	}
	if read != written {
		return fault.New(RowsLost, "%d rows should have passed the prepare steps, %d did", read, written).At("reader %q", s.Config.ID)
	}
	return nil
}
