package cassandra

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gocql/gocql"

	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/flow"
)

// wide makes rows of 168 bytes: a key, a timestamp, 18 numbers, a text.
func wide(n int, us int64) flow.Record {
	fields := []arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true}}
	for i := range 18 {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("f%d", i), Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	fields = append(fields, arrow.Field{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true})
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i) * 7919)
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(us))
		for c := range 18 {
			b.Field(c + 2).(*array.Float64Builder).Append(float64(i*c) + 0.25)
		}
		b.Field(20).(*array.StringBuilder).Append("name-abc")
	}
	return b.NewRecordBatch()
}

// bare is what a program would write that knows gocql alone: a prepared
// statement, token-aware, as many at once as the sink has.
func bare(b *testing.B, s *store, rows, concurrency int, us int64) {
	c := gocql.NewCluster(servertest.Cassandra(b))
	c.ProtoVersion, c.Keyspace, c.Consistency, c.Logger = 4, s.cfg.Cassandra.Keyspace, gocql.LocalQuorum, silent{}
	c.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	session, err := c.CreateSession()
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	cql := `INSERT INTO bare (id, timestamp, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, name) ` +
		`VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`
	var next atomic.Int64
	var wg sync.WaitGroup
	for range concurrency {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				i := int(next.Add(1)) - 1
				if i >= rows {
					return
				}
				args := []any{int64(i) * 7919, us / 1000}
				for c := range 18 {
					args = append(args, float64(i*c)+0.25)
				}
				if err := session.Query(cql, append(args, "name-abc", us)...).Exec(); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
}

func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkPublish loads 20,000 rows of 168 bytes, and does the same with a bare gocql loop,
// one after the other in the same run. The ratio is of rows per second, staging and all.
func BenchmarkPublish(b *testing.B) {
	s := newStore(b)
	const rows = 20_000
	var columns string
	for i := range 18 {
		columns += fmt.Sprintf(", f%d double", i)
	}
	s.cql("CREATE TABLE %k.bare (id bigint PRIMARY KEY, timestamp timestamp" + columns + ", name text)")
	r := wide(rows, 1_000_000)
	defer r.Release()
	var parts []flow.Record
	for i := int64(0); i < rows; i += 8192 {
		parts = append(parts, r.NewSlice(i, min(i+8192, rows)))
	}
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	var ours, theirs, oursCPU, theirsCPU []float64
	us := int64(2_000_000)
	one := func(f func(us int64)) (wall, used float64) {
		us += 1_000_000
		start, spent := time.Now(), cpu()
		f(us)
		return time.Since(start).Seconds(), (cpu() - spent).Seconds()
	}
	publish := func(int64) { // as the host does: one sink from Open to Publish
		k, ctx := s.sink(), context.Background()
		defer k.Close()
		err := k.Open(ctx, s.run(0), r.Schema())
		for _, p := range parts {
			if err == nil {
				err = k.Write(ctx, flow.Batch{Record: p})
			}
		}
		var p flow.Pending
		if err == nil {
			p, err = k.Prepare(ctx)
		}
		if err == nil {
			_, err = k.Publish(ctx, p)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	loop := func(us int64) { bare(b, s, rows, defaultConcurrency, us) }
	publish(0) // both tables warm
	loop(1_000_000)
	for b.Loop() {
		w, c := one(publish)
		ours, oursCPU = append(ours, w), append(oursCPU, c)
		w, c = one(loop)
		theirs, theirsCPU = append(theirs, w), append(theirsCPU, c)
	}
	median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	b.ReportMetric(rows/median(ours), "rows/s")
	b.ReportMetric(rows/median(theirs), "bare-rows/s")
	b.ReportMetric(median(theirs)/median(ours), "ratio")
	b.ReportMetric(median(theirsCPU)/median(oursCPU), "cpu-ratio")
}

// BenchmarkGet reports the median of single reads.
func BenchmarkGet(b *testing.B) {
	s := newStore(b)
	r := wide(1000, 1)
	defer r.Release()
	s.publish(s.prepare(0, r))
	v := s.vectors()
	defer v.Close()
	var took []time.Duration
	i := int64(0)
	for b.Loop() {
		i = (i + 61) % 1000
		start := time.Now()
		_, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": fmt.Sprint(i * 7919)})
		took = append(took, time.Since(start))
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-us")
}
