package window

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/builtins/window/hll"
	"github.com/featurehost/featurehost/host/flow"
)

// registers is the state of approx_count_distinct. Each register of the sketch
// queues the rows of the window that may yet be its greatest rank: each has a
// greater one than all rows after it, so the head of the queue is the register.
type registers[T any] struct {
	input     *column[T]
	hash      func(dst []uint64, vals []T) []uint64
	estimator *hll.Estimator
	sums      hll.Sums

	// Queues are lists of nodes; node 0 is none.
	queues []queue
	nodes  []node
	free   int32
	used   []int32 // registers in use since the last reset, unless all are
}

// queue is the first and the last node of a register's queue.
type queue struct{ head, tail int32 }

// node is a row in the queue of a register. Free nodes are linked by next.
type node struct {
	row, prev, next int32
	rank            uint8
}

func newRegisters[T any](in *column[T], t flow.DataType, precision int) registers[T] {
	e := hll.NewEstimator(precision)
	return registers[T]{
		input: in, hash: hashing[T](t), estimator: e, sums: e.Empty(),
		queues: make([]queue, e.Registers()), nodes: make([]node, 1),
	}
}

func (s *registers[T]) reset(int32) {
	if len(s.used) < len(s.queues)/8 {
		for _, r := range s.used {
			s.queues[r] = queue{}
		}
	} else {
		clear(s.queues)
	}
	s.used, s.nodes, s.free = s.used[:0], s.nodes[:1], 0
	s.sums = s.estimator.Empty()
}

func (s *registers[T]) enter(from, to int32) {
	hashes := s.input.hashed(s.hash)
	for i := from; i < to; i++ {
		if !s.input.valid[i] {
			continue
		}
		r, rank := s.estimator.Place(hashes[i])
		q := &s.queues[r]
		before := s.nodes[q.head].rank
		if q.head == 0 && len(s.used) < len(s.queues)/8 {
			s.used = append(s.used, int32(r))
		}
		for q.tail != 0 && s.nodes[q.tail].rank <= rank {
			q.tail = s.release(q.tail)
		}
		n := s.node(node{row: i, prev: q.tail, rank: rank})
		if q.tail == 0 {
			q.head = n
		} else {
			s.nodes[q.tail].next = n
		}
		q.tail = n
		if q.head == n && before != rank {
			s.sums.Change(before, rank)
		}
	}
}

func (s *registers[T]) leave(from, to int32) {
	hashes := s.input.hashed(s.hash)
	for i := from; i < to; i++ {
		if !s.input.valid[i] {
			continue
		}
		r, _ := s.estimator.Place(hashes[i])
		q := &s.queues[r]
		if s.nodes[q.head].row != i || q.head == 0 {
			continue // a later row has a rank as great
		}
		before, next := s.nodes[q.head].rank, s.nodes[q.head].next
		s.release(q.head)
		q.head = next
		s.nodes[next].prev = 0 // of node 0, nobody reads it
		if next == 0 {
			q.tail = 0
		}
		s.sums.Change(before, s.nodes[next].rank)
	}
}

// node takes a free node.
func (s *registers[T]) node(n node) int32 {
	if at := s.free; at != 0 {
		s.free = s.nodes[at].next
		s.nodes[at] = n
		return at
	}
	s.nodes = append(s.nodes, n)
	return int32(len(s.nodes) - 1)
}

// release frees a node and gives the one before it.
func (s *registers[T]) release(n int32) int32 {
	prev := s.nodes[n].prev
	s.nodes[n] = node{next: s.free}
	s.free = n
	return prev
}

func (s *registers[T]) drop(n int32) {
	for i := range s.nodes {
		s.nodes[i].row -= n
	}
}

// count answers approx_count_distinct.
func (s *registers[T]) count() (v int64, ok, fits bool) {
	return s.estimator.Estimate(s.sums), true, true
}

// hashing gives how values of type t are hashed: little-endian in their width,
// floats by their bits with one zero and one NaN, booleans as four bytes,
// decimals of up to 18 digits as eight, others as sixteen.
func hashing[T any](t flow.DataType) func(dst []uint64, vals []T) []uint64 {
	var h any
	var zero T
	switch any(zero).(type) {
	case int32:
		h = hashEach(func(v int32) uint64 { return hll.Hash4(uint32(v)) })
	case int64:
		h = hashEach(func(v int64) uint64 { return hll.Hash8(uint64(v)) })
	case float32:
		h = hashEach(func(v float32) uint64 {
			if v != v {
				return hll.Hash4(0x7FC0_0000)
			}
			return hll.Hash4(math.Float32bits(positiveZero(v)))
		})
	case float64:
		h = hashEach(func(v float64) uint64 {
			if v != v {
				return hll.Hash8(canonicalNaN)
			}
			return hll.Hash8(math.Float64bits(positiveZero(v)))
		})
	case bool:
		h = hashEach(func(v bool) uint64 { return hll.Hash4(uint32(bit(v))) })
	case string:
		h = hashEach(hll.HashText)
	case decimal128.Num:
		if t.(*arrow.Decimal128Type).Precision <= 18 {
			h = hashEach(func(v decimal128.Num) uint64 { return hll.Hash8(v.LowBits()) })
		} else {
			h = hashEach(func(v decimal128.Num) uint64 { return hll.Hash16(v.LowBits(), uint64(v.HighBits())) })
		}
	}
	return h.(func(dst []uint64, vals []T) []uint64)
}

func hashEach[T any](hash func(T) uint64) func(dst []uint64, vals []T) []uint64 {
	return func(dst []uint64, vals []T) []uint64 {
		for _, v := range vals {
			dst = append(dst, hash(v))
		}
		return dst
	}
}
