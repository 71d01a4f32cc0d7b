package wasm

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// flights makes a batch of n rows with a tenth of nulls and two columns that
// the plugin does not see.
func flights(t testing.TB, n int) flow.Batch {
	t.Helper()
	s, err := schema.Parse("tailnum string, time_hour timestamp, dep_delay double, wind_speed double")
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("N%05d", r.IntN(4000)))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(i * 1_000_000))
		for c := 2; c < 4; c++ {
			f := b.Field(c).(*array.Float64Builder)
			if r.IntN(10) == 0 {
				f.AppendNull()
			} else {
				f.Append(float64(r.IntN(200)-20*(3-c)) / 2) // delays from -10, winds from 0
			}
		}
	}
	return flow.Batch{Record: b.NewRecordBatch()}
}

// native is what the plugins do, written for the host: one pass over the two
// columns into a column of its own.
func native(delay, wind *array.Float64, threshold float64, out []float64, valid []byte) {
	d, w := delay.Float64Values(), wind.Float64Values()
	clear(valid)
	for i := range d {
		if delay.IsNull(i) {
			out[i] = 0
			continue
		}
		valid[i>>3] |= 1 << (i & 7)
		speed := 0.0
		if wind.IsValid(i) {
			speed = w[i]
		}
		out[i] = max(0, d[i]-threshold) / (1 + speed/10)
	}
}

// BenchmarkDelayScore measures a map stage end to end beside its floor: the
// projected bytes copied twice, and the work itself in native Go. Its metric
// x-floor is guest / (2 x memcpy + native), the bar is 1.4 for C at 8K rows.
func BenchmarkDelayScore(b *testing.B) {
	for _, rows := range []int{1 << 10, 1 << 13, 1 << 16} {
		in := flights(b, rows)
		defer in.Release()
		delay, wind := in.Record.Column(2).(*array.Float64), in.Record.Column(3).(*array.Float64)
		out, valid := make([]float64, rows), make([]byte, (rows+7)/8)
		src, dst := make([]byte, 2*(rows*8+rows/8)), make([]byte, 2*(rows*8+rows/8))
		floor := func() { copy(dst, src); copy(src, dst); native(delay, wind, 15, out, valid) }
		b.Run(fmt.Sprintf("native/%d", rows), func(b *testing.B) {
			for b.Loop() {
				native(delay, wind, 15, out, valid)
			}
			perRow(b, rows)
		})
		b.Run(fmt.Sprintf("memcpy2/%d", rows), func(b *testing.B) {
			for b.Loop() {
				copy(dst, src)
				copy(src, dst)
			}
			perRow(b, rows)
		})
		for _, name := range []string{"delay_score_c", "delay_score"} {
			b.Run(fmt.Sprintf("%s/%d", name, rows), func(b *testing.B) {
				s, _ := open(b, load(b, newEngine(b), plugin(b, name)), Use{}, in.Record.Schema())
				ctx, emit := context.Background(), func(x flow.Batch) error { x.Release(); return nil }
				step := func() {
					if err := s.Process(ctx, in, emit); err != nil {
						b.Fatal(err)
					}
				}
				for range 10 {
					step()
				}
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
				perRow(b, rows)
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				b.ReportMetric(ratio(step, floor, 100+(1<<20)/rows), "x-floor")
			})
		}
	}
}

//go:embed testdata/prefix.wasm
var prefixCode []byte

// BenchmarkPrefix cuts texts of 63 bytes down to 8, end to end. The bar is 100
// ns a row.
func BenchmarkPrefix(b *testing.B) {
	const rows = 1 << 13
	text := make([]string, rows)
	for i := range text {
		text[i] = fmt.Sprintf("%063d", i)
	}
	in := hosttest.Batch(b, "s string", text...)
	defer in.Release()
	module := packed(b, prefixCode, `{"abi":"1.0","name":"prefix","version":"1.0.0","kind":"map",
		"input":{"columns":[{"name":"s","type":"utf8","nullable":false}]},"output":{"mode":"init"},
		"config_schema":{"type":"object"},"stateful":false,"deterministic":true}`)
	s, _ := open(b, load(b, newEngine(b), module), Use{}, in.Record.Schema())
	for b.Loop() {
		if err := s.Process(context.Background(), in, func(x flow.Batch) error { x.Release(); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, rows)
}

// BenchmarkTraps does batches of which one in a hundred makes the guest trap, and
// prints what a batch and what a trap cost, and by how many bytes memory grew.
func BenchmarkTraps(b *testing.B) {
	s, _ := open(b, load(b, newEngine(b), hostilePlugin(b, "map", decided)), mode("trap_value"), batchOf(b, 1, 1).Record.Schema())
	good, bad := batchOf(b, 1, 1<<10), batchOf(b, 13, 1<<10)
	defer good.Release()
	defer bad.Release()
	ctx, emit := context.Background(), func(x flow.Batch) error { x.Release(); return nil }
	step := func(i int) {
		in := good
		if i%100 == 99 {
			in = bad
		}
		if err := s.Process(ctx, in, emit); (err != nil) != (i%100 == 99) {
			b.Fatal(err)
		}
	}
	for i := range 1000 {
		step(i)
	}
	before, traps := memoryInUse(), 0
	for i := 0; b.Loop(); i++ {
		step(i)
		traps += (i % 100) / 99
	}
	b.ReportMetric(float64(traps), "traps")
	b.ReportMetric(float64(memoryInUse()-before), "B-grown")
}

func memoryInUse() int64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

func perRow(b *testing.B, rows int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
}

// ratio gives the CPU time of f over that of g: medians of n interleaved
// runs, on this thread alone, since machines that run tests are shared.
func ratio(f, g func(), n int) float64 {
	a, b := make([]int64, n), make([]int64, n)
	for i := range n {
		t0 := hosttest.CPU()
		f()
		t1 := hosttest.CPU()
		g()
		a[i], b[i] = t1-t0, hosttest.CPU()-t1
	}
	slices.Sort(a)
	slices.Sort(b)
	return float64(a[n/2]) / float64(b[n/2])
}

// BenchmarkFilter measures what a filter costs that keeps every second row,
// with four columns that the guest does not see.
func BenchmarkFilter(b *testing.B) {
	const rows = 1 << 13
	in := flights(b, rows)
	defer in.Release()
	columns := append([]arrow.Array{in.Record.Column(2)}, in.Record.Columns()...)
	fields := append([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}, in.Record.Schema().Fields()...)
	wide := flow.Batch{Record: array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, rows)}
	defer wide.Release()
	for _, way := range []string{"keep", "rows"} {
		b.Run(way, func(b *testing.B) {
			s, _ := open(b, load(b, newEngine(b), hostilePlugin(b, "filter", decided)), mode(way), wide.Record.Schema())
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Process(context.Background(), wide, func(x flow.Batch) error { x.Release(); return nil }); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b, rows)
		})
	}
}
