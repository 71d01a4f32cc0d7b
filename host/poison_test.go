package host_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
)

// poisoned is a plugin with column y = 2 x that fails, in the way its config
// names, on every batch that holds a 13.
func poisoned(t testing.TB, dir string) {
	t.Helper()
	code, err := os.ReadFile("../conformance/hostile/guests/hostile.wasm")
	if err != nil {
		t.Fatal(err)
	}
	w, err := abi.Pack(code, []byte(`{"abi":"1.0","name":"poisoned","version":"1.2.3","kind":"map",
		"input":{"columns":[{"name":"x","type":"float64","nullable":true}]},"output":{"mode":"init"},
		"config_schema":{"type":"object","properties":{"mode":{"type":"string","default":"good"}},"additionalProperties":false},
		"stateful":false,"deterministic":true}`))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"plugins/poisoned.wasm": string(w)})
}

// eventRow is one row of a random file; its id is its number.
type eventRow struct {
	x      int
	noDate bool
}

// randomEvents draws rows of which some are poison, some are filtered (7) and
// some have no timestamp.
func randomEvents(rng *rand.Rand) (rows []eventRow, text string) {
	var b strings.Builder
	b.WriteString("id,ts,x\n")
	often := []float64{0, 0.005, 0.05, 0.5, 1}[rng.IntN(5)]
	for i := range 1 + rng.IntN(600) {
		r := eventRow{x: rng.IntN(12), noDate: rng.IntN(40) == 0}
		if rng.Float64() < often {
			r.x = 13
		}
		ts := "2024-01-01T10:00:00Z"
		if r.noDate {
			ts = ""
		}
		rows = append(rows, r)
		fmt.Fprintf(&b, "%d,%s,%d\n", i, ts, r.x)
	}
	return rows, b.String()
}

// poisonCase is where a failing plugin stands in a pipeline, and what is done
// about it.
type poisonCase struct {
	place, mode, policy string
	batch, workers      int
	filter              bool // a filter stands in front of all
}

func (c poisonCase) pipeline() string {
	stage := fmt.Sprintf("use = \"poisoned\"\nconfig = { mode = %q }\non_error = %q\nlimits = { fuel_per_row = 1000, fuel_base = 100000 }\ncircuit = { rejected = 1.0, failures = 1000000 }\n", c.mode, c.policy)
	at := func(place, head string) string {
		if place != c.place {
			return ""
		}
		return head + stage
	}
	feature := "y"
	if c.place == "sink" {
		feature = "x"
	}
	filter, query := "", ""
	if c.filter {
		filter = "[[reader.prepare]]\nuse = \"filter\"\nwhere = \"x <> 7\"\n"
	}
	if strings.HasPrefix(c.place, "query") {
		query = "[query]\nsql = \"SELECT * FROM events\"\n"
	}
	return head(fmt.Sprintf("workers = %d\nbatch_rows = %d\n", c.workers, c.batch)) + `
[[reader]]
id = "events"
type = "file"
path = "events.csv"
format = "csv"
schema = { id = "bigint", ts = "timestamp", x = "double" }
` + filter + at("prepare", "[[reader.prepare]]\n") + at("query behind", "[[reader.prepare]]\n") + query + at("stage", "[[stage]]\n") + at("query", "[[stage]]\n") + `
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "` + feature + `"
type = "double"
[[sink]]
type = "historical"
path = "out"
allow_empty = true
` + at("sink", "[[sink.stage]]\n")
}

// Whatever a plugin does to its rows, every row that came in is filtered,
// rejected with a letter, skipped and counted, or used (S-1608, ABI-W-071); no
// poison comes out, no row is in two places, and a row beside poison in a batch
// suffers only where the batch was given up.
func TestRun_FailingPlugin_EveryRowAccountedFor(t *testing.T) {
	cases := 16
	if testing.Short() {
		cases = 5
	}
	for seed := range uint64(cases) {
		rng := rand.New(rand.NewPCG(seed, 1))
		pick := func(list ...string) string { return list[rng.IntN(len(list))] }
		c := poisonCase{
			place: pick("prepare", "stage", "query", "query behind", "sink"), mode: pick("poison", "poison_data", "poison_spin", "good"),
			policy: pick("dead_letter", "skip"), batch: []int{1, 16, 64, 8192}[rng.IntN(4)], workers: 1 + rng.IntN(3), filter: rng.IntN(2) == 0,
		}
		rows, text := randomEvents(rng)
		t.Run(fmt.Sprintf("%d: %d rows, %+v", seed, len(rows), c), func(t *testing.T) {
			dir := t.TempDir()
			poisoned(t, dir)
			write(t, dir, map[string]string{"events.csv": text})
			h := opened(t, dir, c.pipeline(), host.Options{})
			report, err := h.Run(t.Context(), host.RunOptions{})
			if err != nil {
				t.Fatal(err)
			}
			c.balances(t, rows, report)
			c.letters(t, dir, rows, report)
		})
	}
}

func total(counts map[string]int64) (n int64) {
	for _, v := range counts {
		n += v
	}
	return n
}

// balances holds the summary against the rows.
func (c poisonCase) balances(t *testing.T, rows []eventRow, r *host.Report) {
	t.Helper()
	var filtered, dateless, poison int64
	for _, row := range rows {
		switch {
		case c.filter && row.x == 7:
			filtered++
		case row.x == 13 && c.mode != "good" && (c.place != "sink" || !row.noDate):
			poison++
		case row.noDate:
			dateless++
		}
	}
	in := int64(len(rows))
	failed := r.Rejected["FH-3001"] + r.Rejected["FH-3002"] + r.Rejected["FH-3003"] + r.Rejected["not_tried"] + total(r.Skipped)
	used := in - filtered - r.Rejected["null_timestamp"] - failed
	if c.place == "sink" { // behind the feature table
		used += failed
	}
	switch {
	case c.place == "query behind" && r.Query != in-filtered-failed, c.place == "query" && r.Query != in-filtered:
		t.Errorf("the query gave %d rows of %d, %d are filtered, %d failed", r.Query, in, filtered, failed)
	case !strings.HasPrefix(c.place, "query") && total(r.Filtered) != filtered:
		t.Errorf("%v filtered, want %d", r.Filtered, filtered)
	}
	if r.Used != used || r.Features.Rows != used {
		t.Errorf("%d used and %d features of %d rows: %d filtered, %v rejected, %v skipped", r.Used, r.Features.Rows, in, filtered, r.Rejected, r.Skipped)
	}
	if (total(r.Skipped) > 0) != (c.policy == "skip" && poison > 0) {
		t.Errorf("%v skipped under %s", r.Skipped, c.policy)
	}
	// Up to 16 poison rows of a batch are found; behind them the rest is given up.
	fewest := c.batch <= 16 || poison <= 16
	if failed < poison || fewest && failed != poison || r.Rejected["null_timestamp"] > dateless || fewest && r.Rejected["null_timestamp"] != dateless {
		t.Errorf("%d failed of %d poison rows, %v rejected, %d without a timestamp", failed, poison, r.Rejected, dateless)
	}
	held := used
	if c.place == "sink" {
		held -= failed
	}
	if len(r.Sinks) != 1 || r.Sinks[0].Rows != held {
		t.Errorf("the sink holds %+v, want %d", r.Sinks, held)
	}
}

// letters holds the letters against the rows.
func (c poisonCase) letters(t *testing.T, dir string, rows []eventRow, r *host.Report) {
	t.Helper()
	f, err := config.Load(filepath.Join(dir, "p.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	box, err := host.Letters(f)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	seen := map[int64]bool{}
	err = box.Each(host.LetterChoice{}, func(l host.Letter) error {
		counts[l.Reason]++
		id := column(t, l.Row, "id").(*array.Int64).Value(0)
		if seen[id] {
			t.Errorf("row %d has two letters", id)
		}
		seen[id] = true
		if l.Stage == "feature_set" {
			return nil
		}
		tried := l.Reason != "not_tried"
		if tried && rows[id].x != 13 || l.Plugin != "poisoned@1.2.3" || l.Digest != r.Plugins[l.Plugin] || l.Message == "" || l.Run != r.RunID {
			t.Errorf("letter of row %d: %+v", id, l)
		}
		// What is left of a batch that was filtered, what a join made and the feature
		// table have no place in the source.
		known := (c.place == "prepare" || c.place == "stage" || c.place == "query behind") && !c.filter
		if (known || l.Object != "") && (filepath.Base(l.Object) != "events.csv" || l.SourceRow != id) {
			t.Errorf("row %d is said to come from %s, row %d", id, l.Object, l.SourceRow)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for reason, n := range r.Rejected {
		if counts[reason] != n {
			t.Errorf("%d letters for %s, the summary says %d", counts[reason], reason, n)
		}
	}
	if total(counts) != total(r.Rejected) {
		t.Errorf("letters %v, rejected %v", counts, r.Rejected)
	}
}

func column(t *testing.T, r flow.Record, name string) any {
	t.Helper()
	i := slices.IndexFunc(r.Schema().Fields(), func(f flow.Field) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no column %q in %v", name, r.Schema())
	}
	return r.Column(i)
}
