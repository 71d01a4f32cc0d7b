package kafka

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/segmentio/kafka-go/compress"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/flow"
)

// whole is the body of a message with all its parts.
func whole(at, time int64, key, value string, headers []byte) []byte {
	b := []byte{0}
	b = binary.AppendVarint(b, time)
	b = binary.AppendVarint(b, at)
	b = append(binary.AppendVarint(b, int64(len(key))), key...)
	b = append(binary.AppendVarint(b, int64(len(value))), value...)
	b = append(b, headers...)
	return append(binary.AppendVarint(nil, int64(len(b))), b...)
}

// header is one header with the bytes of its value.
func oneHeader(value string) []byte {
	b := binary.AppendVarint(nil, 1)
	b = append(binary.AppendVarint(b, 1), 'h')
	return append(binary.AppendVarint(b, int64(len(value))), value...)
}

// gather runs batches of messages through a gatherer that reads all columns of
// a raw topic, and hands each item to see.
func gather(t *testing.T, records [][]byte, see func(*item)) {
	t.Helper()
	value, err := raw{}.fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := flow.NewSchema(append(slices.Clone(value), aboutFields()...))
	s, err := newShape(value, all, nil, nil, flow.Interval{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := raw{}.values(s.fields)
	if err != nil {
		t.Fatal(err)
	}
	g := &gatherer{topic: "t", shape: s, values: v, rows: 8192, marks: map[int32]int64{}, give: func(it *item) error {
		defer it.release()
		see(it)
		return nil
	}}
	s.gathers(&g.got)
	g.got.start(g.rows)
	c := &cursor{end: math.MaxInt64}
	for _, r := range records {
		if err := g.take(t.Context(), c, fetched{records: r}, "b:1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Rule: K3. Whatever part of a message is long ends a batch early.
func TestGatherer_LongParts_BatchEndsEarly(t *testing.T) {
	const n, long = 240, 300_000
	for _, c := range []struct {
		name       string
		key, value string
		headers    []byte
	}{
		{"keys", strings.Repeat("k", long), "{}", []byte{0}},
		{"values", "k", strings.Repeat("v", long), []byte{0}},
		{"headers, written six times as long", "k", "{}", oneHeader(strings.Repeat("\x01", long/6))},
		{"all of them", strings.Repeat("k", long/3), strings.Repeat("v", long/3), oneHeader(strings.Repeat("h", long/3))},
	} {
		t.Run(c.name, func(t *testing.T) {
			var records [][]byte
			for i := range n {
				records = append(records, sealed(int64(i), 0, 0, 1, 7, whole(0, 0, c.key, c.value, c.headers)))
			}
			rows := int64(0)
			gather(t, records, func(it *item) {
				size := 0
				for _, name := range []string{colKey, colValue, colHeaders} {
					a := it.batch.Record.Column(it.batch.Record.Schema().FieldIndices(name)[0])
					size += a.Data().Buffers()[2].Len()
				}
				if rows += it.rows; size > batchBytes+long+1000 {
					t.Errorf("a batch of %d rows holds %d bytes", it.rows, size)
				}
			})
			if rows != n {
				t.Errorf("%d rows of %d", rows, n)
			}
		})
	}
}

// Headers whose JSON would be longer than any column should be are null and
// counted; what stands beside them is not touched.
func TestGatherer_HostileHeaders_NullAndCounted(t *testing.T) {
	hostile := binary.AppendVarint(nil, 3_000_000)
	hostile = append(hostile, bytes.Repeat([]byte{0, 1}, 3_000_000)...) // no name and no value
	records := [][]byte{
		sealed(0, 0, 0, 1, 7, whole(0, 0, "a", "1", oneHeader("x"))),
		sealed(1, 0, 0, 1, 7, whole(0, 0, "b", "2", hostile)),
		sealed(2, 0, 0, 1, 7, whole(0, 0, "c", "3", oneHeader("z"))),
	}
	var got []string
	gather(t, records, func(it *item) {
		r := it.batch.Record
		h := r.Column(r.Schema().FieldIndices(colHeaders)[0]).(*array.String)
		for i := range h.Len() {
			if h.IsNull(i) {
				got = append(got, "null")
			} else {
				got = append(got, h.Value(i))
			}
		}
		if it.failed[colHeaders] != 1 {
			t.Errorf("%v", it.failed)
		}
	})
	if want := []string{`[{"key":"h","value":"x"}]`, "null", `[{"key":"h","value":"z"}]`}; !slices.Equal(got, want) {
		t.Errorf("%.200v", got)
	}
}

// A time that is none, or fits no column, is null.
func TestGatherer_Times_NoneAndHostileOnesAreNull(t *testing.T) {
	be := binary.BigEndian
	timed := func(offset, first, delta int64) []byte {
		b := sealed(offset, 0, 0, 1, 7, whole(0, delta, "", "", []byte{0}))
		be.PutUint64(b[27:], uint64(first))
		return reseal(b)
	}
	appended := sealed(7, attrLogAppend, 0, 1, 7, whole(0, 0, "", "", []byte{0}))
	be.PutUint64(appended[35:], uint64(math.MaxInt64))
	records := [][]byte{
		timed(0, 1000, 5), timed(1, -1, 0), timed(2, math.MaxInt64, 1), timed(3, math.MaxInt64/1000+1, 0), timed(4, math.MinInt64, -1),
		timed(5, -5000, 0), timed(6, math.MaxInt64/1000-1, 1), reseal(appended),
	}
	var got []arrow.Timestamp
	var null []int
	gather(t, records, func(it *item) {
		r := it.batch.Record
		a := r.Column(r.Schema().FieldIndices(colTime)[0]).(*array.Timestamp)
		if !arrow.TypeEqual(a.DataType(), schema.Timestamp()) || a.NullN() != 5 {
			t.Errorf("%s with %d nulls", a.DataType(), a.NullN())
		}
		for i := range a.Len() {
			if a.IsNull(i) {
				null = append(null, i)
			} else {
				got = append(got, a.Value(i))
			}
		}
	})
	if !slices.Equal(null, []int{1, 2, 3, 4, 7}) || !slices.Equal(got, []arrow.Timestamp{1_005_000, -5_000_000, math.MaxInt64 / 1000 * 1000}) {
		t.Error(null, got)
	}
}

// A batch that unpacks to more than is believed fails the read by its offset;
// what a large one took is let go.
func TestWalk_PackedBatch_Bounded(t *testing.T) {
	packed := func(plain []byte) []byte {
		var b bytes.Buffer
		w := (compress.Gzip).Codec().NewWriter(&b)
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var k walker
	large := sealed(0, int16(compress.Gzip), 0, 1, 7, packed(one(0, strings.Repeat("x", 20<<20))))
	n := 0
	if _, err := k.walk(fetched{records: large}, 0, func(m *message) error { n += len(m.value); return nil }); err != nil || n != 20<<20 {
		t.Fatal(n, err)
	}
	if k.plain.Cap() > keptPlain {
		t.Errorf("%d bytes are kept", k.plain.Cap())
	}
	bomb := sealed(41, int16(compress.Gzip), 0, 1, 7, packed(make([]byte, mostPlain+1)))
	if _, err := k.walk(fetched{records: bomb}, 0, func(*message) error { return nil }); err == nil || !strings.Contains(err.Error(), "offset 41") {
		t.Error(err)
	}
	short := packed([]byte(strings.Repeat("xyz", 1000)))
	cut := sealed(42, int16(compress.Gzip), 0, 1, 7, short[:len(short)-9])
	g := &gatherer{topic: "t", marks: map[int32]int64{}}
	err := g.take(t.Context(), &cursor{end: -1}, fetched{records: cut}, "b:1")
	if err == nil || !strings.Contains(err.Error(), "offset 42") || !strings.Contains(err.Error(), "FH-7631") {
		t.Error(err)
	}
}
