package file

import (
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/featurehost/featurehost/abi/mask"
	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// days is the incremental strategy of a reader bound to an interval (S-508):
// it tells which files, row groups and rows belong to it.
type days struct {
	column     string   // the column that tells the day, or ""
	partitions []string // year, month and day columns, or nil
	span       flow.Interval
	lo, hi     int64      // microseconds; rows in [lo, hi) belong
	mask       *mask.Mask // of a text column
	unit       arrow.TimeUnit
}

// The ends of time, for open bounds.
const (
	beginning = -1 << 63
	end       = 1<<63 - 1
)

// bindDays checks the strategy against the schema. It gives nil when nothing
// is restricted; errors show even then.
func bindDays(c *config.Incremental, s *arrow.Schema, partitions []arrow.Field, span flow.Interval) (*days, error) {
	if c == nil {
		return nil, nil
	}
	d := &days{span: span, lo: beginning, hi: end}
	if span.Start != nil {
		d.lo = span.Start.Micros()
	}
	if span.End != nil {
		d.hi = span.End.Micros() + flow.MicrosPerDay
	}
	if err := d.bind(c, s, partitions); err != nil {
		return nil, err
	}
	if span.Start == nil && span.End == nil {
		return nil, nil
	}
	return d, nil
}

func (d *days) bind(c *config.Incremental, s *arrow.Schema, partitions []arrow.Field) error {
	if len(c.Partitions) > 0 {
		if len(c.Partitions) != 3 {
			return fault.New(BadIncremental, "incremental partitions name %d columns: three are needed, for year, month and day", len(c.Partitions))
		}
		for _, name := range c.Partitions {
			if !hasField(partitions, name) {
				return fault.New(BadIncremental, "incremental partition %q is no partition column", name).
					WithHint("partition columns are folders such as %s=...", name)
			}
		}
		d.partitions = c.Partitions
		return nil
	}
	at := s.FieldIndices(c.Column)
	if len(at) != 1 {
		err := fault.New(BadIncremental, "incremental column %q does not exist", c.Column)
		if n := fault.Suggest(c.Column, fieldNames(s)); n != "" {
			return err.WithHint("did you mean %q?", n)
		}
		return err.WithHint("columns are %s", strings.Join(fieldNames(s), ", "))
	}
	d.column = c.Column
	t := s.Field(at[0]).Type
	wrong := func(need string) error {
		return fault.New(BadIncremental, "incremental column %q is of type %s: %s", c.Column, schema.TypeName(t), need)
	}
	switch t.ID() {
	case arrow.DATE32, arrow.TIMESTAMP:
		if c.Unit != "" || c.Mask != "" {
			return wrong("unit is for numbers and mask for texts; leave them out")
		}
	case arrow.INT32, arrow.INT64:
		switch c.Unit {
		case "s":
			d.unit = arrow.Second
		case "ms":
			d.unit = arrow.Millisecond
		case "us":
			d.unit = arrow.Microsecond
		default:
			return wrong(`say what it counts: unit = "s", "ms" or "us"`)
		}
		if c.Mask != "" {
			return wrong("mask is for texts; leave it out")
		}
	case arrow.STRING:
		if c.Mask == "" || c.Unit != "" {
			return wrong(`say how it writes the time: mask = "%Y-%m-%d"`)
		}
		m, err := mask.Parse(c.Mask)
		if err != nil {
			return fault.Wrap(err, BadIncremental, "incremental column %q", c.Column)
		}
		d.mask = m
	default:
		return wrong("a date, a timestamp, a whole number with a unit or a text with a mask is needed")
	}
	return nil
}

func hasField(fields []arrow.Field, name string) bool {
	for _, f := range fields {
		if f.Name == name {
			return true
		}
	}
	return false
}

func fieldNames(s *arrow.Schema) []string {
	out := make([]string, s.NumFields())
	for i := range out {
		out[i] = s.Field(i).Name
	}
	return out
}

// wants reports whether a file can hold rows of the interval, as far as its
// path tells.
func (d *days) wants(o object) bool {
	if d == nil {
		return true
	}
	if d.partitions != nil {
		var part [3]int
		for i, name := range d.partitions {
			n, err := strconv.Atoi(o.partitions[name].text)
			if !o.partitions[name].ok || err != nil {
				return false
			}
			part[i] = n
		}
		m, err := mask.Parse("%Y-%m-%d")
		if err != nil {
			return false
		}
		us, ok := m.Micros(pad(part[0], 4) + "-" + pad(part[1], 2) + "-" + pad(part[2], 2))
		return ok && us >= d.lo && us < d.hi
	}
	c, ok := o.partitions[d.column]
	if !ok {
		return true
	}
	if !c.ok {
		return false
	}
	if d.mask != nil {
		us, ok := d.mask.Micros(c.text)
		return ok && us >= d.lo && us < d.hi
	}
	n, err := strconv.ParseInt(c.text, 10, 64)
	us := toMicros(n, d.unit)
	return err == nil && us >= d.lo && us < d.hi
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	for len(s) < width {
		s = "0" + s
	}
	return s
}

// mayHold reports whether a row group can hold rows of the interval, by the
// statistics of the column's chunk. t is the column's type as stored.
func (d *days) mayHold(chunk *metadata.ColumnChunkMetaData, t arrow.DataType) bool {
	set, err := chunk.StatsSet()
	if err != nil || !set {
		return true
	}
	stats, err := chunk.Statistics()
	if err != nil || stats == nil {
		return true
	}
	if stats.HasNullCount() && stats.NullCount() == chunk.NumValues() {
		return false
	}
	if !stats.HasMinMax() {
		return true
	}
	if x, ok := t.(*arrow.DictionaryType); ok {
		t = x.ValueType
	}
	switch s := stats.(type) {
	case *metadata.Int64Statistics:
		return d.mayHoldNumbers(s.Min(), s.Max(), t)
	case *metadata.Int32Statistics:
		return d.mayHoldNumbers(int64(s.Min()), int64(s.Max()), t)
	case *metadata.ByteArrayStatistics:
		return d.mayHoldTexts(string(s.Min()), string(s.Max()))
	}
	return true
}

// mayHoldNumbers compares the ends of a chunk with the interval.
func (d *days) mayHoldNumbers(least, greatest int64, t arrow.DataType) bool {
	var scale func(int64) int64
	switch x := t.(type) {
	case *arrow.TimestampType:
		scale = func(v int64) int64 { return toMicros(v, x.Unit) }
	case *arrow.Date32Type:
		scale = func(v int64) int64 { return timesSaturated(v, flow.MicrosPerDay) }
	case *arrow.Date64Type: // stored as days
		scale = func(v int64) int64 { return timesSaturated(v, flow.MicrosPerDay) }
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type:
		scale = func(v int64) int64 { return toMicros(v, d.unit) }
	default: // unsigned numbers are ordered in another way
		return true
	}
	return scale(greatest) >= d.lo && scale(least) < d.hi
}

// mayHoldTexts compares the ends of a chunk with the texts of the interval's
// days, when texts sort as days do. Statistics may be cut short, so that the
// least is a prefix.
func (d *days) mayHoldTexts(least, greatest string) bool {
	if d.mask == nil {
		return true
	}
	if d.span.Start != nil {
		if text, ok := d.mask.DayText(d.span.Start.Date()); ok && greatest < text {
			return false
		}
	}
	if d.span.End != nil {
		if text, ok := d.mask.DayText(d.span.End.Date()); ok {
			if len(least) > len(text) {
				least = least[:len(text)]
			}
			return least <= text
		}
	}
	return true
}

// mark sets keep[i] for the rows of the interval and counts them. A null, or
// a text that is no time, is in no interval.
func (d *days) mark(a arrow.Array, keep []bool) (kept int) {
	in := func(i int, us int64) {
		keep[i] = us >= d.lo && us < d.hi
	}
	for i := range keep {
		keep[i] = false
	}
	switch x := a.(type) {
	case *array.Timestamp:
		for i, v := range x.TimestampValues() {
			in(i, int64(v))
		}
	case *array.Date32:
		for i, v := range x.Date32Values() {
			in(i, int64(v)*flow.MicrosPerDay)
		}
	case *array.Int32:
		for i, v := range x.Int32Values() {
			in(i, toMicros(int64(v), d.unit))
		}
	case *array.Int64:
		for i, v := range x.Int64Values() {
			in(i, toMicros(v, d.unit))
		}
	case *array.String:
		for i := range keep {
			if x.IsNull(i) {
				continue
			}
			if us, ok := d.mask.Micros(x.Value(i)); ok {
				in(i, us)
			}
		}
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
