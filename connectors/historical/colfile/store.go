package colfile

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// value is what a block may hold. int128 is a decimal.
type value interface {
	uint8 | uint32 | uint64 | int128
}

// int128 is a decimal as Arrow lays it out: low word first.
type int128 struct {
	lo uint64
	hi int64
}

// store is a list of values in blocks.
type store[T value] struct {
	blocks []*[blockValues]T
	n      int
}

// room gives the free part of the last block, making one if it is full.
func (s *store[T]) room(a *Arena) ([]T, error) {
	if s.n == len(s.blocks)*blockValues {
		var v T
		p, err := a.take(unsafe.Sizeof(v))
		if err != nil {
			return nil, err
		}
		s.blocks = append(s.blocks, (*[blockValues]T)(p))
	}
	return s.blocks[len(s.blocks)-1][s.n%blockValues:], nil
}

// push appends values.
func (s *store[T]) push(a *Arena, values []T) error {
	for len(values) > 0 {
		room, err := s.room(a)
		if err != nil {
			return err
		}
		n := copy(room, values)
		s.n += n
		values = values[n:]
	}
	return nil
}

// fill appends n times v.
func (s *store[T]) fill(a *Arena, v T, n int) error {
	for n > 0 {
		room, err := s.room(a)
		if err != nil {
			return err
		}
		k := min(n, len(room))
		for i := range room[:k] {
			room[i] = v
		}
		s.n += k
		n -= k
	}
	return nil
}

// gather appends src[r] for each r of rows.
func (s *store[T]) gather(a *Arena, src []T, rows []int32) error {
	for len(rows) > 0 {
		room, err := s.room(a)
		if err != nil {
			return err
		}
		k := min(len(rows), len(room))
		for i, r := range rows[:k] {
			room[i] = src[r]
		}
		s.n += k
		rows = rows[k:]
	}
	return nil
}

// gatherValid appends src[r] for each r of rows whose validity bit is set.
func (s *store[T]) gatherValid(a *Arena, src []T, valid []byte, offset int, rows []int32) error {
	for len(rows) > 0 {
		room, err := s.room(a)
		if err != nil {
			return err
		}
		// As many rows as surely fit: a null takes its place and is overwritten.
		take := min(len(rows), len(room))
		k := 0
		for _, r := range rows[:take] {
			bit := offset + int(r)
			room[k] = src[r]
			k += int(valid[bit>>3]>>(bit&7)) & 1
		}
		s.n += k
		rows = rows[take:]
	}
	return nil
}

// flatten appends all values to dst.
func (s *store[T]) flatten(dst []T) []T {
	left := s.n
	for _, b := range s.blocks {
		k := min(left, blockValues)
		dst = append(dst, b[:k]...)
		left -= k
	}
	return dst
}

// release gives the blocks back.
func (s *store[T]) release(a *Arena) {
	var v T
	for _, b := range s.blocks {
		a.give(unsafe.Pointer(b), unsafe.Sizeof(v))
	}
	s.blocks, s.n = s.blocks[:0], 0
}

// gatherBits appends bit r of src as 0 or 1 for each r of rows that is valid.
func gatherBits(s *store[uint8], a *Arena, src, valid []byte, srcOffset, offset int, rows []int32) error {
	for len(rows) > 0 {
		room, err := s.room(a)
		if err != nil {
			return err
		}
		take := min(len(rows), len(room))
		k := 0
		for _, r := range rows[:take] {
			if valid != nil && !bitutil.BitIsSet(valid, offset+int(r)) {
				continue
			}
			room[k] = 0
			if bitutil.BitIsSet(src, srcOffset+int(r)) {
				room[k] = 1
			}
			k++
		}
		s.n += k
		rows = rows[take:]
	}
	return nil
}
