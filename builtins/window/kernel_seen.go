package window

import (
	"cmp"
	"slices"
	"strings"
)

// seen is the state of MostFrequentSetText: how often each value of a window,
// null among them, was seen, and first where. Rows of one value are linked, so
// that when the first one leaves the next is at hand.
type seen[T any, K comparable, R ranking[T, K]] struct {
	input  *column[T]
	order  R
	write  textForm[K]
	places map[K]int32 // of values in slots
	slots  []slot[K]
	free   []int32
	// next[i] is how far row base+i is from the next row of its value.
	next  []int32
	base  int32
	key   []K // room for one
	found []frequent
	// texts of the slots, as they are beside nulls or not; "" is not known.
	texts  []string
	beside bool
}

// slot is a value and its rows; slot 0 is null's.
type slot[K any] struct {
	key         K
	count       int32
	first, last int32
}

// frequent is a text of the answer.
type frequent struct {
	text         string
	count, first int32
}

func newSeen[T any, K comparable, R ranking[T, K]](in *column[T], w textForm[K]) seen[T, K, R] {
	return seen[T, K, R]{input: in, write: w, places: map[K]int32{}, slots: make([]slot[K], 1)}
}

func (s *seen[T, K, R]) reset(at int32) {
	clear(s.places)
	clear(s.slots)
	clear(s.texts)
	s.slots, s.free, s.texts = s.slots[:1], s.free[:0], s.texts[:0]
	s.next, s.base = s.next[:0], at
}

func (s *seen[T, K, R]) enter(from, to int32) {
	for i := from; i < to; i++ {
		x := &s.slots[s.slot(i)]
		if x.count == 0 {
			x.first = i
		} else {
			s.next[x.last-s.base] = i - x.last
		}
		x.last = i
		x.count++
		s.next = append(s.next, 0)
	}
}

// slot finds the slot of a row's value, or takes a new one.
func (s *seen[T, K, R]) slot(row int32) int32 {
	if !s.input.valid[row] {
		return 0
	}
	k := s.keyOf(row)
	at, ok := s.places[k]
	if !ok {
		if text, is := any(k).(string); is {
			k = any(strings.Clone(text)).(K) // the map keeps it for longer than the row lives
		}
		if n := len(s.free); n > 0 {
			at, s.free = s.free[n-1], s.free[:n-1]
			s.slots[at] = slot[K]{key: k}
			if int(at) < len(s.texts) {
				s.texts[at] = ""
			}
		} else {
			at = int32(len(s.slots))
			s.slots = append(s.slots, slot[K]{key: k})
		}
		s.places[k] = at
	}
	return at
}

func (s *seen[T, K, R]) keyOf(row int32) K {
	s.key = s.order.keys(s.key[:0], s.input.vals[row:row+1], s.input.valid[row:row+1])
	return s.key[0]
}

func (s *seen[T, K, R]) leave(from, to int32) {
	for i := from; i < to; i++ {
		at := s.slot(i)
		x := &s.slots[at]
		x.first = i + s.next[i-s.base]
		if x.count--; x.count == 0 && at != 0 {
			delete(s.places, x.key)
			*x = slot[K]{}
			s.free = append(s.free, at)
		}
	}
	if gone := int(to - s.base); gone > 64 && gone > len(s.next)/2 {
		s.next, s.base = s.next[:copy(s.next, s.next[gone:])], to
	}
}

func (s *seen[T, K, R]) drop(n int32) {
	s.base -= n
	for i := range s.slots {
		s.slots[i].first -= n
		s.slots[i].last -= n
	}
}

// answer gives the texts, most frequent first, of equally frequent ones the one
// seen first.
func (s *seen[T, K, R]) answer(to []string) []string {
	nulls, merge := s.slots[0].count > 0, false
	if nulls != s.beside {
		clear(s.texts)
		s.beside = nulls
	}
	for len(s.texts) < len(s.slots) {
		s.texts = append(s.texts, "")
	}
	s.texts[0] = s.write.null
	s.found = s.found[:0]
	for at := range s.slots {
		x := &s.slots[at]
		if x.count == 0 {
			continue
		}
		if s.texts[at] == "" {
			s.texts[at] = s.write.text(x.key, nulls)
		}
		merge = merge || nulls && at > 0 && s.write.merges != nil && s.write.merges(x.key)
		s.found = append(s.found, frequent{s.texts[at], x.count, x.first})
	}
	if merge {
		s.merge()
	}
	slices.SortFunc(s.found, func(a, b frequent) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.first, b.first))
	})
	for _, f := range s.found {
		to = append(to, f.text)
	}
	clear(s.found)
	return to
}

// merge makes one of entries with the same text.
func (s *seen[T, K, R]) merge() {
	slices.SortFunc(s.found, func(a, b frequent) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.first, b.first))
	})
	kept := s.found[:0]
	for _, f := range s.found {
		if n := len(kept); n > 0 && kept[n-1].text == f.text {
			kept[n-1].count += f.count
		} else {
			kept = append(kept, f)
		}
	}
	s.found = kept
}
