// Command nth is a keyed process plugin: the number of each row among those of
// its key, and at the end one row for each key with the number of its rows. It is
// the twin of nth.c beside the engine for modules, and fails in the ways that its
// config names.
package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/pluginsdk/flight"
)

// atOnce is how many keys a flush tells of.
const atOnce = 3

type nth struct {
	Half bool   `json:"half"`
	Fail string `json:"fail"`

	schema, flushes *arrow.Schema
	keys            []int64 // as they came
	seen            map[int64]*count
	flushed         int
}

type count struct {
	rows int64
	last arrow.Timestamp
}

func open(text json.RawMessage, in *arrow.Schema) (flight.Transform, error) {
	n := &nth{seen: map[int64]*count{}}
	if err := json.Unmarshal(text, n); err != nil {
		return nil, err
	}
	n.schema = arrow.NewSchema([]arrow.Field{{Name: "fh_rows", Type: arrow.PrimitiveTypes.Int32}, {Name: "nth", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	n.flushes = flight.FlushSchema(in, n.schema)
	if n.Fail == "transform" {
		return flight.Func(n.schema, n.Process), nil
	}
	return n, nil
}

func (n *nth) Schema() *arrow.Schema { return n.schema }

func (n *nth) Process(_ context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
	keys, times := in.Column(0).(*array.Int64), in.Column(1).(*array.Timestamp)
	var rows []int32
	var numbers []int64
	for i := range keys.Len() {
		key := keys.Value(i)
		c := n.seen[key]
		if c == nil {
			c = &count{}
			n.seen[key], n.keys = c, append(n.keys, key)
		}
		c.rows++
		c.last = times.Value(i)
		if n.Half && c.rows%2 == 0 {
			continue
		}
		rows, numbers = append(rows, int32(i)), append(numbers, c.rows)
	}
	if n.Half { // in another order than they came
		slices.Reverse(rows)
		slices.Reverse(numbers)
	}
	if n.Fail == "rows" {
		rows[0] = int32(in.NumRows())
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, n.schema)
	defer b.Release()
	b.Field(0).(*array.Int32Builder).AppendValues(rows, nil)
	b.Field(1).(*array.Int64Builder).AppendValues(numbers, nil)
	return b.NewRecordBatch(), nil
}

func (n *nth) Flush(context.Context) (arrow.RecordBatch, error) {
	switch n.Fail {
	case "flush":
		return nil, flight.DataError("cannot")
	case "flushpanic":
		panic("cannot")
	case "memory":
		return nil, flight.ErrMemory
	case "nothing":
		return nil, nil
	case "schema":
		r := array.NewRecordBatch(n.schema, []arrow.Array{array.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Int32, 1), array.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, 1)}, 1)
		return r, nil
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, n.flushes)
	defer b.Release()
	until := min(n.flushed+atOnce, len(n.keys))
	for _, key := range n.keys[n.flushed:until] {
		b.Field(0).(*array.Int64Builder).Append(key)
		b.Field(1).(*array.TimestampBuilder).Append(n.seen[key].last)
		b.Field(2).(*array.Int64Builder).Append(n.seen[key].rows)
	}
	n.flushed = until
	if n.Fail == "endless" {
		n.flushed = 0
	}
	return b.NewRecordBatch(), nil
}

func main() {
	manifest, err := os.ReadFile("manifest.json")
	if err != nil {
		panic(err)
	}
	flight.Serve(manifest, open)
}
