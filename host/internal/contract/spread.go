package contract

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Answer is what the host has made of the answer to one batch so far, when it
// comes in pieces.
type Answer struct{ rows, bytes int64 }

// Bound sets the limits within which input rows may be multiplied; without it
// those that nobody set hold.
func (b *Binding) Bound(l abi.Limits) { b.limits = l }

// checkTake holds what rows of the input, named by numbers, become of against the
// limits, before any of it is made: a few bytes can name a large row often.
func (b *Binding) checkTake(in flow.Record, numbers []int32, sum *Answer) error {
	l := b.limits.Under(abi.Limits{})
	sum.rows += int64(len(numbers))
	if most := int64(l.OutputRatio*float64(in.NumRows())) + int64(l.MaxBatchRows); sum.rows > most {
		return fault.New(cdata.TooMuch, "the plugin answered %d rows to %d, at most %d are allowed", sum.rows, in.NumRows(), most).
			WithHint("raise the stage's limits.output_ratio, if the plugin means it")
	}
	input := int64(0)
	once := ascending(numbers)
	for i, from := range b.source {
		if from < 0 {
			continue
		}
		d := in.Column(from).Data()
		whole := size(d, 0, int64(d.Len()))
		input += whole
		bytes := whole
		if !once {
			if bytes = sizeOf(d, numbers); bytes > math.MaxInt32 {
				return fault.New(cdata.TooMuch, "the rows that the plugin names have more than %d bytes in column %q", math.MaxInt32, b.Out.Field(i).Name)
			}
		}
		sum.bytes += bytes
	}
	if most := l.OutputRatio*float64(input) + abi.CopySlack; float64(sum.bytes) > most {
		return fault.New(cdata.TooMuch, "the rows that the plugin names have %d bytes, the batch %d: at most %d are allowed", sum.bytes, input, int64(most)).
			WithHint("raise the stage's limits.output_ratio, if the plugin means it")
	}
	return nil
}

// ascending tells whether no number stands twice, because each is above the one
// before.
func ascending(numbers []int32) bool {
	for i := 1; i < len(numbers); i++ {
		if numbers[i] <= numbers[i-1] {
			return false
		}
	}
	return true
}

// sizeOf is about how many bytes some slots of an array have; it ends counting
// at what no array can have.
func sizeOf(d arrow.ArrayData, slots []int32) (sum int64) {
	for _, r := range slots {
		if sum += size(d, int64(r), int64(r)+1); sum > math.MaxInt32 {
			break
		}
	}
	return sum
}

// size is about how many bytes the slots from one to another have, with a byte
// for each slot besides, so that none is free.
func size(d arrow.ArrayData, from, to int64) int64 {
	n := to - from
	if n <= 0 {
		return 0
	}
	typ := d.DataType()
	if x, ok := typ.(arrow.ExtensionType); ok {
		typ = x.StorageType()
	}
	switch t := typ.(type) {
	case *arrow.StringType, *arrow.BinaryType:
		first, last := span[int32](d, from, to)
		return 5*n + last - first
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		first, last := span[int64](d, from, to)
		return 9*n + last - first
	case *arrow.ListType, *arrow.MapType:
		first, last := span[int32](d, from, to)
		return 5*n + below(d, first, last)
	case *arrow.LargeListType:
		first, last := span[int64](d, from, to)
		return 9*n + below(d, first, last)
	case *arrow.FixedSizeListType:
		wide, at := int64(t.Len()), int64(d.Offset())
		return n + below(d, (at+from)*wide, (at+to)*wide)
	case *arrow.StructType:
		sum := n
		for i := range d.Children() {
			child := d.Children()[i]
			sum += size(child, int64(d.Offset())+from, int64(d.Offset())+to)
		}
		return sum
	case arrow.FixedWidthDataType:
		return n + n*int64(t.BitWidth())/8
	}
	return n
}

// below is the size of some slots of an array's child.
func below(d arrow.ArrayData, from, to int64) int64 { return size(d.Children()[0], from, to) }

// span gives the offsets between which slots of an array lie.
func span[T int32 | int64](d arrow.ArrayData, from, to int64) (first, last int64) {
	b := d.Buffers()[1]
	if b == nil || b.Len() == 0 { // an array without values may have none
		return 0, 0
	}
	o := arrow.GetData[T](b.Bytes())[d.Offset():]
	return int64(o[from]), int64(o[to])
}

// numbers of the input rows that a keyed plugin names.
func numbers(made flow.Record) []int32 { return made.Column(0).(*array.Int32).Int32Values() }
