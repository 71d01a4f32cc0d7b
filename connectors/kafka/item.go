package kafka

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts/days"
)

// reasonBadPayload is why a message lies in the dead letter (S-507).
const reasonBadPayload = "bad_payload"

// item is what a gatherer gives at a time: rows, what was turned down among
// them, and how far the partitions are read with it.
type item struct {
	batch     flow.Batch // without a record when no row is left
	rows      int64      // messages, bad ones among them
	outOfSpan int64
	bad       []rejected
	failed    map[string]int64 // casts, by column
	bytes     int64
	marks     []mark
}

// rejected is one message for the dead letter.
type rejected struct {
	record flow.Record // the message alone
	at     flow.Position
	reason string
}

func (it *item) release() {
	if it.batch.Record != nil {
		it.batch.Release()
		it.batch.Record = nil
	}
	for _, r := range it.bad {
		r.record.Release()
	}
	it.bad = nil
}

// shape says which columns the batches of a read have.
type shape struct {
	out    *flow.Schema
	fields []string // of the value that are decoded: those of out, then maybe the day's
	about  []string // likewise, of aboutFields
	strict bool     // a bad message fails the run

	clock  *days.Clock // nil when no rows are left out by their day
	day    string      // column that tells it
	lo, hi int64
}

// newShape projects the columns of a source.
func newShape(value []arrow.Field, all *flow.Schema, want []string, c *config.Incremental, span flow.Interval) (*shape, error) {
	s := &shape{out: all}
	if want != nil {
		wanted := map[string]bool{}
		for _, w := range want {
			if !all.HasField(w) {
				err := fault.New(BadColumn, "the messages have no column %q", w)
				if n := fault.Suggest(w, columnNames(all)); n != "" {
					return nil, err.WithHint("did you mean %q?", n)
				}
				return nil, err.WithHint("columns are %s", strings.Join(columnNames(all), ", "))
			}
			wanted[w] = true
		}
		var fields []arrow.Field
		for _, f := range all.Fields() {
			if wanted[f.Name] {
				fields = append(fields, f)
			}
		}
		s.out = flow.NewSchema(fields)
	}
	clock, err := bindDays(c, all)
	if err != nil {
		return nil, err
	}
	if clock != nil && (span.Start != nil || span.End != nil) {
		s.clock, s.day = clock, c.Column
		s.lo, s.hi = days.Bounds(span)
	}
	of := map[string]bool{}
	for _, f := range value {
		of[f.Name] = true
	}
	names := columnNames(s.out)
	if s.day != "" && !s.out.HasField(s.day) {
		names = append(names, s.day)
	}
	for _, n := range names {
		if of[n] {
			s.fields = append(s.fields, n)
		} else {
			s.about = append(s.about, n)
		}
	}
	return s, nil
}

// bindDays checks the incremental strategy against the columns; nil without
// one.
func bindDays(c *config.Incremental, all *flow.Schema) (*days.Clock, error) {
	if c == nil {
		return nil, nil
	}
	if len(c.Partitions) > 0 {
		return nil, fault.New(BadIncremental, "a topic has no partition columns").At("incremental.partitions").WithHint(`name a column, as in incremental = { column = "kafka_timestamp" }`)
	}
	at := all.FieldIndices(c.Column)
	if len(at) != 1 {
		err := fault.New(BadIncremental, "incremental column %q does not exist", c.Column).At("incremental.column")
		if n := fault.Suggest(c.Column, columnNames(all)); n != "" {
			return nil, err.WithHint("did you mean %q?", n)
		}
		return nil, err.WithHint("columns are %s", strings.Join(columnNames(all), ", "))
	}
	return days.NewClock(c, all.Field(at[0]).Type, BadIncremental)
}

func columnNames(s *flow.Schema) []string {
	out := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = f.Name
	}
	return out
}

// gathers tells a gatherer which columns besides the value are wanted.
func (s *shape) gathers(g *gathered) {
	for _, n := range s.about {
		switch n {
		case colKey:
			g.keys = true
		case colTime:
			g.times = true
		case colTimeType:
			g.kinds = true
		case colHeaders:
			g.headers = true
		}
	}
}

// fill makes the columns of what was gathered from a row on, and gives the row
// behind the last one that went into them.
func (s *shape) fill(ctx context.Context, it *item, g *gathered, from int, v values, topic string) (to int, err error) {
	// What is told of a bad message is taken before a decoder takes the memory.
	d, err := v.decode(ctx, g, from)
	if err != nil {
		return from, err
	}
	it.rows = int64(d.to - from)
	defer d.release()
	if len(d.bad) > 0 {
		if s.strict {
			b := d.bad[0]
			return from, fault.New(BadPayload, "%s", b.reason).At("kafka topic %q, partition %d, offset %d", topic, g.partitions[b.row], g.offsets[b.row]).
				WithHint(`repair what writes to the topic, or set on_bad_row = "dead_letter"`)
		}
		it.bad = reject(g, d.bad, topic)
	}
	it.failed = map[string]int64{}
	for i, f := range d.failed {
		if f > 0 {
			it.failed[s.fields[i]] += f
		}
	}
	if g.badKeys > 0 && from == 0 {
		it.failed[colKey] += g.badKeys
	}
	if g.badHeaders > 0 && from == 0 {
		it.failed[colHeaders] += g.badHeaders
	}
	return d.to, s.assemble(ctx, it, g, from, d, topic)
}

// assemble puts the columns together and leaves out what is bad or of another
// day.
func (s *shape) assemble(ctx context.Context, it *item, g *gathered, from int, d decoded, topic string) error {
	n := d.to - from
	keep := make([]bool, n)
	for i := range keep {
		keep[i] = true
	}
	for _, b := range d.bad {
		keep[b.row-from] = false
	}
	kept := n - len(d.bad)
	columns := map[string]arrow.Array{}
	defer func() {
		for _, a := range columns {
			a.Release()
		}
	}()
	for _, name := range s.about {
		columns[name] = sliced(g.about(name, topic), from, d.to)
	}
	if d.dense && len(d.bad) > 0 { // the others are cut down to the same rows
		for name, a := range columns {
			short, err := filtered(ctx, a, keep)
			if err != nil {
				return err
			}
			a.Release()
			columns[name] = short
		}
		n = kept
		keep = keep[:0]
		for range n {
			keep = append(keep, true)
		}
	}
	for i, name := range s.fields {
		d.columns[i].Retain()
		columns[name] = d.columns[i]
	}
	if s.clock != nil {
		in := make([]bool, n)
		s.clock.Mark(columns[s.day], s.lo, s.hi, in)
		for i := range keep {
			if keep[i] && !in[i] {
				keep[i] = false
				it.outOfSpan++
			}
		}
		kept -= int(it.outOfSpan)
	}
	if kept == 0 {
		return nil
	}
	arrays := make([]arrow.Array, s.out.NumFields())
	for i, f := range s.out.Fields() {
		arrays[i] = columns[f.Name]
	}
	whole := array.NewRecordBatch(s.out, arrays, int64(n))
	if kept == n {
		it.batch.Record = whole
		if len(d.bad) == 0 {
			it.batch.Position.Object, it.batch.Position.Row = g.place(topic, from, d.to)
		}
		return nil
	}
	defer whole.Release()
	filter := booleans(keep)
	defer filter.Release()
	out, err := compute.FilterRecordBatch(ctx, whole, filter, compute.DefaultFilterOptions())
	if err != nil {
		return fault.Wrap(err, Corrupt, "rows cannot be filtered").At("kafka topic %q", topic)
	}
	it.batch.Record = out
	return nil
}

// sliced cuts an array down to some of its rows, and takes it over.
func sliced(a arrow.Array, from, to int) arrow.Array {
	if from == 0 && to == a.Len() {
		return a
	}
	defer a.Release()
	return array.NewSlice(a, int64(from), int64(to))
}

func booleans(keep []bool) arrow.Array {
	b := array.NewBooleanBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(keep, nil)
	return b.NewArray()
}

func filtered(ctx context.Context, a arrow.Array, keep []bool) (arrow.Array, error) {
	filter := booleans(keep)
	defer filter.Release()
	out, err := compute.FilterArray(ctx, a, filter, *compute.DefaultFilterOptions())
	if err != nil {
		return nil, fault.Wrap(err, Corrupt, "rows cannot be filtered")
	}
	return out, nil
}

// reject makes the letters of bad messages: topic, partition, offset and the
// value's bytes.
func reject(g *gathered, bad []badRow, topic string) []rejected {
	schema := flow.NewSchema([]arrow.Field{
		{Name: colTopic, Type: arrow.BinaryTypes.String}, {Name: colPartition, Type: arrow.PrimitiveTypes.Int32},
		{Name: colOffset, Type: arrow.PrimitiveTypes.Int64}, {Name: colValue, Type: arrow.BinaryTypes.Binary, Nullable: true},
	})
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	out := make([]rejected, len(bad))
	for i, x := range bad {
		p, offset := g.partitions[x.row], g.offsets[x.row]
		b.Field(0).(*array.StringBuilder).Append(topic)
		b.Field(1).(*array.Int32Builder).Append(p)
		b.Field(2).(*array.Int64Builder).Append(offset)
		v := g.values.data[g.values.ends[x.row]:g.values.ends[x.row+1]]
		if c := &g.values; c.valid != nil && c.valid[x.row>>3]>>(x.row&7)&1 == 0 {
			b.Field(3).AppendNull()
		} else {
			b.Field(3).(*array.BinaryBuilder).Append(v)
		}
		out[i] = rejected{
			record: b.NewRecordBatch(), at: flow.Position{Object: objectName(topic, p), Row: offset},
			reason: fmt.Sprintf("topic %q, partition %d, offset %d: %s", topic, p, offset, x.reason),
		}
	}
	return out
}
