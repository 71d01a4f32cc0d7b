package featureset

import (
	"context"
	"errors"
	"fmt"

	"github.com/featurehost/featurehost/builtins/internal/runs"
	"github.com/featurehost/featurehost/host/flow"
)

// Select makes, from source rows, rows of
//
//	keys..., timestamp, features or inputs of aggregates..., hidden columns
//
// A plain set's features are computed here, unless they are windows or read
// some; an aggregated set's input columns come once each, by name. Hidden
// columns begin with fh_ and carry what orders rows of equal timestamp, and
// what windows behind need; Fold drops them.
//
// Rows with a null in a key or without a timestamp are rejected, kept or
// dropped as the profile says, before any feature is computed.
// It is a flow.Stateless and tells by Reads which source columns it needs.
//
// Counts: cast_failures by column, stacked_rows, dropped_null_timestamp.
// Rules: S-601..S-608, S-301..S-303, S-1001..S-1005.
type Select struct {
	set *Set
	in  *flow.Schema
	program
	head, tail []step
	frame      frame
	first      bool // made the design
	keep       []byte
	kept       []runs.Run
}

// program is what Open compiled.
type program struct {
	design    *design
	out       *flow.Schema
	keys      []int
	from, at  int    // timestamp: column read, column made
	complaint string // what a value is told that is no timestamp
}

// Open settles columns and types.
func (s *Select) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	if err := s.set.unknownColumns(in); err != nil {
		return nil, err
	}
	p, err := s.set.compile(ctx, in)
	if err != nil {
		return nil, err
	}
	if old := s.set.design; old != nil {
		_ = old.close()
	}
	s.in, s.program, s.first = in, *p, true
	s.set.design = p.design
	s.set.layout = p.design.entry(len(p.design.stages))
	return s.out, s.begin(ctx)
}

// Fork opens another copy for another worker.
func (s *Select) Fork(ctx context.Context) (flow.Stage, error) {
	g := &Select{set: s.set, in: s.in, program: s.program}
	return g, g.begin(ctx)
}

// begin takes the steps.
func (s *Select) begin(ctx context.Context) error {
	d := s.design
	_ = closeSteps(s.head)
	_ = closeSteps(s.tail)
	var err error
	if s.head, s.tail, err = d.first(ctx); err != nil {
		return err
	}
	s.frame = newFrame(s.set, d.slots)
	return nil
}

// Reads names the source columns that are used.
func (s *Select) Reads() []string {
	if s.design == nil {
		return nil
	}
	return s.design.reads
}

// compile settles the whole set against the schema of its source rows.
func (s *Set) compile(ctx context.Context, in *flow.Schema) (p *program, err error) {
	sc := newScope(in, s.env.SQL)
	defer func() {
		if err != nil {
			_ = sc.close()
		}
	}()
	p = &program{}
	if p.keys, err = s.compileKeys(sc); err != nil {
		return nil, err
	}
	if p.from, p.at, p.complaint, err = s.compileTimestamp(sc); err != nil {
		return nil, err
	}
	sc.define(timestampColumn, p.at)
	if s.profile.TimestampReplacesSource {
		sc.define(s.timestampSource(), p.at)
	}
	sc.do(gate{}, append([]int{p.from, p.at}, p.keys...))
	s.planStages(sc, p)
	cols, err := s.compileColumns(ctx, sc)
	if err != nil {
		return nil, err
	}
	if p.design, err = sc.settle(s, p.keys, p.at, cols); err != nil {
		return nil, err
	}
	p.out = p.design.parts[0].schema
	return p, nil
}

// Process selects one batch.
func (s *Select) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	if in.Rows() == 0 {
		return nil
	}
	return portions(in, fanOut(s.head, s.tail), portionBytes, func(in flow.Batch) error { return s.portion(ctx, in, emit) })
}

// portion selects rows, whatever they become.
func (s *Select) portion(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	f := &s.frame
	f.reset(in)
	defer f.release()
	if err := run(ctx, s.head, f); err != nil {
		return err
	}
	if err := s.turnDown(ctx, in); err != nil || f.rows == 0 {
		return err
	}
	if err := run(ctx, s.tail, f); err != nil {
		return err
	}
	return emit(f.batch(s.out, s.design.parts[0].out.slots))
}

// turnDown rejects or drops the rows that have no place in the set.
func (s *Select) turnDown(ctx context.Context, in flow.Batch) error {
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
		return nil
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
		return nil
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
		r.Stage, r.Batch = "feature_set", in
		if err := s.reject(ctx, r); err != nil {
			return err
		}
	}
	s.kept = runs.Of(s.kept[:0], s.keep)
	f.narrow(s.kept)
	return nil
}

// reject keeps source rows as they came. Rows that became several are kept once
// for each of those that is turned down, in letters of their own, since a letter
// holds a row once.
func (s *Select) reject(ctx context.Context, r flow.Rejection) error {
	copies := s.frame.copies
	rows := r.Rows
	for c := range copies {
		if r.Rows = rows; copies > 1 {
			r.Rows = nil
			for _, i := range rows {
				if i%copies == c {
					r.Rows = append(r.Rows, i/copies)
				}
			}
		}
		if len(r.Rows) == 0 {
			continue
		}
		if err := s.set.env.Rejects.Reject(ctx, r); err != nil {
			return err
		}
	}
	return nil
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

// Close gives back what the steps hold, and what stages behind never took.
func (s *Select) Close() error {
	err := errors.Join(closeSteps(s.head), closeSteps(s.tail))
	s.head, s.tail = nil, nil
	if d := s.design; d != nil && s.first {
		err = errors.Join(err, d.close())
	}
	return err
}

// grown gives a slice of n bytes, b's own memory when it has as many.
func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
