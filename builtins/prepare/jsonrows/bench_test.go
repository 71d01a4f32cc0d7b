package jsonrows_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/prepare/jsonrows"
)

// BenchmarkDecode tells nanoseconds per row.
func BenchmarkDecode(b *testing.B) {
	const rows = 8192
	for _, c := range []struct{ name, fields, text string }{
		{"small", "a int, b.c string", `{"a": 1, "b": {"c": "x"}, "d": [1, 2]}`},
		{"nested", "a int, b struct<c: string>, d array<int>", `{"a": 1, "b": {"c": "x"}, "d": [1, 2]}`},
		{"event", "user_id bigint, event string, amount double, ok boolean",
			`{"user_id": 12345678, "event": "page_view", "ts": "2024-01-15T10:30:00Z", "amount": 12.75, "props": {"country": "BR", "device": "mobile"}, "ok": true}`},
		{"no json", "a int", `not json`},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := schema.Parse(c.fields)
			if err != nil {
				b.Fatal(err)
			}
			d, err := jsonrows.New(s)
			if err != nil {
				b.Fatal(err)
			}
			in := array.NewStringBuilder(memory.DefaultAllocator)
			for range rows {
				in.Append(c.text)
			}
			texts := in.NewArray()
			b.ReportAllocs()
			b.SetBytes(int64(len(c.text) * rows))
			for b.Loop() {
				out, err := d.Decode(memory.DefaultAllocator, texts)
				if err != nil {
					b.Fatal(err)
				}
				out.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}
