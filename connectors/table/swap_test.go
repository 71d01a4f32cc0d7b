package table_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/connectors/table"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// bucket is a bucket of the S3 server.
type bucket struct {
	*servertest.S3Server
	store *s3store.Store
	cfg   config.S3
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	s := servertest.S3(t)
	s.Setenv(t)
	cfg := config.S3{Endpoint: s.Endpoint, Region: s.Region, PathStyle: true}
	store, err := s3store.NewPool(s3store.Options{}).Open("s3://"+s.Bucket, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &bucket{s, store, cfg}
}

// interrupted is a reader beside which something is done before its tenth batch.
type interrupted struct {
	flow.Reader
	batches int
	do      func()
}

func (i *interrupted) Next(ctx context.Context) (flow.Batch, error) {
	if i.batches++; i.batches == 10 {
		i.do()
	}
	return i.Reader.Next(ctx)
}

// While runs replace all days of a table on S3, one after the other, whoever
// reads it by the catalogue sees the rows of one run, never of two, as long as
// the objects of the run before stay. When they are removed after the swap, as
// the sink does, each day is still there once, old or new.
// Rule: S-1203.
func TestReader_WhileARunIsPublished_OldOrNew(t *testing.T) {
	t.Run("kept", func(t *testing.T) { whilePublished(t, false) })
	t.Run("removed", func(t *testing.T) { whilePublished(t, true) })
}

func whilePublished(t *testing.T, remove bool) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		const days, runs = 40, 6
		b, ctx := newBucket(t), t.Context()
		h := newHouse(t, address)
		r, err := hive.NewRegistrar(config.Hive{Metastore: address, Database: h.db}, hive.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		of := historical.Table{Entity: "customer", Set: "spend", Location: "s3://" + b.Bucket + "/historical/customer/spend"}
		row := hosttest.Record(t, "id bigint, run bigint")
		of.Columns = row.Schema()
		row.Release()
		first := *span(t, "2024-01-01", "").Start
		set := func(run int) (out []historical.Partition) {
			key := fmt.Sprintf("data/%d", run)
			for i := range days {
				at := fmt.Sprintf("%s/%d", key, i)
				if err := b.store.Put(ctx, at+"/part-0.parquet", encode(t, "id bigint, run bigint", fmt.Sprintf("%d | %d", i, run))); err != nil {
					t.Fatal(err)
				}
				out = append(out, historical.Partition{Day: first + flow.Day(i), Location: "s3://" + b.Bucket + "/" + at, Rows: 1, Bytes: 500})
			}
			return out
		}
		if err := r.Publish(ctx, of, set(0), nil); err != nil {
			t.Fatal(err)
		}
		env, _, _ := hosttest.Env(t)
		reader, err := table.New(config.Reader{ID: "r", S3: b.cfg, Table: &config.Table{Hive: config.Hive{Metastore: address, Database: h.db}, Name: "spend"}}, parts.Place{}, env)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		seen, mixed := map[string]int{}, 0
		poll := func(reader flow.Reader) {
			got, err := tryText(t, reader, flow.Request{Columns: []string{"id", "run"}})
			if err != nil {
				t.Error(err)
			}
			runs, ids := map[string]int{}, map[string]bool{}
			for _, line := range strings.Split(got, "\n") {
				id, run, _ := strings.Cut(line, " | ")
				runs[run]++
				ids[id] = true
			}
			if n := strings.Count(got, "\n") + 1; n != days || len(ids) != days {
				t.Errorf("%d rows of %d days: %v", n, len(ids), runs)
			}
			if len(runs) > 1 {
				mixed++
			}
			seen[fmt.Sprint(runs)]++
		}
		publish := func(run int) {
			if err := r.Publish(ctx, of, set(run), nil); err != nil {
				t.Error(err)
			}
		}
		poll(reader)
		stop := make(chan struct{})
		var wait sync.WaitGroup
		wait.Go(func() {
			for !remove {
				select {
				case <-stop:
					return
				default:
					poll(reader)
				}
			}
		})
		for run := 1; run < runs; run++ {
			if !remove {
				publish(run)
				continue
			}
			poll(&interrupted{Reader: reader, do: func() {
				publish(run)
				if err := b.store.DeletePrefix(ctx, fmt.Sprintf("data/%d/", run-1)); err != nil {
					t.Error(err)
				}
			}})
		}
		close(stop)
		wait.Wait()
		poll(reader)
		if !remove && mixed > 0 || remove && mixed != runs-1 {
			t.Errorf("%d reads saw rows of two runs", mixed)
		}
		if seen[fmt.Sprintf("map[%d:%d]", runs-1, days)] == 0 || seen[fmt.Sprintf("map[0:%d]", days)] == 0 || len(seen) < 3 {
			t.Error("too little was seen:", seen)
		}
		t.Log(seen)
		d, err := h.m.Table(ctx, h.db, "spend")
		if err != nil || !strings.HasPrefix(d.Sd.Location, "s3a://"+b.Bucket+"/historical") {
			t.Error(d.Sd.Location, err)
		}
		if !strings.HasSuffix(t.Name(), "/4.0.1") {
			return
		}
		// HiveServer2 reads the same from S3.
		_, server := servertest.Hive(t)
		q := h.reader("x", func(c *config.Reader) {
			c.Table = &config.Table{Hive: config.Hive{Server: server, Database: h.db, Auth: "NONE"}, SQL: "SELECT count(*) n, min(run) a, max(run) b, sum(id) s FROM spend"}
		})
		if got, want := text(t, q, flow.Request{}), fmt.Sprintf("%d | %d | %d | %d", days, runs-1, runs-1, days*(days-1)/2); got != want {
			t.Errorf("HiveServer2 counts %s, want %s", got, want)
		}
	})
}
