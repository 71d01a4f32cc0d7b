package window

// state is what a window holds of an input column, kept for answers.
type state[S any] interface {
	*S
	// reset empties the state; row at is the next to enter.
	reset(at int32)
	// enter takes rows in, leave takes the oldest out.
	enter(from, to int32)
	leave(from, to int32)
	// drop renumbers the rows: the first n, all out by now, are gone.
	drop(n int32)
}

// following is the kernel of a state and the functions that it can answer. It
// moves the state with the window and asks for answers only when it moved.
type following[S any, P state[S]] struct {
	span
	state     S
	answers   []answer[S]
	emptyNull bool
	stale     bool // the state moved since the answers were asked
	failed    string
}

// answer is one output column of a state.
type answer[S any] interface {
	// put writes rows from to to. It may give what it gave before if the state
	// did not move since. It is false when the answer does not fit its type.
	put(s *S, from, to int, moved bool) bool
	// null writes nulls.
	null(from, to int)
	// commit ends a run over rows from to to; see of.
	commit(from, to int) bool
	feature() string
}

func (k *following[S, P]) feature() string { return k.failed }

func (k *following[S, P]) move(lo, hi int32) {
	s := P(&k.state)
	if lo >= k.hi {
		s.reset(lo)
		k.lo, k.hi = lo, lo
	}
	if k.lo < lo {
		s.leave(k.lo, lo)
	}
	if k.hi < hi {
		s.enter(k.hi, hi)
	}
	k.lo, k.hi, k.stale = lo, hi, true
}

func (k *following[S, P]) run(moves []move, from, to int) int {
	start := from
	for i := -1; i < len(moves); i++ {
		if i >= 0 {
			if k.hidden = moves[i].hi == absent; !k.hidden {
				k.move(moves[i].lo, moves[i].hi)
			}
		}
		end := until(moves, i, to)
		if from == end {
			continue
		}
		if k.hidden || k.emptyNull && k.lo == k.hi {
			for _, a := range k.answers {
				a.null(from, end)
			}
		} else {
			for _, a := range k.answers {
				if !a.put(&k.state, from, end, k.stale) {
					k.failed = a.feature()
					return from
				}
			}
			k.stale = false
		}
		from = end
	}
	for _, a := range k.answers {
		if !a.commit(start, to) {
			k.failed = a.feature()
			return start
		}
	}
	return -1
}

func (k *following[S, P]) drop(n int32) {
	if k.lo < n {
		k.move(n, max(k.hi, n))
	}
	P(&k.state).drop(n)
	k.lo -= n
	k.hi -= n
}

// value is an answer of one value.
type value[S, V any] struct {
	out  of[V]
	name string
	// ask gives the answer; not ok is null, not fits says that the answer does
	// not fit its type.
	ask          func(s *S) (v V, ok, fits bool)
	overflowNull bool
	last         V
	ok           bool
}

func (a *value[S, V]) put(s *S, from, to int, moved bool) bool {
	if moved {
		var fits bool
		if a.last, a.ok, fits = a.ask(s); !fits {
			if !a.overflowNull {
				return false
			}
			a.ok = false
		}
	}
	repeat(a.out.slots(0, to+spare), from, to, a.last)
	a.out.mask().put(from, to, bit(a.ok))
	return true
}

func (a *value[S, V]) null(from, to int) {
	var none V
	repeat(a.out.slots(0, to+spare), from, to, none)
}

func (a *value[S, V]) commit(from, to int) bool { return a.out.commit(from, to) }
func (a *value[S, V]) feature() string          { return a.name }

// list is an answer of many values, none of them null.
type list[S, V any] struct {
	out  *lists[V]
	name string
	// view gives the answer where it lies, if it lies anywhere; nil: it never
	// does.
	view func(s *S) ([]V, bool)
	// ask appends the answer to a slice.
	ask     func(s *S, to []V) []V
	scratch []V
}

func (a *list[S, V]) put(s *S, from, to int, _ bool) bool {
	if a.view != nil {
		if vals, ok := a.view(s); ok {
			return a.out.put(from, to, vals)
		}
	}
	a.scratch = a.ask(s, a.scratch[:0])
	ok := a.out.put(from, to, a.scratch)
	clear(a.scratch) // lets go of texts
	return ok
}

func (a *list[S, V]) null(from, to int)    { a.out.null(from, to) }
func (a *list[S, V]) commit(int, int) bool { return true }
func (a *list[S, V]) feature() string      { return a.name }
