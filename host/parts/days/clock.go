package days

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi/mask"
	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Clock reads instants from the values of a column: a date, a timestamp in
// microseconds, a whole number with a unit or a text with a mask.
type Clock struct {
	Unit arrow.TimeUnit // of a whole number
	Mask *mask.Mask     // of a text; nil for others
}

// NewClock makes the clock of c.Column, whose type is t. Its errors have the
// given code.
func NewClock(c *config.Incremental, t arrow.DataType, code fault.Code) (*Clock, error) {
	wrong := func(need string) error {
		return fault.New(code, "incremental column %q is of type %s: %s", c.Column, schema.TypeName(t), need).At("incremental.column")
	}
	out := &Clock{}
	switch x := t.(type) {
	case *arrow.Date32Type:
		if c.Unit != "" || c.Mask != "" {
			return nil, wrong("unit is for numbers and mask for texts; leave them out")
		}
	case *arrow.TimestampType:
		if c.Unit != "" || c.Mask != "" {
			return nil, wrong("unit is for numbers and mask for texts; leave them out")
		}
		if x.Unit != arrow.Microsecond {
			return nil, wrong("a timestamp counts microseconds here")
		}
	case *arrow.Int32Type, *arrow.Int64Type:
		switch c.Unit {
		case "s":
			out.Unit = arrow.Second
		case "ms":
			out.Unit = arrow.Millisecond
		case "us":
			out.Unit = arrow.Microsecond
		default:
			return nil, wrong(`say what it counts: unit = "s", "ms" or "us"`)
		}
		if c.Mask != "" {
			return nil, wrong("mask is for texts; leave it out")
		}
	case *arrow.StringType:
		if c.Mask == "" || c.Unit != "" {
			return nil, wrong(`say how it writes the time: mask = "%Y-%m-%d"`)
		}
		m, err := mask.Parse(c.Mask)
		if err != nil {
			return nil, fault.Wrap(err, code, "incremental column %q", c.Column).At("incremental.mask")
		}
		out.Mask = m
	default:
		return nil, wrong("a date, a timestamp, a whole number with a unit or a text with a mask is needed")
	}
	return out, nil
}

// Bounds are the first instant of an interval and the first one after it, in
// microseconds since the epoch; the ends of time where it is open.
func Bounds(i flow.Interval) (lo, hi int64) {
	lo, hi = math.MinInt64, math.MaxInt64
	if i.Start != nil {
		lo = i.Start.Micros()
	}
	if i.End != nil {
		hi = i.End.Micros() + flow.MicrosPerDay
	}
	return lo, hi
}

// Mark sets keep[i] for the values of a that are in [lo, hi), and counts them.
// a is of the clock's type and as long as keep.
func (c *Clock) Mark(a arrow.Array, lo, hi int64, keep []bool) (kept int) {
	switch x := a.(type) {
	case *array.Timestamp:
		for i, v := range x.TimestampValues() {
			keep[i] = int64(v) >= lo && int64(v) < hi
		}
	case *array.Date32:
		for i, v := range x.Date32Values() {
			us := Times(int64(v), flow.MicrosPerDay)
			keep[i] = us >= lo && us < hi
		}
	case *array.Int32:
		for i, v := range x.Int32Values() {
			us := Micros(int64(v), c.Unit)
			keep[i] = us >= lo && us < hi
		}
	case *array.Int64:
		for i, v := range x.Int64Values() {
			us := Micros(v, c.Unit)
			keep[i] = us >= lo && us < hi
		}
	case *array.String:
		for i := range keep {
			us, ok := int64(0), false
			if x.IsValid(i) {
				us, ok = c.Mask.Micros(x.Value(i))
			}
			keep[i] = ok && us >= lo && us < hi
		}
	default:
		clear(keep)
	}
	for i := range keep {
		if keep[i] && a.NullN() > 0 && a.IsNull(i) {
			keep[i] = false
		}
		if keep[i] {
			kept++
		}
	}
	return kept
}

// Micros floors a time of another unit to microseconds; what is too large for
// 64 bits stays at their ends.
func Micros(v int64, u arrow.TimeUnit) int64 {
	switch u {
	case arrow.Second:
		return Times(v, 1_000_000)
	case arrow.Millisecond:
		return Times(v, 1_000)
	case arrow.Nanosecond:
		q := v / 1_000
		if v%1_000 < 0 {
			q--
		}
		return q
	}
	return v
}

// Times multiplies by a positive number; what is too large for 64 bits stays
// at their ends.
func Times(v, by int64) int64 {
	if v > math.MaxInt64/by {
		return math.MaxInt64
	}
	if v < math.MinInt64/by {
		return math.MinInt64
	}
	return v * by
}
