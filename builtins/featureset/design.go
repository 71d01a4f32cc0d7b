package featureset

import (
	"context"
	"sort"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// design is a set compiled against the schema of its source rows: which steps
// run in which segment, and which columns rows carry from one to the next.
// A column is carried exactly as far as somebody looks at it.
type design struct {
	slots  int
	parts  []*part
	reads  []string
	stages []*keyedPlan // keyed steps, then Fold
	order  rowOrder
}

// part is the program of a segment.
type part struct {
	at     segment
	steps  []step
	taken  bool    // a stage has the steps; another copy of it needs its own
	in     []int   // slots of the columns that come in; nil for Select
	out    *layout // the columns that go out
	schema *flow.Schema
}

// first gives the steps of Select to a copy of it: those before rows are turned
// down, and those after.
func (d *design) first(ctx context.Context) (head, tail []step, err error) {
	all, err := d.parts[0].take(ctx)
	for i, st := range all {
		if _, ok := st.(gate); ok {
			return all[:i:i], all[i+1:], err
		}
	}
	return nil, nil, err
}

// computes tells whether a keyed stage does more than cut hidden columns off.
func (d *design) computes(stage int) bool {
	parts := d.of(stage)
	return len(parts) > 1 || len(parts[0].steps) > 0 || len(parts[0].out.slots) != d.entry(stage).visible
}

// entry describes the rows that enter a stage, numbered from 1.
func (d *design) entry(stage int) *layout {
	for i, p := range d.parts {
		if p.at == (segment{stage, 0}) {
			return d.parts[i-1].out
		}
	}
	return nil
}

// take gives the steps of a part to a copy of a stage, which closes them.
func (p *part) take(ctx context.Context) ([]step, error) {
	if !p.taken {
		p.taken = true
		return p.steps, nil
	}
	return forkSteps(ctx, p.steps)
}

// close gives back what no stage has taken.
func (d *design) close() error {
	var left []step
	for _, p := range d.parts {
		if !p.taken {
			p.taken = true
			left = append(left, p.steps...)
		}
	}
	return closeSteps(left)
}

// of gives the parts of a keyed stage, numbered from 1.
func (d *design) of(stage int) []*part {
	var out []*part
	for _, p := range d.parts {
		if p.at.stage == stage {
			out = append(out, p)
		}
	}
	return out
}

// gate stands among the steps of Select where rows are turned down.
type gate struct{}

func (gate) run(context.Context, *frame) error { return nil }

// settle divides the steps among segments and finds what rows carry. keys and
// time are the slots every row bears, outputs the features.
func (sc *scope) settle(s *Set, keys []int, time int, outputs []column) (*design, error) {
	d := &design{stages: sc.stages}
	d.parts = append(d.parts, &part{})
	for i, st := range sc.stages {
		d.parts = append(d.parts, &part{at: segment{i + 1, 0}})
		for _, b := range st.barriers {
			d.parts = append(d.parts, &part{at: b.at})
		}
	}
	var err error
	if d.order, err = sc.rowOrder(s.cfg, keys, time, outputs); err != nil {
		return nil, err
	}
	nodes := sc.divide() // of columns of the order, too
	d.slots = len(sc.slots)
	live := map[int]bool{time: true}
	for _, k := range keys {
		live[k] = true
	}
	for _, c := range outputs {
		live[c.at] = true
	}
	names := newNamer(s.cfg, outputs)
	ordered := false // an exchange lies behind
	for i := len(d.parts) - 1; i >= 0; i-- {
		p := d.parts[i]
		if err := sc.there(live, p.at); err != nil {
			return nil, err
		}
		l := &layout{}
		for k, at := range keys {
			l.add(s.cfg.Keys[k].Name, at, sc)
		}
		l.add(timestampColumn, time, sc)
		for _, c := range outputs {
			if !p.at.before(sc.slots[c.at].at) {
				l.add(c.name, c.at, sc)
			}
		}
		l.visible = len(l.fields)
		p.out = l
		if ordered {
			d.order.into(l, p.at, sc, names)
		}
		l.rest(live, sc, names)
		p.schema = flow.NewSchema(l.fields)
		own := nodes[p.at]
		for k := len(own) - 1; k >= 0; k-- {
			n := own[k]
			for _, w := range n.writes {
				delete(live, w)
			}
			if x, ok := n.step.(*explode); ok {
				x.keep = sorted(live)
			}
			for _, r := range n.reads {
				live[r] = true
			}
		}
		for _, n := range own {
			p.steps = append(p.steps, n.step)
		}
		if p.at.stage == 0 {
			break
		}
		st := sc.stages[p.at.stage-1]
		if p.at.part == 0 {
			for _, at := range st.needs() {
				live[at] = true
			}
			for _, at := range d.order.slots() {
				if sc.slots[at].at.before(p.at) {
					live[at] = true
				}
			}
			ordered = true
			continue
		}
		b := st.barriers[p.at.part-1]
		for _, a := range b.aggregates {
			for _, at := range a.outs {
				delete(live, at)
			}
		}
		for _, a := range b.aggregates {
			live[a.in] = true
		}
		for _, at := range st.needs() {
			live[at] = true
		}
	}
	for i, p := range d.parts[1:] {
		before := d.parts[i]
		p.in = before.out.slots
		if p.at.part > 0 {
			st := sc.stages[p.at.stage-1]
			b := st.barriers[p.at.part-1]
			b.bind(st, before.out)
			p.in = append([]int(nil), p.in...)
			for _, a := range b.aggregates {
				p.in = append(p.in, a.outs...)
			}
		}
	}
	for name := range sc.loaded {
		d.reads = append(d.reads, name)
	}
	sort.Strings(d.reads)
	return d, nil
}

// divide gives the steps of each segment in the order in which they run. Source
// columns are loaded first: before the gate those that are needed before it,
// or all when rows become several there.
func (sc *scope) divide() map[segment][]node {
	out := map[segment][]node{}
	var first, head, loads, tail []node
	opened, stacks := false, false
	for _, n := range sc.nodes {
		if n.at != (segment{}) {
			out[n.at] = append(out[n.at], n)
			continue
		}
		switch n.step.(type) {
		case gate:
			opened = true
			head = append(head, n)
			continue
		case *explode:
			stacks = stacks || !opened
		}
		switch load := sc.isLoad(n); {
		case load && !opened:
			first = append(first, n)
		case load:
			loads = append(loads, n)
		case !opened:
			head = append(head, n)
		default:
			tail = append(tail, n)
		}
	}
	if stacks {
		first, loads = append(first, loads...), nil
	}
	all := append(first, head...)
	all = append(all, loads...)
	out[segment{}] = append(all, tail...)
	return out
}

// isLoad tells whether a node loads a source column or widens it.
func (sc *scope) isLoad(n node) bool {
	switch n.step.(type) {
	case loadStep:
		return true
	case castStep:
		return len(n.writes) == 1 && sc.widens[n.writes[0]]
	}
	return false
}

// there checks that columns exist when they are carried.
func (sc *scope) there(live map[int]bool, at segment) error {
	for v := range live {
		if at.before(sc.slots[v].at) {
			return fault.New(NotSelected, "a column is needed before the windows that make it")
		}
	}
	return nil
}

func sorted(set map[int]bool) []int {
	out := make([]int, 0, len(set))
	for v := range set {
		out = append(out, v)
	}
	sort.Ints(out)
	return out
}

// copyOf is a frame with the steps of one part, for one copy of a stage.
type copyOf struct {
	part  *part
	steps []step
	frame frame
}

func newCopy(ctx context.Context, s *Set, d *design, p *part) (*copyOf, error) {
	steps, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	return &copyOf{part: p, steps: steps, frame: newFrame(s, d.slots)}, nil
}

// process runs the part over a batch, which it borrows.
func (c *copyOf) process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	f := &c.frame
	f.reset(in)
	defer f.release()
	for i, at := range c.part.in {
		if f.slots[at] == nil {
			a := in.Record.Column(i)
			a.Retain()
			f.slots[at] = a
		}
	}
	if err := run(ctx, c.steps, f); err != nil {
		return err
	}
	return emit(f.batch(c.part.schema, c.part.out.slots))
}

func (c *copyOf) close() error {
	steps := c.steps
	c.steps = nil
	return closeSteps(steps)
}
