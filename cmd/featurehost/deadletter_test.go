package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	arrowmemory "github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/host/hosttest"
)

// fragile is a world whose plugin fails on rows with amount 13, in a way of its
// own, and has turned some down.
func fragile(t *testing.T, mode string) *world {
	t.Helper()
	w := newWorld(t)
	w.write("plugins/hostile.wasm", hostilePlugin(t, "map"))
	w.write("events.csv", "id,ts,amount\n1,2024-01-01T10:00:00Z,13\n2,2024-01-01T10:00:00Z,1.5\n3,2024-01-02T10:00:00Z,13\n")
	w.pipeline("# stage", "[[stage]]\nuse = \"hostile\"\non_error = \"dead_letter\"\nlimits = { fuel_per_row = 2000 }\nconfig = { mode = \""+mode+"\" }")
	w.good("run", "p.toml")
	return w
}

func (w *world) mend() {
	w.Helper()
	text := w.read("p.toml")
	at := strings.Index(text, "mode = \"")
	end := at + len("mode = \"") + strings.Index(text[at+len("mode = \""):], "\"")
	w.write("p.toml", text[:at]+"mode = \"good"+text[end:])
}

// Whatever way a plugin fails: the letters name it, a replay with the plugin as
// it was fails again, one with a mended plugin gives the rows, and neither touches
// a store or a letter.
func TestReplay_AnyFailure_RowsComeBackAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	for mode, code := range map[string]string{"poison": "FH-3002", "poison_data": "FH-3001", "poison_spin": "FH-3003"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := fragile(t, mode)
			everything := func() string {
				return w.files(func(p string) bool { return !strings.Contains(p, "/scratch/") && !strings.HasSuffix(p, "p.toml") })
			}
			before := everything()
			o := w.command("deadletter", "replay", "p.toml", "--stage", "hostile", "--out", "rows.ndjson")
			if o.status != 1 || !strings.Contains(o.stdout, code) || !strings.Contains(o.stdout, "2 fail again") {
				t.Errorf("exit %d\n%s%s", o.status, o.stdout, o.stderr)
			}
			w.mend()
			o = w.good("deadletter", "replay", "p.toml", "--stage", "hostile")
			if !strings.Contains(o.stdout, "2 pass") {
				t.Errorf("%s", o.stdout)
			}
			if after := everything(); after != before {
				t.Errorf("files changed\nfrom\n%s\nto\n%s", before, after)
			}
			w.good("deadletter", "replay", "p.toml", "--stage", "hostile", "--out", "rows.ndjson")
			want := `{"id":1,"ts":"2024-01-01T10:00:00Z","amount":13,"y":26}` + "\n" + `{"id":3,"ts":"2024-01-02T10:00:00Z","amount":13,"y":26}` + "\n"
			if got := w.read("rows.ndjson"); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			w.good("deadletter", "replay", "p.toml", "--stage", "hostile", "--out", "rows.parquet")
			if got := parquetText(t, w.path("rows.parquet")); got != "1 | 2024-01-01T10:00:00Z | 13 | 26\n3 | 2024-01-02T10:00:00Z | 13 | 26\n" {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// parquetText is a Parquet file as rows.
func parquetText(t *testing.T, path string) string {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	table, err := pqarrow.ReadTable(t.Context(), in, nil, pqarrow.ArrowReadProperties{}, arrowmemory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	rows := array.NewTableReader(table, 0)
	defer rows.Release()
	var out string
	for rows.Next() {
		out += hosttest.Text(rows.RecordBatch())
	}
	return out
}

// What to do with mended rows: the interval again, which gives what a run
// without the failure would have given.
func TestReplay_ThenRunTheInterval_AsIfNothingHadFailed(t *testing.T) {
	t.Parallel()
	w := fragile(t, "poison")
	w.mend()
	w.good("run", "p.toml", "--date", "2024-01-03")
	w.good("run", "p.toml", "--start", "2024-01-01", "--end", "2024-01-02")
	whole := newWorld(t)
	for _, f := range []string{"p.toml", "events.csv", "plugins/hostile.wasm"} {
		whole.write(f, w.read(f))
	}
	whole.good("run", "p.toml")
	rows := func(w *world) string { return w.good("get", "p.toml", "1", "2", "3").stdout }
	if got, want := rows(w), rows(whole); got != want || !strings.Contains(got, "13") {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// The letters of then are still there, to be dropped by name.
	if o := w.good("deadletter", "list", "p.toml"); !strings.Contains(o.stdout, "2 rejected rows") {
		t.Errorf("%s", o.stdout)
	}
}

func TestReplay_OutCannotBeWritten_SaysSo(t *testing.T) {
	t.Parallel()
	w := fragile(t, "poison_data")
	w.mend()
	w.says(w.command("deadletter", "replay", "p.toml", "--stage", "hostile", "--out", "nowhere/rows.parquet"), 3, "FH-8074", "nowhere")
}

// What came from the environment is hidden, also in letters that hold it, as those
// of an earlier build do.
func TestShow_MessageHoldsSecret_Hidden(t *testing.T) {
	t.Parallel()
	w := fragile(t, "poison_data") // which says "13 is unlucky"
	w.write("p.toml", strings.Replace(w.read("p.toml"), `"events.csv"`, `"${WORD}.csv"`, 1))
	w.env = append(w.env, "WORD=is unlucky")
	for _, more := range [][]string{nil, {"--json"}} {
		o := w.good(append([]string{"deadletter", "show", "p.toml"}, more...)...)
		if strings.Contains(o.stdout, "unlucky") || strings.Count(o.stdout, "13 ${WORD}") != 2 {
			t.Errorf("%q\n%s", more, o.stdout)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0 s ago", 59 * time.Second: "59 s ago", time.Minute: "1 min ago", 3 * time.Hour: "3 h ago", 50 * time.Hour: "2 d ago"} {
		if got := age(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
