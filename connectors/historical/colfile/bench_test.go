package colfile

import (
	"context"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// cpu is the processor time of this process in seconds.
func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// benchRows reads the rows named by FEATUREHOST_BENCH_ROWS, a Parquet file.
func benchRows(b *testing.B) (*arrow.Schema, []arrow.RecordBatch) {
	path := os.Getenv("FEATUREHOST_BENCH_ROWS")
	if path == "" {
		b.Skip("FEATUREHOST_BENCH_ROWS names no Parquet file")
	}
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 8192, Parallel: true}, memory.DefaultAllocator)
	if err != nil {
		b.Fatal(err)
	}
	rr, err := r.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	var out []arrow.RecordBatch
	for rr.Next() {
		rec := rr.RecordBatch()
		rec.Retain()
		out = append(out, rec)
	}
	return rr.Schema(), out
}

func BenchmarkFlat(b *testing.B) {
	s, recs := benchRows(b)
	b.ResetTimer()
	for range b.N {
		start := cpu()
		l, err := NewLayout(s, nil, "bench", 2, nil)
		if err != nil {
			b.Fatal(err)
		}
		var w io.Writer = io.Discard
		if p := os.Getenv("FEATUREHOST_BENCH_OUT"); p != "" {
			f, err := os.Create(p)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			w = f
		}
		var a Arena
		rows, f, n := l.NewRows(&a), l.NewFile(), 0
		all := make([]int32, 1<<16)
		for i := range all {
			all[i] = int32(i)
		}
		for _, rec := range recs {
			for c := range rec.Columns() {
				src, err := NewSource(rec.Column(c))
				if err != nil {
					b.Fatal(err)
				}
				if err := rows.Append(c, src, all[:rec.NumRows()]); err != nil {
					b.Fatal(err)
				}
			}
			if n += int(rec.NumRows()); n >= 1<<17 {
				if err := f.WriteGroup(b.Context(), w, rows, n); err != nil {
					b.Fatal(err)
				}
				n = 0
			}
		}
		if n > 0 {
			if err := f.WriteGroup(b.Context(), w, rows, n); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Close(w); err != nil {
			b.Fatal(err)
		}
		a.Close()
		b.ReportMetric(cpu()-start, "cpu-s")
		b.ReportMetric(float64(f.offset)/1e6, "MB")
	}
}
