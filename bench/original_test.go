package bench

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// TestRolling_ButterfreeProfile_RowsOfTheOriginal runs the benchmark's pipeline
// and compares every row with the one that Butterfree made.
// Rules: S-202, S-912, S-947.
func TestRolling_ButterfreeProfile_RowsOfTheOriginal(t *testing.T) {
	for _, layout := range []string{"flat", "partitioned"} {
		t.Run(layout, func(t *testing.T) { compare(t, run(t, layout)) })
	}
}

func run(t *testing.T, layout string) (table string) {
	t.Helper()
	dir := t.TempDir()
	events, err := filepath.Abs("data/events_100k.parquet")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"EVENTS": events, "OUT": dir, "LAYOUT": layout}
	file, err := config.Load("rolling.toml", func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, file)
	defer h.Close()
	end, err := flow.ParseDay("2024-03-31")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Run(context.Background(), host.RunOptions{Interval: flow.Interval{End: &end}}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "historical")
}

// open makes a host with everything that this build holds.
func open(t *testing.T, file *config.File) *host.Host {
	t.Helper()
	catalog := &parts.Catalog{}
	builtins.Register(catalog)
	connectors.Register(catalog)
	h, err := host.New(file, host.Options{Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func compare(t *testing.T, table string) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, files := range map[string]string{"ours": table + "/**/*.parquet", "theirs": "data/butterfree_100k.parquet"} {
		if _, err := db.Exec(fmt.Sprintf("CREATE TABLE %s AS SELECT * REPLACE (epoch_us(timestamp) AS timestamp) FROM read_parquet('%s', hive_partitioning = false)", name, files)); err != nil {
			t.Fatal(err)
		}
	}
	number := func(query string) (n int64) {
		t.Helper()
		if err := db.QueryRow(query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	if ours, theirs := number("SELECT count(*) FROM ours"), number("SELECT count(*) FROM theirs"); ours != 292_151 || theirs != ours {
		t.Errorf("%d rows, the original has %d", ours, theirs)
	}
	if n := number("SELECT count(*) FROM ours JOIN theirs USING (id, timestamp)"); n != 292_151 {
		t.Errorf("%d rows have the same key and timestamp", n)
	}
	columns := 0
	for _, c := range []string{"amount", "quantity"} {
		for _, f := range []string{"count", "avg", "sum"} {
			for _, days := range []int{7, 14, 30} {
				name := fmt.Sprintf("%s__%s_over_%d_days_rolling_windows", c, f, days)
				query := fmt.Sprintf(`SELECT count(*) FROM ours o JOIN theirs t USING (id, timestamp) WHERE NOT (o.%[1]s IS NOT DISTINCT FROM t.%[1]s
					OR coalesce(abs(o.%[1]s - t.%[1]s) <= 1e-9 * greatest(abs(o.%[1]s), abs(t.%[1]s)), false))`, name)
				if n := number(query); n != 0 {
					t.Errorf("%s differs in %d rows", name, n)
				}
				columns++
			}
		}
	}
	if n := number("SELECT count(*) FROM (DESCRIBE ours)"); n != int64(columns+2) {
		t.Errorf("%d columns, expected %d", n, columns+2)
	}
}
