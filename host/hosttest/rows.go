package hosttest

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/flow"
)

// Record builds a record from rows as text. columns reads "id bigint, ts
// timestamp"; a row holds its values parted by |, surrounding space ignored;
// "null" is a null, lists are JSON, timestamps are RFC 3339 or yyyy-mm-dd.
func Record(t testing.TB, columns string, rows ...string) arrow.RecordBatch {
	t.Helper()
	s, err := schema.Parse(columns)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for _, row := range rows {
		parts := strings.Split(row, "|")
		if len(parts) != s.NumFields() {
			t.Fatalf("row %q has %d values, the schema %d columns", row, len(parts), s.NumFields())
		}
		for i, p := range parts {
			if err := appendText(b.Field(i), strings.TrimSpace(p)); err != nil {
				t.Fatalf("row %q, column %q: %v", row, s.Field(i).Name, err)
			}
		}
	}
	return b.NewRecordBatch()
}

// Batch is Record as a batch at row 0 of object "test".
func Batch(t testing.TB, columns string, rows ...string) flow.Batch {
	t.Helper()
	return flow.Batch{Record: Record(t, columns, rows...), Position: flow.Position{Object: "test"}}
}

func appendText(b array.Builder, s string) error {
	if s == "null" {
		b.AppendNull()
		return nil
	}
	switch x := b.(type) {
	case *array.Float64Builder:
		v, err := strconv.ParseFloat(s, 64)
		x.Append(v)
		return err
	case *array.Float32Builder:
		v, err := strconv.ParseFloat(s, 32)
		x.Append(float32(v))
		return err
	case *array.TimestampBuilder:
		for _, layout := range []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04Z", time.RFC3339Nano} {
			if v, err := time.Parse(layout, s); err == nil {
				x.Append(arrow.Timestamp(v.UnixMicro()))
				return nil
			}
		}
		return fmt.Errorf("%q is no time", s)
	case *array.ListBuilder:
		return json.Unmarshal([]byte("["+s+"]"), x)
	default:
		return b.AppendValueFromString(s)
	}
}

// Text prints rows the way Record reads them, one per line, columns parted by
// " | ". Midnights print as a date, NaN as NaN.
func Text(r arrow.RecordBatch) string {
	var b strings.Builder
	for i := 0; i < int(r.NumRows()); i++ {
		for c := 0; c < int(r.NumCols()); c++ {
			if c > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(Value(r.Column(c), i))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Value prints one value as Text does.
func Value(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	switch x := a.(type) {
	case *array.Float64:
		return number(x.Value(i))
	case *array.Float32:
		return number(float64(x.Value(i)))
	case *array.Timestamp:
		t := time.UnixMicro(int64(x.Value(i))).UTC()
		if int64(x.Value(i))%flow.MicrosPerDay == 0 {
			return t.Format("2006-01-02")
		}
		return t.Format(time.RFC3339Nano)
	default:
		return a.ValueStr(i)
	}
}

func number(f float64) string {
	if math.Signbit(f) && f == 0 {
		return "-0"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// Recorder collects what a stage emits.
type Recorder struct{ Batches []flow.Batch }

// Emit is a flow.Emit.
func (r *Recorder) Emit(b flow.Batch) error {
	r.Batches = append(r.Batches, b)
	return nil
}

// Text prints all rows collected.
func (r *Recorder) Text() string {
	var b strings.Builder
	for _, x := range r.Batches {
		b.WriteString(Text(x.Record))
	}
	return b.String()
}

// Release gives all batches back.
func (r *Recorder) Release() {
	for _, b := range r.Batches {
		b.Release()
	}
	r.Batches = nil
}
