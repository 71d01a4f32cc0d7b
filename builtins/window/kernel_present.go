package window

// present is the state of functions that take the values of a window in the
// order of rows: it queues the rows that have one.
type present[T any] struct {
	input  *column[T]
	rows   []int32
	head   int
	lo, hi int32
}

func (s *present[T]) reset(at int32) {
	s.rows, s.head = s.rows[:0], 0
	s.lo, s.hi = at, at
}

func (s *present[T]) enter(from, to int32) {
	if s.head > 64 && s.head > len(s.rows)/2 {
		s.rows, s.head = s.rows[:copy(s.rows, s.rows[s.head:])], 0
	}
	for i, ok := range s.input.valid[from:to] {
		if ok {
			s.rows = append(s.rows, from+int32(i))
		}
	}
	s.hi = to
}

func (s *present[T]) leave(_, to int32) {
	for s.head < len(s.rows) && s.rows[s.head] < to {
		s.head++
	}
	s.lo = to
}

func (s *present[T]) drop(n int32) {
	for i := s.head; i < len(s.rows); i++ {
		s.rows[i] -= n
	}
	s.lo -= n
	s.hi -= n
}

// open gives the rows that have a value.
func (s *present[T]) open() []int32 { return s.rows[s.head:] }

// first answers first_non_null.
func (s *present[T]) first() (v T, ok, fits bool) {
	if r := s.open(); len(r) > 0 {
		return s.input.vals[r[0]], true, true
	}
	return v, false, true
}

// last answers last_non_null.
func (s *present[T]) last() (v T, ok, fits bool) {
	if r := s.open(); len(r) > 0 {
		return s.input.vals[r[len(r)-1]], true, true
	}
	return v, false, true
}

// view gives the first k values, if no null lies between them.
func (s *present[T]) view(k int) ([]T, bool) {
	r := s.open()
	r = r[:min(k, len(r))]
	if n := len(r); n == 0 {
		return nil, true
	} else if int(r[n-1]-r[0]) == n-1 {
		return s.input.vals[r[0] : r[n-1]+1], true
	}
	return nil, false
}

// oldest answers first_k, and collect_list with a k as great as can be.
func (s *present[T]) oldest(to []T, k int) []T {
	r := s.open()
	for _, i := range r[:min(k, len(r))] {
		to = append(to, s.input.vals[i])
	}
	return to
}

// newest answers last_k.
func (s *present[T]) newest(to []T, k int) []T {
	r := s.open()
	for i := len(r) - 1; i >= max(0, len(r)-k); i-- {
		to = append(to, s.input.vals[r[i]])
	}
	return to
}
