package prepare

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// changes finds where a row differs from the row before it in some columns,
// batch after batch; null equals null, and NaN itself. Of rows in the order of
// the exchange these are the places where a group begins.
type changes struct {
	columns []int
	last    []arrow.Array // a row each
	begun   bool
	fresh   []bool
}

// find tells of each row of r whether it differs from the one before; the very
// first row does. The slice is good until the next call.
func (c *changes) find(r flow.Record) []bool {
	n := int(r.NumRows())
	if cap(c.fresh) < n {
		c.fresh = make([]bool, n)
	}
	fresh := c.fresh[:n]
	clear(fresh)
	if n == 0 {
		return fresh
	}
	fresh[0] = !c.begun
	for i, at := range c.columns {
		col := r.Column(at)
		mark(fresh, col)
		if c.begun {
			fresh[0] = fresh[0] || canonical.Compare(c.last[i], 0, col, 0) != 0
		}
	}
	c.release()
	c.begun = true
	for _, at := range c.columns {
		c.last = append(c.last, array.NewSlice(r.Column(at), int64(n-1), int64(n)))
	}
	return fresh
}

// release forgets the row before.
func (c *changes) release() {
	for _, a := range c.last {
		a.Release()
	}
	c.last, c.begun = c.last[:0], false
}

// mark sets fresh[i], i > 0, where row i of a differs from row i-1.
func mark(fresh []bool, a arrow.Array) {
	switch a.DataType().ID() {
	case arrow.INT32, arrow.DATE32:
		markFixed(fresh, a, arrow.GetValues[int32](a.Data(), 1))
	case arrow.INT64, arrow.TIMESTAMP:
		markFixed(fresh, a, arrow.GetValues[int64](a.Data(), 1))
	case arrow.STRING:
		s := a.(*array.String)
		for i := 1; i < len(fresh); i++ {
			if null := s.IsNull(i); null != s.IsNull(i-1) || !null && s.Value(i) != s.Value(i-1) {
				fresh[i] = true
			}
		}
	default:
		for i := 1; i < len(fresh); i++ {
			if canonical.Compare(a, i-1, a, i) != 0 {
				fresh[i] = true
			}
		}
	}
}

func markFixed[T int32 | int64](fresh []bool, a arrow.Array, v []T) {
	if a.NullN() == 0 {
		for i := 1; i < len(v); i++ {
			if v[i] != v[i-1] {
				fresh[i] = true
			}
		}
		return
	}
	for i := 1; i < len(v); i++ {
		if null := a.IsNull(i); null != a.IsNull(i-1) || !null && v[i] != v[i-1] {
			fresh[i] = true
		}
	}
}
