package featureset

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/builtins/internal/buffers"
	"github.com/featurehost/featurehost/builtins/internal/runs"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// patterns choose the columns of a stack.
type patterns struct {
	texts []string
	regex bool
	place string
}

// match gives the test for names of columns (S-1005).
func (s *Set) match(p patterns) (func(name string) bool, error) {
	fixed := map[string]bool{timestampColumn: true, s.timestampSource(): true}
	for _, k := range s.cfg.Keys {
		fixed[k.Name] = true
	}
	var tests []func(string) bool
	for i, text := range p.texts {
		if p.regex {
			// Anchored at the start alone, as re.match is.
			re, err := regexp.Compile(`\A(?:` + text + `)`)
			if err != nil {
				return nil, fault.Wrap(err, BadStack, "the regular expression %q cannot be read", text).At("%s[%d]", p.place, i)
			}
			tests = append(tests, re.MatchString)
			continue
		}
		text, negated := strings.CutPrefix(text, "!")
		first, last := strings.Index(text, "*"), strings.LastIndex(text, "*")
		test := func(name string) bool { return name == text }
		switch {
		case first >= 0:
			test = func(name string) bool {
				return strings.HasPrefix(name, text[:first]) && strings.HasSuffix(name, text[last+1:])
			}
		case s.profile.StackEnds:
			test = func(name string) bool { return strings.HasPrefix(name, text) && strings.HasSuffix(name, text) }
		}
		if negated {
			is := test
			test = func(name string) bool { return !is(name) && (s.profile.StackEnds || !fixed[name]) }
		}
		tests = append(tests, test)
	}
	return func(name string) bool {
		for _, t := range tests {
			if t(name) {
				return true
			}
		}
		return false
	}, nil
}

// compileStack adds a feature whose values are those of several columns, one
// row for each (S-1004).
func (s *Set) compileStack(sc *scope, p patterns, name, typ, place string) ([]column, error) {
	at, err := s.stackColumns(sc, p, name)
	if err != nil {
		return nil, err
	}
	if at, err = s.declareMade(sc, at, typ, name, place); err != nil {
		return nil, err
	}
	sc.define(name, at)
	return []column{{name, at}}, nil
}

// stackColumns finds the columns and stacks them.
func (s *Set) stackColumns(sc *scope, p patterns, name string) (int, error) {
	is, err := s.match(p)
	if err != nil {
		return 0, err
	}
	var slots []int
	var names []string
	for _, n := range sc.columnNames() {
		if !is(n) {
			continue
		}
		at, err := sc.resolve(n, p.place)
		if err != nil {
			return 0, err
		}
		slots, names = append(slots, at), append(names, n)
	}
	if len(slots) == 0 {
		e := fault.New(BadStack, "no column matches %s", quoted(p.texts)).At("%s", p.place)
		return 0, e.WithHint("the columns are %s", list(sc.columnNames()))
	}
	return s.stack(sc, slots, names, name, p.place)
}

func quoted(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = fmt.Sprintf("%q", t)
	}
	return strings.Join(out, ", ")
}

// stack makes one row of each of the columns, whose types must be one.
func (s *Set) stack(sc *scope, slots []int, names []string, name, place string) (int, error) {
	typ := sc.slots[slots[0]].typ
	first := names[0]
	for i, at := range slots[1:] {
		wide, ok := common(typ, sc.slots[at].typ)
		if !ok {
			return 0, fault.New(BadStack, "column %q is %s, but column %q is %s: a stack has one type", first, schema.TypeName(typ),
				names[i+1], schema.TypeName(sc.slots[at].typ)).At("%s", place).
				WithHint("name the columns more narrowly, or cast them in [query]")
		}
		if !arrow.TypeEqual(wide, typ) {
			typ, first = wide, names[i+1]
		}
	}
	from := make([]int, len(slots))
	for i, at := range slots {
		var err error
		if from[i], err = sc.convert(at, typ, cast.Rules{}, names[i], place); err != nil {
			return 0, err
		}
	}
	if len(from) == 1 {
		return from[0], nil // each row is its only one
	}
	st := &explode{name: name, from: from, to: sc.add(slot{typ: typ}), ordinal: sc.add(slot{typ: arrow.PrimitiveTypes.Int32})}
	// Behind all windows so far, which are of the rows as they were.
	sc.doAt(sc.latest(), st, from, st.to, st.ordinal)
	sc.ordinals = append(sc.ordinals, st.ordinal)
	return st.to, nil
}

// common gives the type that holds the values of two others: integers widen to
// bigint, floats and integers to double.
func common(a, b flow.DataType) (flow.DataType, bool) {
	if arrow.TypeEqual(a, b) {
		return a, true
	}
	rank := func(t flow.DataType) int {
		switch t.ID() {
		case arrow.INT32:
			return 1
		case arrow.INT64:
			return 2
		case arrow.FLOAT32:
			return 3
		case arrow.FLOAT64:
			return 4
		}
		return 0
	}
	low, high := min(rank(a), rank(b)), max(rank(a), rank(b))
	switch {
	case low == 0, low == 2 && high > 2: // a bigint may be no double
		return nil, false
	case high == 2:
		return arrow.PrimitiveTypes.Int64, true
	}
	return arrow.PrimitiveTypes.Float64, true
}

// Stack is the step behind windows whose columns are stacked: it makes the rows
// that the windows, which hand on a row for each, did not, and the features that
// read them and come before the next exchange.
//
// Counts: cast_failures by column, stacked_rows.
// Rules: S-1004.
type Stack struct {
	set   *Set
	stage int // of the windows, from 1
	copy  *copyOf
}

// last is the part of the program that the step runs.
func (s *Stack) last() *part {
	parts := s.set.design.of(s.stage)
	return parts[len(parts)-1]
}

// Open settles names and types. It needs Select open.
func (s *Stack) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	if s.set.design == nil || in.NumFields() != len(s.last().in) {
		return nil, fault.New(NotSelected, "a stack was opened on rows that no windows made")
	}
	var err error
	if s.copy, err = newCopy(ctx, s.set, s.set.design, s.last()); err != nil {
		return nil, err
	}
	return s.last().schema, nil
}

// Fork opens another copy for another worker.
func (s *Stack) Fork(ctx context.Context) (flow.Stage, error) {
	one, err := newCopy(ctx, s.set, s.set.design, s.last())
	return &Stack{set: s.set, stage: s.stage, copy: one}, err
}

// Process stacks one batch.
func (s *Stack) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	if in.Rows() == 0 {
		return nil
	}
	return portions(in, fanOut(s.copy.steps), portionBytes, func(in flow.Batch) error { return s.copy.process(ctx, in, emit) })
}

// Flush has nothing left.
func (s *Stack) Flush(context.Context, flow.Emit) error { return nil }

// Close gives back what the steps hold.
func (s *Stack) Close() error {
	if s.copy == nil {
		return nil
	}
	return s.copy.close()
}

// explode makes several rows of each: one for each of the columns, whose value
// it holds beside the number of the column. The other columns are repeated.
type explode struct {
	name        string
	from        []int
	to, ordinal int
	keep        []int // columns that somebody looks at behind
}

func (s *explode) run(_ context.Context, f *frame) error {
	n, m := f.rows, len(s.from)
	columns := make([]arrow.Array, m)
	for k, at := range s.from {
		columns[k] = f.slots[at]
	}
	all, err := array.Concatenate(columns, f.mem)
	if err != nil {
		return err
	}
	defer all.Release()
	picks, repeats := make([]runs.Run, 0, n*m), make([]runs.Run, 0, n*m)
	for i := range n {
		for k := range m {
			picks = append(picks, runs.Run{From: k*n + i, To: k*n + i + 1})
			repeats = append(repeats, runs.Run{From: i, To: i + 1})
		}
	}
	stacked := runs.Array(f.mem, all, picks)
	kept := map[int]bool{}
	for _, at := range s.keep {
		kept[at] = true
	}
	for at, a := range f.slots {
		if a == nil {
			continue
		}
		f.slots[at] = nil
		if kept[at] {
			f.slots[at] = runs.Array(f.mem, a, repeats)
		}
		a.Release()
	}
	f.slots[s.to], f.slots[s.ordinal] = stacked, ordinals(f.mem, n, m)
	f.rows, f.copies, f.position = n*m, f.copies*m, flow.Position{}
	f.count.Add("stacked_rows", s.name, int64(n*(m-1)))
	return nil
}

// ordinals gives 0 to m-1, n times.
func ordinals(mem memory.Allocator, n, m int) arrow.Array {
	data := buffers.New(mem, n*m*4)
	out := arrow.GetData[int32](data.Bytes())
	for i := range out {
		out[i] = int32(i % m)
	}
	return buffers.Column(arrow.PrimitiveTypes.Int32, n*m, 0, nil, data)
}
