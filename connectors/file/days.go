package file

import (
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/featurehost/featurehost/abi/mask"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts/days"
)

// strategy is the incremental strategy of a reader bound to an interval (S-508):
// it tells which files, row groups and rows belong to it.
type strategy struct {
	column     string   // the column that tells the day, or ""
	partitions []string // year, month and day columns, or nil
	span       flow.Interval
	lo, hi     int64       // microseconds; rows in [lo, hi) belong
	clock      *days.Clock // of column
}

// bindDays checks the strategy against the schema. It gives nil when nothing
// is restricted; errors show even then.
func bindDays(c *config.Incremental, s *arrow.Schema, partitions []arrow.Field, span flow.Interval) (*strategy, error) {
	if c == nil {
		return nil, nil
	}
	d := &strategy{span: span}
	d.lo, d.hi = days.Bounds(span)
	if err := d.bind(c, s, partitions); err != nil {
		return nil, err
	}
	if span.Start == nil && span.End == nil {
		return nil, nil
	}
	return d, nil
}

func (d *strategy) bind(c *config.Incremental, s *arrow.Schema, partitions []arrow.Field) error {
	if len(c.Partitions) > 0 {
		if len(c.Partitions) != 3 {
			return fault.New(BadIncremental, "incremental partitions name %d columns: three are needed, for year, month and day", len(c.Partitions)).At("incremental.partitions")
		}
		for _, name := range c.Partitions {
			if !hasField(partitions, name) {
				return fault.New(BadIncremental, "incremental partition %q is no partition column", name).At("incremental.partitions").
					WithHint("partition columns are folders such as %s=...", name)
			}
		}
		d.partitions = c.Partitions
		return nil
	}
	at := s.FieldIndices(c.Column)
	if len(at) != 1 {
		err := fault.New(BadIncremental, "incremental column %q does not exist", c.Column).At("incremental.column")
		if n := fault.Suggest(c.Column, fieldNames(s)); n != "" {
			return err.WithHint("did you mean %q?", n)
		}
		return err.WithHint("columns are %s", strings.Join(fieldNames(s), ", "))
	}
	d.column = c.Column
	clock, err := days.NewClock(c, s.Field(at[0]).Type, BadIncremental)
	d.clock = clock
	return err
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
func (d *strategy) wants(o object) bool {
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
	if d.clock.Mask != nil {
		us, ok := d.clock.Mask.Micros(c.text)
		return ok && us >= d.lo && us < d.hi
	}
	n, err := strconv.ParseInt(c.text, 10, 64)
	us := days.Micros(n, d.clock.Unit)
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
func (d *strategy) mayHold(chunk *metadata.ColumnChunkMetaData, t arrow.DataType) bool {
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
func (d *strategy) mayHoldNumbers(least, greatest int64, t arrow.DataType) bool {
	var scale func(int64) int64
	switch x := t.(type) {
	case *arrow.TimestampType:
		scale = func(v int64) int64 { return days.Micros(v, x.Unit) }
	case *arrow.Date32Type:
		scale = func(v int64) int64 { return days.Times(v, flow.MicrosPerDay) }
	case *arrow.Date64Type: // stored as days
		scale = func(v int64) int64 { return days.Times(v, flow.MicrosPerDay) }
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type:
		scale = func(v int64) int64 { return days.Micros(v, d.clock.Unit) }
	default: // unsigned numbers are ordered in another way
		return true
	}
	return scale(greatest) >= d.lo && scale(least) < d.hi
}

// mayHoldTexts compares the ends of a chunk with the texts of the interval's
// days, when texts sort as days do. Statistics may be cut short, so that the
// least is a prefix.
func (d *strategy) mayHoldTexts(least, greatest string) bool {
	if d.clock.Mask == nil {
		return true
	}
	if d.span.Start != nil {
		if text, ok := d.clock.Mask.DayText(d.span.Start.Date()); ok && greatest < text {
			return false
		}
	}
	if d.span.End != nil {
		if text, ok := d.clock.Mask.DayText(d.span.End.Date()); ok {
			if len(least) > len(text) {
				least = least[:len(text)]
			}
			return least <= text
		}
	}
	return true
}
