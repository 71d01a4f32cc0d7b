package cdata

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// BenchmarkCross copies a batch into guest memory and out again, as a
// pass-through guest would make the host do.
func BenchmarkCross(b *testing.B) {
	for _, c := range []struct {
		name  string
		nulls float64
		types []string
	}{{"float64x2", 0, []string{"float64", "float64"}}, {"float64x2/nulls", 0.1, []string{"float64", "float64"}}, {"utf8", 0.1, []string{"utf8"}}} {
		b.Run(c.name, func(b *testing.B) {
			rec := record(b, 1, 8192, c.nulls, c.types...)
			ex, err := NewExporter(rec.Schema())
			if err != nil {
				b.Fatal(err)
			}
			im, err := NewImporter(rec.Schema(), ImportLimits{CanonicalNaN: true})
			if err != nil {
				b.Fatal(err)
			}
			mem := make([]byte, 4<<20)
			one := func() {
				out, err := crossOnce(ex, im, mem, rec)
				if err != nil {
					b.Fatal(err)
				}
				out.Release()
			}
			b.ReportAllocs()
			for b.Loop() {
				one()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8192, "ns/row")
		})
	}
}

func crossOnce(ex *Exporter, im *Importer, mem []byte, rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	size, err := ex.Size(rec)
	if err != nil {
		return nil, err
	}
	ptr, err := ex.Write(mem, base, rec)
	if err != nil {
		return nil, err
	}
	return im.Import(mem, ptr, Want{Rows: rec.NumRows(), InputBytes: int64(size)})
}

// An export allocates nothing, an import a number of small objects that does
// not depend on the rows.
func TestCross_Allocations_FewAndFixed(t *testing.T) {
	for _, rows := range []int{100, 8192} {
		rec := record(t, 1, rows, 0, "float64", "float64")
		ex, err := NewExporter(rec.Schema())
		if err != nil {
			t.Fatal(err)
		}
		im, err := NewImporter(rec.Schema(), ImportLimits{})
		if err != nil {
			t.Fatal(err)
		}
		mem := make([]byte, 1<<20)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := ex.Write(mem, base, rec); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%d rows: an export allocates %v objects", rows, n)
		}
		if n := testing.AllocsPerRun(100, func() {
			out, err := crossOnce(ex, im, mem, rec)
			if err != nil {
				t.Fatal(err)
			}
			out.Release()
		}); n > 14 {
			t.Errorf("%d rows: an import allocates %v objects", rows, n)
		}
		rec.Release()
	}
}
