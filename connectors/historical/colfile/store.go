package colfile

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// value is what a block may hold. int128 is a decimal.
type value interface {
	uint8 | uint16 | uint32 | uint64 | int128
}

// int128 is a decimal as Arrow lays it out: low word first.
type int128 struct {
	lo uint64
	hi int64
}

// store is a list of values in blocks, the first ones smaller than the others.
type store[T value] struct {
	blocks []*T // the first value of each
	free   []T  // the rest of the last block
	n      int
}

// room gives the free part of the last block, making one if it is full.
func (s *store[T]) room(a *Arena) ([]T, error) {
	if len(s.free) == 0 {
		var v T
		size := blockSize(len(s.blocks))
		p, err := a.take(unsafe.Sizeof(v), size)
		if err != nil {
			return nil, err
		}
		s.blocks = append(s.blocks, (*T)(p))
		s.free = unsafe.Slice((*T)(p), size)
	}
	return s.free, nil
}

// wrote counts n values put into the room.
func (s *store[T]) wrote(n int) {
	s.n += n
	s.free = s.free[n:]
}

// push appends values.
func (s *store[T]) push(a *Arena, values []T) error {
	for len(values) > 0 {
		room, err := s.room(a)
		if err != nil {
			return err
		}
		n := copy(room, values)
		s.wrote(n)
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
		s.wrote(k)
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
		s.wrote(k)
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
		s.wrote(k)
		rows = rows[take:]
	}
	return nil
}

// flatten appends all values to dst.
func (s *store[T]) flatten(dst []T) []T {
	left := s.n
	for i, b := range s.blocks {
		k := min(left, blockSize(i))
		dst = append(dst, unsafe.Slice(b, k)...)
		left -= k
	}
	return dst
}

// release gives the blocks back.
func (s *store[T]) release(a *Arena) {
	var v T
	for i, b := range s.blocks {
		a.give(unsafe.Pointer(b), unsafe.Sizeof(v), blockSize(i))
	}
	s.blocks, s.free, s.n = s.blocks[:0], nil, 0
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
		s.wrote(k)
		rows = rows[take:]
	}
	return nil
}
