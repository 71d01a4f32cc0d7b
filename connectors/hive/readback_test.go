package hive_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/hive/server2"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// written writes rows to a historical table and gives its partitions.
func written(t *testing.T, root, run string, b flow.Batch) (historical.Table, []historical.Partition) {
	t.Helper()
	defer b.Release()
	ctx := t.Context()
	env, _, _ := hosttest.Env(t)
	s, err := historical.New(config.Sink{Type: "historical", Path: root}, parts.Place{Dir: root}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Open(ctx, flow.Run{Number: 1, ID: run, Entity: "customer", Set: "spend"}, b.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(ctx, b); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prepare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(ctx, p); err != nil {
		t.Fatal(err)
	}
	table := historical.Table{Entity: "customer", Set: "spend", Columns: b.Record.Schema(), Location: filepath.Join(root, "historical/customer/spend")}
	folders, err := filepath.Glob(table.Location + "/year=*/month=*/day=*")
	if err != nil {
		t.Fatal(err)
	}
	var out []historical.Partition
	for _, f := range folders {
		var y, m, d int
		rel, _ := filepath.Rel(table.Location, f)
		if _, err := fmt.Sscanf(rel, "year=%d/month=%d/day=%d", &y, &m, &d); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(f + "/part-0.parquet")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, historical.Partition{Day: day(t, fmt.Sprintf("%04d-%02d-%02d", y, m, d)), Location: f, Rows: 1, Bytes: info.Size()})
	}
	return table, out
}

// What HiveServer2 reads of our files is what was written, for every type.
// Rules: S-401, S-1201.
func TestPublish_EveryType_ReadBackByHive(t *testing.T) {
	metastore, server := servertest.Hive(t)
	ctx := t.Context()
	h := config.Hive{Metastore: metastore, Server: server, Auth: "NONE", Database: servertest.Name(t)}
	const columns = "id bigint, timestamp timestamp, ntz timestamp_ntz, d date, ok boolean, n int, f float, x double, dec decimal(10,2), big decimal(38,3), text string, raw binary, list array<bigint>, words array<string>, ratios array<double>"
	rows := []string{
		"1 | 2024-01-31T23:59:59.999999Z | 2024-01-31T23:59:59.123456Z | 2024-02-29 | true | -7 | 0.5 | 0.1 | 12.34 | 12345678901234567890.123 | héllo | AQL/ | [1,null,3] | [\"a\",\"\"] | [0.5]",
		"2 | 1969-12-31T00:00:00.000001Z | 1900-01-01T00:00:00Z | 1600-01-01 | false | 2147483647 | -1.5 | 1e300 | -0.01 | -0.001 | x | null | [] | null | []",
		"3 | 2024-02-01T00:00:00Z | null | null | null | null | null | null | null | null | null | null | null | [null] | null",
	}
	table, set := written(t, t.TempDir(), "r1", hosttest.Batch(t, columns, rows...))
	if len(set) != 3 {
		t.Fatal(set)
	}
	r, err := hive.NewRegistrar(h, hive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Publish(ctx, table, set, nil); err != nil {
		t.Fatal(err)
	}
	s, err := server2.Open(ctx, h, server2.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ask := func(sql string) string {
		t.Helper()
		q, err := s.Query(ctx, sql)
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		var out strings.Builder
		for {
			b, err := q.Next(ctx, 100)
			if err != nil {
				if !flow.Ended(err) {
					t.Fatal(err)
				}
				return out.String()
			}
			out.WriteString(hosttest.Text(b))
			b.Release()
		}
	}
	var got strings.Builder
	for _, one := range []string{"1", "2", "3"} {
		got.WriteString(ask("SELECT * FROM spend WHERE id = " + one))
	}
	want := `1 | 2024-01-31T23:59:59.999999Z | 2024-01-31T23:59:59.123456Z | 2024-02-29 | true | -7 | 0.5 | 0.1 | 12.34 | 12345678901234567890.123 | héllo | AQL/ | [1,null,3] | ["a",""] | [0.5] | 2024 | 1 | 31
2 | 1969-12-31T00:00:00.000001Z | 1900-01-01 | 1600-01-01 | false | 2147483647 | -1.5 | 1e+300 | -0.01 | -0.001 | x | null | [] | null | [] | 1969 | 12 | 31
3 | 2024-02-01 | null | null | null | null | null | null | null | null | null | null | null | [null] | null | 2024 | 2 | 1
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
	for _, stats := range []string{"false", "true"} { // a count that statistics answer is right too
		if _, err := s.Query(ctx, "SET hive.compute.query.using.stats="+stats); !fault.Is(err, hive.BadResult) {
			t.Fatal(err)
		}
		if got := ask("SELECT count(*), sum(n), max(`dec`) FROM spend"); got != "3 | 2147483640 | 12.34\n" {
			t.Error(got)
		}
		if got := ask("SELECT count(*) FROM spend WHERE year = 2024"); got != "2\n" {
			t.Error(got)
		}
	}
	// A wrong number of rows told to the metastore is not taken for a count.
	set[0].Rows = 99
	if err := r.Publish(ctx, table, set, nil); err != nil {
		t.Fatal(err)
	}
	if got := ask("SELECT count(*) FROM spend"); got != "3\n" {
		t.Error(got)
	}
}
