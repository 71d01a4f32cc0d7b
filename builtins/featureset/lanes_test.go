package featureset

import (
	"context"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/hosttest"
)

// A null is not true, even where the bit below it is set; slices keep their
// offset.
// Rules: S-916, S-931.
func TestLanes_NullIsNotTrue(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	// Rows: true, null over a set bit, false, true.
	d := array.NewData(arrow.FixedWidthTypes.Boolean, 4, []*memory.Buffer{memory.NewBufferBytes([]byte{0b1101}), memory.NewBufferBytes([]byte{0b1011})}, nil, 1, 0)
	defer d.Release()
	conditions := array.NewBooleanData(d)
	defer conditions.Release()
	all := hosttest.Record(t, "b boolean, s string, l array<bigint>", "true | x | [9]", "true | a | [1]", "true | b | null", "null | c | [3]", "true | null | [4,5]")
	defer all.Release()
	rows := all.NewSlice(1, 5)
	defer rows.Release()
	f := &frame{mem: mem, rows: 4, slots: make([]arrow.Array, 8)}
	defer f.release()
	for i, a := range append([]arrow.Array{conditions}, rows.Columns()...) {
		a.Retain()
		f.slots[i] = a
	}
	for _, st := range []step{andStep{a: 0, b: 1, to: 4}, andStep{a: 1, b: 0, to: 7}, nullStep{from: 2, where: 0, to: 5}, nullStep{from: 3, where: 0, to: 6}} {
		if err := st.run(context.Background(), f); err != nil {
			t.Fatal(err)
		}
	}
	for slot, want := range map[int]string{4: "[true false false true]", 7: "[true false false true]", 5: `["a" (null) (null) (null)]`, 6: "[[1] (null) (null) [4 5]]"} {
		if got := f.slots[slot].String(); got != want {
			t.Errorf("column %d is %s, want %s", slot, got, want)
		}
		if err := array.ValidateFull(f.slots[slot]); err != nil {
			t.Errorf("column %d: %v", slot, err)
		}
	}
}
