package flights_services_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
)

// truth is the table of the embedded run, in DuckDB.
type truth struct {
	db *sql.DB
}

func openDuckDB(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newTruth(t testing.TB, table string) *truth {
	t.Helper()
	tr := &truth{openDuckDB(t)}
	tr.must(t, "SET TimeZone = 'UTC'")
	tr.must(t, "SET threads = 2")
	tr.must(t, "CREATE TABLE truth AS "+parquet(table))
	return tr
}

func parquet(folder string) string {
	return fmt.Sprintf("SELECT * FROM read_parquet('%s/**/*.parquet', hive_partitioning = false)", folder)
}

func (tr *truth) must(t testing.TB, statement string) {
	t.Helper()
	if _, err := tr.db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (tr *truth) rows() int64 {
	var n int64
	if err := tr.db.QueryRow("SELECT count(*) FROM truth").Scan(&n); err != nil {
		return -1
	}
	return n
}

// days lists the partitions that have rows, as a metastore names them.
func (tr *truth) days(t testing.TB) []string {
	t.Helper()
	rows, err := tr.db.Query("SELECT DISTINCT format('year={}/month={}/day={}', year(timestamp), month(timestamp), day(timestamp)) AS d FROM truth ORDER BY d")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// sameAs compares all rows with those of Parquet files, both ways and with
// their multiplicity.
func (tr *truth) sameAs(t *testing.T, folder string) {
	t.Helper()
	tr.must(t, "CREATE OR REPLACE TABLE theirs AS "+parquet(folder))
	for _, q := range []string{"truth EXCEPT ALL FROM theirs", "theirs EXCEPT ALL FROM truth"} {
		var n int64
		if err := tr.db.QueryRow("SELECT count(*) FROM (FROM " + q + ")").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			t.Errorf("%d rows in FROM %s", n, q)
		}
	}
}

// newestIn compares the newest row of each aircraft with the table in Cassandra.
func (tr *truth) newestIn(t *testing.T, s *stage) {
	t.Helper()
	want := map[string]map[string]any{}
	rows, err := tr.db.Query(`
		SELECT tailnum, to_json(n)::VARCHAR FROM (
			SELECT * REPLACE (strftime(timestamp, '%Y-%m-%d %H:%M:%S.%gZ') AS timestamp) FROM truth
			QUALIFY row_number() OVER (PARTITION BY tailnum ORDER BY truth.timestamp DESC) = 1) AS n`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var columns []string
	for rows.Next() {
		var tailnum, text string
		if err := rows.Scan(&tailnum, &text); err != nil {
			t.Fatal(err)
		}
		want[tailnum] = object(t, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, row := range want {
		for c := range row {
			columns = append(columns, c)
		}
		break
	}
	slices.Sort(columns)
	got, wrong := 0, 0
	s.cassandraRows(columns, func(text string) {
		row := object(t, text)
		got++
		if tailnum, _ := row["tailnum"].(string); !reflect.DeepEqual(row, want[tailnum]) {
			if wrong++; wrong <= 3 {
				t.Errorf("Cassandra has\n%v\nand the newest row is\n%v", row, want[tailnum])
			}
		}
	})
	if got != len(want) || got == 0 || wrong > 0 {
		t.Errorf("Cassandra has %d rows, %d of them wrong; there are %d aircraft", got, wrong, len(want))
	}
}

// object reads JSON whose numbers are those of doubles and small integers.
func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

// month is what a server says about the rows of one partition of the year.
type month struct {
	Year, Month, Rows, Aircraft, Miles int64
	Worst                              float64
}

// monthsSQL is the question, in words that Hive, Spark and DuckDB share.
func monthsSQL(table string) string {
	return "SELECT `year`, `month`, count(*) AS row_count, count(DISTINCT tailnum) AS aircraft, sum(distance__sum_over_7_days_rolling_windows) AS miles, " +
		"max(score__max_over_30_days_rolling_windows) AS worst FROM " + table + " GROUP BY `year`, `month`"
}

func (tr *truth) sameMonths(t *testing.T, got []month) {
	t.Helper()
	rows, err := tr.db.Query(`
		SELECT year(timestamp), month(timestamp), count(*), count(DISTINCT tailnum), sum(distance__sum_over_7_days_rolling_windows)::BIGINT,
			max(score__max_over_30_days_rolling_windows) FROM truth GROUP BY ALL`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var want []month
	for rows.Next() {
		var m month
		if err := rows.Scan(&m.Year, &m.Month, &m.Rows, &m.Aircraft, &m.Miles, &m.Worst); err != nil {
			t.Fatal(err)
		}
		want = append(want, m)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	order := func(a, b month) int { return int(a.Year*12 + a.Month - b.Year*12 - b.Month) }
	slices.SortFunc(want, order)
	slices.SortFunc(got, order)
	if !slices.Equal(got, want) {
		t.Errorf("the server says\n%v\nand the rows are\n%v", got, want)
	}
}
