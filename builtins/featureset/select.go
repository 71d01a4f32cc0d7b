package featureset

import (
	"context"
	"fmt"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/builtins/internal/runs"
	"github.com/featurehost/featurehost/host/flow"
)

// Select makes, from source rows, rows of
//
//	keys..., timestamp, features or inputs of aggregates..., hidden columns
//
// A plain set's features are computed here; an aggregated set's input columns
// come once each, by name. Hidden columns begin with fh_ and carry what orders
// rows of equal timestamp; Fold drops them.
//
// Rows with a null in a key or without a timestamp are rejected, kept or
// dropped as the profile says, before any feature is computed.
// It is a flow.Stateless and tells by Reads which source columns it needs.
// Rules: S-601..S-607, S-301..S-303.
type Select struct {
	set *Set
	in  *flow.Schema
	program
	frame frame
	keep  []byte
	kept  []runs.Run
}

// Open settles columns and types.
func (s *Select) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	if err := s.set.unknownColumns(in); err != nil {
		return nil, err
	}
	layout, err := s.compile(ctx, in)
	if err != nil {
		return nil, err
	}
	s.set.layout = layout
	return s.out, nil
}

// Fork opens another copy for another worker.
func (s *Select) Fork(ctx context.Context) (flow.Stage, error) {
	g := &Select{set: s.set}
	_, err := g.compile(ctx, s.in)
	return g, err
}

// Reads names the source columns that are used.
func (s *Select) Reads() []string { return s.reads }

func (s *Select) compile(ctx context.Context, in *flow.Schema) (l *layout, err error) {
	sc := newScope(in, s.set.env.SQL)
	defer func() {
		if err != nil {
			_ = sc.close()
		}
	}()
	p := program{}
	if p.keys, err = s.set.compileKeys(sc); err != nil {
		return nil, err
	}
	if p.from, p.at, p.complaint, err = s.set.compileTimestamp(sc); err != nil {
		return nil, err
	}
	sc.define(timestampColumn, p.at)
	if s.set.profile.TimestampReplacesSource {
		sc.define(s.set.timestampSource(), p.at)
	}
	heads := len(sc.steps)
	cols, err := s.set.compileColumns(ctx, sc)
	if err != nil {
		return nil, err
	}
	l = &layout{}
	for i, k := range s.set.cfg.Keys {
		l.add(k.Name, p.keys[i], sc)
	}
	l.add(timestampColumn, p.at, sc)
	for _, c := range cols {
		l.add(c.name, c.at, sc)
	}
	if err = l.order(sc, s.set.cfg, len(p.keys)+1); err != nil {
		return nil, err
	}
	p.head, p.tail = sc.steps[:heads:heads], sc.steps[heads:]
	p.out, p.outputs, p.evals, p.slots = flow.NewSchema(l.fields), l.slots, sc.evals, len(sc.slots)
	for name := range sc.loaded {
		p.reads = append(p.reads, name)
	}
	sort.Strings(p.reads)
	s.program, s.in = p, in
	s.frame = frame{mem: s.set.mem, slots: make([]arrow.Array, p.slots), count: s.set.env.Counter}
	return l, nil
}

// Process selects one batch.
func (s *Select) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	if in.Rows() == 0 {
		return nil
	}
	f := &s.frame
	f.reset(in.Record)
	defer f.release()
	if err := run(ctx, s.head, f); err != nil {
		return err
	}
	narrowed, err := s.turnDown(ctx, in)
	if err != nil || f.rows == 0 {
		return err
	}
	if err := run(ctx, s.tail, f); err != nil {
		return err
	}
	columns := make([]arrow.Array, len(s.outputs))
	for i, at := range s.outputs {
		columns[i] = f.slots[at]
	}
	out := flow.Batch{Record: array.NewRecordBatch(s.out, columns, int64(f.rows))}
	if !narrowed {
		out.Position = in.Position
	}
	return emit(out)
}

func run(ctx context.Context, steps []step, f *frame) error {
	for _, st := range steps {
		if err := st.run(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// turnDown rejects or drops the rows that have no place in the set and tells
// whether there were any.
func (s *Select) turnDown(ctx context.Context, in flow.Batch) (bool, error) {
	f, p := &s.frame, &s.set.profile
	times, source := f.slots[s.at], f.slots[s.from]
	checkTimes := times.NullN() > 0 && !s.set.keepsNullTimestamps()
	checkKeys := false
	if p.NullKeys == Reject {
		for _, k := range s.keys {
			checkKeys = checkKeys || f.slots[k].NullN() > 0
		}
	}
	if !checkKeys && !checkTimes {
		return false, nil
	}
	s.keep = grown(s.keep, f.rows)
	var keyless, timeless, unreadable []int
	for i := range f.rows {
		s.keep[i] = 1
		if checkKeys && s.nullKey(i) {
			s.keep[i] = 0
			keyless = append(keyless, i)
			continue
		}
		if checkTimes && times.IsNull(i) {
			s.keep[i] = 0
			if source.IsNull(i) {
				timeless = append(timeless, i)
			} else {
				unreadable = append(unreadable, i)
			}
		}
	}
	if len(keyless)+len(timeless)+len(unreadable) == 0 {
		return false, nil
	}
	if p.NullTimestamps == Keep {
		// Kept where they have a place; rolling windows have none.
		if n := len(timeless) + len(unreadable); n > 0 {
			f.count.Add("dropped_null_timestamp", s.set.timestampSource(), int64(n))
		}
		timeless, unreadable = nil, nil
	}
	for _, r := range []flow.Rejection{
		{Reason: "null_key", Message: "a key is null", Rows: keyless},
		{Reason: "null_timestamp", Message: fmt.Sprintf("column %q is null", s.set.timestampSource()), Rows: timeless},
		{Reason: "null_timestamp", Message: s.complaint, Rows: unreadable},
	} {
		if len(r.Rows) == 0 {
			continue
		}
		r.Stage, r.Batch = "feature_set", in
		if err := s.set.env.Rejects.Reject(ctx, r); err != nil {
			return true, err
		}
	}
	s.kept = runs.Of(s.kept[:0], s.keep)
	f.narrow(s.kept)
	return true, nil
}

func (s *Select) nullKey(row int) bool {
	for _, k := range s.keys {
		if s.frame.slots[k].IsNull(row) {
			return true
		}
	}
	return false
}

// Flush has nothing left.
func (s *Select) Flush(context.Context, flow.Emit) error { return nil }

// Close gives the compiled expressions back.
func (s *Select) Close() error {
	evals := s.evals
	s.evals = nil
	return closeAll(evals)
}

// grown gives a slice of n bytes, b's own memory when it has as many.
func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
