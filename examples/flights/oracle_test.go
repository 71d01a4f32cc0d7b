package flights

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/parts"
)

// runExample runs the pipeline of the example into a folder of its own.
func runExample(t *testing.T, plugin string) (dir string, report *host.Report) {
	t.Helper()
	dir = t.TempDir()
	file, err := config.Load("aircraft_delays.toml", os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	file.Pipeline.State = filepath.Join(dir, "state")
	for i := range file.Sinks {
		file.Sinks[i].Path = filepath.Join(dir, file.Sinks[i].Path)
	}
	file.Stages[0].Use = plugin
	catalog := &parts.Catalog{}
	builtins.Register(catalog)
	connectors.Register(catalog)
	h, err := host.New(file, host.Options{Catalog: catalog, PluginDirs: []string{"../../plugins"}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	report, err = h.Run(context.Background(), host.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return dir, report
}

// feature is a column of the feature table with the SQL that defines it over
// the events of a window.
type feature struct{ name, sql string }

func features() []feature {
	// Events of one instant are ordered by the columns that the set names, by
	// name, nulls first.
	const order = "t, delay_score NULLS FIRST, dep_delay NULLS FIRST, dest NULLS FIRST, distance NULLS FIRST"
	return []feature{
		{"dep_delay__count", "count(dep_delay)"},
		{"dep_delay__avg", "avg(dep_delay)"},
		{"dep_delay__max", "max(dep_delay)"},
		{"dep_delay__stddev_pop", "stddev_pop(dep_delay)"},
		{"score__avg", "avg(delay_score)"},
		{"score__max", "max(delay_score)"},
		{"distance__sum", "sum(distance)"},
		{"dest__last", "last(dest ORDER BY " + order + ")"},
	}
}

// TestFlights_WholeYear_EqualsSQL holds every label of every aircraft against
// a scan of its events, written in SQL from the definition of the windows.
// Rules: S-905, S-910, S-1607.
func TestFlights_WholeYear_EqualsSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole year takes a while; run without -short")
	}
	dir, report := runExample(t, "delay_score")
	db := oracle(t)
	defer db.Close()
	table := filepath.Join(dir, "out", "historical", "aircraft", "aircraft_delays")
	must(t, db, fmt.Sprintf("CREATE TABLE ours AS SELECT * FROM read_parquet('%s/**/*.parquet', hive_partitioning = false)", table))

	if n := one(t, db, "SELECT count(*) FROM ours"); n != report.Features.Rows {
		t.Errorf("the table holds %d rows, the report says %d", n, report.Features.Rows)
	}
	if n := one(t, db, "SELECT count(*) FROM (SELECT tailnum, timestamp FROM ours GROUP BY ALL HAVING count(*) > 1)"); n != 0 {
		t.Errorf("%d labels appear twice", n)
	}
	// What a reader would see at every label is the row at or before it.
	must(t, db, "CREATE TABLE seen AS SELECT w.tailnum, w.e, o.* EXCLUDE (tailnum) FROM oracle w ASOF LEFT JOIN ours o ON w.tailnum = o.tailnum AND w.e >= o.timestamp")
	labels := one(t, db, "SELECT count(*) FROM oracle")
	if labels < 1_000_000 {
		t.Fatalf("the oracle has %d labels: it is not what it should be", labels)
	}
	if n := one(t, db, "SELECT count(*) FROM seen WHERE timestamp IS NULL"); n != 0 {
		t.Errorf("%d labels have no row at or before them", n)
	}
	var same []string
	for _, days := range []int{7, 30} {
		for _, f := range features() {
			column := fmt.Sprintf("%s_over_%d_days_rolling_windows", f.name, days)
			same = append(same, fmt.Sprintf("%q", column))
			equal := fmt.Sprintf("s.%[1]q IS NOT DISTINCT FROM w.%[1]q", column)
			if !strings.Contains(f.name, "count") && !strings.Contains(f.name, "dest") {
				equal += fmt.Sprintf(" OR coalesce(abs(s.%[1]q - w.%[1]q) <= 1e-12 * greatest(abs(s.%[1]q), abs(w.%[1]q)), false)", column)
			}
			if n := one(t, db, fmt.Sprintf("SELECT count(*) FROM seen s JOIN oracle w USING (tailnum, e) WHERE NOT (%s)", equal)); n != 0 {
				t.Errorf("%s: %d of %d labels differ", column, n, labels)
			}
			if n := one(t, db, fmt.Sprintf("SELECT count(%q) FROM ours", column)); n == 0 {
				t.Errorf("%s is null everywhere", column)
			}
		}
	}
	row := "row(" + strings.Join(same, ", ") + ")"
	if n := one(t, db, fmt.Sprintf("SELECT count(*) FROM (SELECT %[1]s IS NOT DISTINCT FROM lag(%[1]s) OVER (PARTITION BY tailnum ORDER BY timestamp) AND row_number() OVER (PARTITION BY tailnum ORDER BY timestamp) > 1 AS twice FROM ours) WHERE twice", row)); n != 0 {
		t.Errorf("%d rows repeat the row before them", n)
	}
}

// oracle computes, for every aircraft and every midnight after its first
// departure, the features of the two windows that end there.
func oracle(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	must(t, db, "SET TimeZone = 'UTC'")
	must(t, db, "SET threads = 2")
	must(t, db, `CREATE TABLE events AS
		SELECT tailnum, strptime(time_hour, '%Y-%m-%dT%H:%M:%SZ') AS t, dep_delay, distance, dest,
		  greatest(0, dep_delay - 15) / (1 + coalesce(wind_speed, 0) / 10) AS delay_score
		FROM read_parquet('data/flights.parquet') AS f LEFT JOIN read_parquet('data/weather.parquet') AS w USING (origin, time_hour)
		WHERE tailnum IS NOT NULL`)
	// greatest() skips nulls: a cancelled flight has no score.
	must(t, db, "UPDATE events SET delay_score = NULL WHERE dep_delay IS NULL")
	must(t, db, `CREATE TABLE labels AS
		SELECT tailnum, unnest(range(date_trunc('day', min(t)) + INTERVAL 1 DAY, (SELECT date_trunc('day', max(t)) + INTERVAL 2 DAY FROM events), INTERVAL 1 DAY)) AS e
		FROM events GROUP BY tailnum`)
	join := "SELECT tailnum, e FROM labels"
	for _, days := range []int{7, 30} {
		var columns []string
		for _, f := range features() {
			columns = append(columns, fmt.Sprintf("%s AS \"%s_over_%d_days_rolling_windows\"", f.sql, f.name, days))
		}
		must(t, db, fmt.Sprintf(`CREATE TABLE w%[1]d AS SELECT l.tailnum, l.e, %[2]s
			FROM labels l JOIN events v ON v.tailnum = l.tailnum AND v.t >= l.e - INTERVAL %[1]d DAY AND v.t < l.e
			GROUP BY ALL`, days, strings.Join(columns, ", ")))
	}
	must(t, db, "CREATE TABLE oracle AS SELECT * FROM ("+join+") LEFT JOIN w7 USING (tailnum, e) LEFT JOIN w30 USING (tailnum, e)")
	// Over no rows a count is 0 and everything else null.
	for _, days := range []int{7, 30} {
		must(t, db, fmt.Sprintf(`UPDATE oracle SET "dep_delay__count_over_%[1]d_days_rolling_windows" = 0 WHERE "dep_delay__count_over_%[1]d_days_rolling_windows" IS NULL`, days))
	}
	must(t, db, "ALTER TABLE oracle ALTER e TYPE TIMESTAMPTZ")
	return db
}

func must(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func one(t *testing.T, db *sql.DB, query string) int64 {
	t.Helper()
	var n int64
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
