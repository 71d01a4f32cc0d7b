package window

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/host/flow"
)

// key is a key column: it finds where keys begin and repeats their values in
// the output.
type key interface {
	output
	// load takes the rows of a batch in place of those before.
	load(a arrow.Array)
	// change sets fresh[i] where row i differs from row i-1, row 0 from the
	// value carried.
	change(fresh []bool)
	// carry keeps the last row of the batch, which is row -1 from then on.
	carry()
	// fill writes the value of a row to rows from to to of the output.
	fill(row, from, to int)
	null(row int) bool
	text(row int) string
}

// carried is the number of the row that carry kept.
const carried = -1

// keyOf is a key column of values of type T. Floats are compared by their
// bits: whoever groups by floats has made NaN and zeros one before.
type keyOf[T comparable] struct {
	of[T]
	rows  column[T]
	was   T
	valid bool
}

func (k *keyOf[T]) load(a arrow.Array) {
	clear(k.rows.vals)
	k.rows.vals, k.rows.valid = k.rows.vals[:0], k.rows.valid[:0]
	k.rows.load(a)
}

func (k *keyOf[T]) at(row int) (T, bool) {
	if row == carried {
		return k.was, k.valid
	}
	return k.rows.vals[row], k.rows.valid[row]
}

func (k *keyOf[T]) change(fresh []bool) {
	v, ok := k.was, k.valid
	for i, w := range k.rows.vals[:len(fresh)] {
		is := k.rows.valid[i]
		if ok != is || ok && v != w {
			fresh[i] = true
		}
		v, ok = w, is
	}
}

func (k *keyOf[T]) carry() {
	k.was, k.valid = k.at(len(k.rows.vals) - 1)
	if s, is := any(k.was).(string); is {
		k.was = any(strings.Clone(s)).(T) // the batch is only lent
	}
}

func (k *keyOf[T]) fill(row, from, to int) {
	v, ok := k.at(row)
	repeat(k.slots(0, to+spare), from, to, v)
	k.mask().put(from, to, bit(ok))
	k.commit(from, to)
}

func (k *keyOf[T]) null(row int) bool {
	_, ok := k.at(row)
	return !ok
}

func (k *keyOf[T]) text(row int) string {
	v, ok := k.at(row)
	if !ok {
		return "null"
	}
	if s, is := any(v).(string); is {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

// newKey makes the key column for a type; ok is false for nested types.
func newKey(t flow.DataType) (key, bool) {
	switch kindOf(t) {
	case four:
		return &keyOf[int32]{of: newOutput[int32](t, &mask{}), rows: column[int32]{read: readPlain[int32]}}, true
	case eight:
		return &keyOf[int64]{of: newOutput[int64](t, &mask{}), rows: column[int64]{read: readPlain[int64]}}, true
	case sixteen:
		return &keyOf[decimal128.Num]{of: newOutput[decimal128.Num](t, &mask{}), rows: column[decimal128.Num]{read: readPlain[decimal128.Num]}}, true
	case boolean:
		return &keyOf[bool]{of: newOutput[bool](t, &mask{}), rows: column[bool]{read: readBool}}, true
	case bytes:
		return &keyOf[string]{of: newOutput[string](t, &mask{}), rows: column[string]{read: readBytes}}, true
	}
	return nil, false
}
