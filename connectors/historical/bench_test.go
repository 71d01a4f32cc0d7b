package historical

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// BenchmarkWriter writes, prepares and publishes the rows of the Parquet file
// that FEATUREHOST_BENCH_ROWS names, or a small table made here, in both
// layouts. It reports processor seconds, which include none of the reading.
func BenchmarkWriter(b *testing.B) {
	for _, layout := range []string{flat, partitioned} {
		b.Run(layout, func(b *testing.B) {
			recs, done := benchRows(b)
			defer done()
			for range b.N {
				benchWrite(b, layout, recs)
			}
		})
	}
}

func benchWrite(b *testing.B, layout string, recs func() (arrow.RecordBatch, bool)) {
	env, _, _ := hosttest.Env(b)
	env.MemoryBytes = 144 << 20
	if mb, err := strconv.Atoi(os.Getenv("FEATUREHOST_BENCH_MB")); err == nil {
		env.MemoryBytes = int64(mb) << 20
	}
	dir := os.Getenv("FEATUREHOST_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	s, err := New(config.Sink{Path: dir, Layout: layout}, parts.Place{}, env)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var spent, start float64
	opened := false
	for {
		rec, ok := recs()
		if !ok {
			break
		}
		start = cpu()
		if !opened {
			opened = true
			if err := s.Open(b.Context(), flow.Run{Number: 1, ID: "bench", Entity: "e", Set: layout}, rec.Schema()); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Write(b.Context(), flow.Batch{Record: rec}); err != nil {
			b.Fatal(err)
		}
		spent += cpu() - start
		rec.Release()
	}
	start = cpu()
	p, err := s.Prepare(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Publish(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(spent+cpu()-start, "cpu-s")
	b.ReportMetric(float64(peakKB())/1024, "peak-MB")
}

// cpu is the processor time of this process in seconds.
func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// peakKB is the greatest resident size of this process so far.
func peakKB() int {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := bytes.Cut(text, []byte("VmHWM:"))
	n, _ := strconv.Atoi(string(bytes.Fields(append(rest, " 0"...))[0]))
	return n
}

// benchRows streams batches of 8192 rows, so that the rows themselves do not
// count as memory.
func benchRows(b *testing.B) (next func() (arrow.RecordBatch, bool), done func()) {
	path := os.Getenv("FEATUREHOST_BENCH_ROWS")
	if path == "" {
		rec := madeRows(1 << 14)
		left := 8
		return func() (arrow.RecordBatch, bool) {
			if left--; left < 0 {
				left = 8
				return nil, false
			}
			rec.Retain()
			return rec, true
		}, rec.Release
	}
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		b.Fatal(err)
	}
	var rr pqarrow.RecordReader
	return func() (arrow.RecordBatch, bool) {
		if rr == nil {
			r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 8192}, memory.DefaultAllocator)
			if err != nil {
				b.Fatal(err)
			}
			if rr, err = r.GetRecordReader(b.Context(), nil, nil); err != nil {
				b.Fatal(err)
			}
		}
		if !rr.Next() {
			rr.Release()
			rr = nil
			return nil, false
		}
		rec := rr.RecordBatch()
		rec.Retain()
		return rec, true
	}, func() { f.Close() }
}

// madeRows are n rows of 91 days with one text key and one number.
func madeRows(n int) arrow.RecordBatch {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: timestamp, Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: "count", Type: arrow.PrimitiveTypes.Int64}, {Name: "sum", Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	rb := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer rb.Release()
	for i := range n {
		rb.Field(0).(*array.Int64Builder).Append(int64(i / 91))
		rb.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(int64(19723+i%91) * flow.MicrosPerDay))
		rb.Field(2).(*array.Int64Builder).Append(int64(i % 7))
		rb.Field(3).(*array.Float64Builder).Append(float64(i) * 1.25)
	}
	return rb.NewRecordBatch()
}
