package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestRun_BadPipeline_RefusedBeforeTheFirstRow: what is wrong in the pipeline
// file ends in status 2, says where, and changes nothing.
func TestRun_BadPipeline_RefusedBeforeTheFirstRow(t *testing.T) {
	t.Parallel()
	w := ran(t)
	w.write("other.csv", "id,secret\n1,2\n")
	w.write("plugins/delay_score.wasm", read(t, "../../plugins/delay_score_c/delay_score_c.wasm"))
	for _, c := range []struct {
		name string
		edit []string
		says []string
	}{
		{"misspelt key", []string{"[feature_set]", "[feature_set]\nsemantic = \"featurehost\""}, []string{"p.toml:15:1", "FH-0103", `did you mean "semantics"?`}},
		{"unknown plugin", []string{"# stage", "[[stage]]\nuse = \"delay_scoer_c\""}, []string{"p.toml:14:7", "FH-0201", `did you mean "delay_score_c"?`}},
		{"missing file", []string{"events.csv", "event.csv"}, []string{"p.toml:9:8", "FH-7500", "event.csv"}},
		{"sql syntax", []string{"# query", "[query]\nsql = \"SELECT * FORM events\""}, []string{"p.toml:13:7", "FH-7100", "SELECT * FORM events", "^"}},
		{"sql reads another file", []string{"# query", "[query]\nsql = \"SELECT id, ts, secret AS amount FROM 'other.csv'\""}, []string{"p.toml:13:7", "FH-7108", "other.csv", "tables are the readers: events"}},
		{"sql reads by function", []string{"# query", "[query]\nsql = \"SELECT * FROM read_csv('other.csv')\""}, []string{"FH-7107"}},
		{"sql writes", []string{"# query", "[query]\nsql = \"COPY events TO 'x.csv'\""}, []string{"FH-7107"}},
		{"two features of one name", []string{"[[sink]]\ntype = \"historical\"", "[[feature_set.feature]]\nname = \"amount\"\naggregate = [\"sum\"]\n[[sink]]\ntype = \"historical\""}, []string{"FH-0106", "amount"}},
		{"slide longer than the window", []string{`slide = "1 day"`, `slide = "3 days"`}, []string{"p.toml:19", "slide"}},
		{"column missing", []string{`name = "amount"`, `name = "amuont"`}, []string{"FH-7001", "amuont", `did you mean "amount"?`}},
		{"unknown function", []string{`"count", "sum"`, `"count", "smu"`}, []string{"FH-0111", `did you mean "sum"?`}},
		{"key of a type it cannot have", []string{`type = "bigint"`, `type = "bigimt"`}, []string{"FH-0108", `did you mean "bigint"?`}},
		{"filter without sense", []string{"# prepare", "[[reader.prepare]]\nuse = \"filter\"\nwhere = \"amount +\""}, []string{"FH-7100"}},
		{"filter on no column", []string{"# prepare", "[[reader.prepare]]\nuse = \"filter\"\nwhere = \"amoumt > 1\""}, []string{"FH-7101", `did you mean "amount"?`}},
		{"not toml", []string{"[feature_set]", "[feature_set"}, []string{"p.toml:", "FH-0101"}},
		{"no such variable", []string{"events.csv", "${EVENTS_FILE}"}, []string{"FH-0109", "EVENTS_FILE"}},
		{"a text timestamp without a mask", []string{`from = "ts"`, `from = "id"`}, []string{"timestamp"}},
		{"a window of nothing", []string{`"2 days"`, `"0 days"`}, []string{"FH-0107"}},
		{"too little memory", []string{`name = "spend"

[[reader]]`, `name = "spend"
memory = "1MiB"
[[reader]]`}, []string{"memory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t, w.dir, w.tmp, w.env}
			w.pipeline(c.edit...)
			w.refused(2, c.says, "run", "p.toml")
			w.refused(2, c.says, "check", "p.toml")
		})
	}
	t.Run("no pipeline file", func(t *testing.T) {
		w := &world{t, w.dir, w.tmp, w.env}
		w.refused(2, []string{"FH-0113", "nothing.toml"}, "run", "nothing.toml")
	})
	t.Run("the pipeline file is a folder", func(t *testing.T) {
		w := &world{t, w.dir, w.tmp, w.env}
		w.refused(2, []string{"FH-0113"}, "run", "plugins")
	})
	for _, flags := range [][]string{
		{"--start", "2024-01-03", "--end", "2024-01-02"}, {"--start", "2024-01-03"}, {"--date", "2024-13-01"}, {"--date", "yesterday"},
		{"--date", "2024-01-01", "--end", "2024-01-02"}, {"--memory", "much"}, {"--dryrun"}, {"extra"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			w := &world{t, w.dir, w.tmp, w.env}
			w.pipeline()
			w.refused(2, []string{"FH-0151"}, append([]string{"run", "p.toml"}, flags...)...)
		})
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRun_BadData_NothingWritten: what is wrong in the data ends in status 1,
// says which line or file, and changes nothing.
func TestRun_BadData_NothingWritten(t *testing.T) {
	t.Parallel()
	var late strings.Builder
	late.WriteString("id,ts,amount\n")
	for i := 2; i <= 80_000; i++ {
		amount := "1.5"
		if i == 70_001 {
			amount = "1.5x"
		}
		fmt.Fprintf(&late, "%d,2024-01-02T03:04:05Z,%s\n", i%100, amount)
	}
	w := ran(t)
	parquet := w.files(func(p string) bool { return strings.HasSuffix(p, ".parquet") })
	one, _, _ := strings.Cut(strings.TrimPrefix(parquet, "/"), " ")
	whole := w.read(one)
	fromParquet := []string{"events.csv", "bad.parquet", `format = "csv"`, `format = "parquet"`, `from = "ts"`, `from = "timestamp"`, `name = "amount"`, "name = \"amount\"\nfrom = \"amount__sum_over_2_days_rolling_windows\""}
	for _, c := range []struct {
		name, file, text string
		edit             []string
		status           int
		says             []string
	}{
		{"a bad number in line 70001", "bad.csv", late.String(), []string{"events.csv", "bad.csv", `format = "csv"`, `format = "csv"
schema = { id = "bigint", ts = "timestamp", amount = "double" }`}, 1, []string{"bad.csv:70001", "amount", "1.5x"}},
		{"a bad number, types guessed", "bad.csv", late.String(), []string{"events.csv", "bad.csv"}, 1, []string{"bad.csv:70001", "amount", "1.5x"}},
		{"too many fields", "bad.csv", "id,ts,amount\n1,2024-01-01T00:00:00Z,1\n1,2024-01-01T00:00:00Z,1,2\n", []string{"events.csv", "bad.csv", `format = "csv"`, `format = "csv"
schema = { id = "bigint", ts = "timestamp", amount = "double" }`}, 1, []string{"bad.csv:3"}},
		{"json cut off", "bad.jsonl", "{\"id\":1,\"ts\":\"2024-01-01T00:00:00Z\",\"amount\":1}\n{\"id\":1,\"ts\":", []string{"events.csv", "bad.jsonl", `format = "csv"`, `format = "json"
schema = { id = "bigint", ts = "timestamp", amount = "double" }`}, 1, []string{"bad.jsonl"}},
		{"parquet of a text", "bad.parquet", "id,ts\n", fromParquet, 1, []string{"FH-7530", "bad.parquet"}},
		{"parquet without its end", "bad.parquet", whole[:len(whole)/2], fromParquet, 1, []string{"FH-7530", "bad.parquet"}},
		{"parquet with a wrong page", "bad.parquet", flipped(whole, 8), fromParquet, 1, []string{"FH-7530", "bad.parquet"}},
		{"parquet of nothing", "bad.parquet", "", fromParquet, 1, []string{"FH-7530", "bad.parquet"}},
		{"no rows at all", "bad.csv", "id,ts,amount\n", []string{"events.csv", "bad.csv", `format = "csv"`, `format = "csv"
schema = { id = "bigint", ts = "timestamp", amount = "double" }`}, 1, []string{"FH-7540", "allow_empty"}},
		{"no rows and no types", "bad.csv", "id,ts,amount\n", []string{"events.csv", "bad.csv"}, 2, []string{"p.toml:23:23", "FH-7016", "schema"}},
		{"too few fields, types guessed", "bad.csv", "id,ts,amount\n1,2024-01-01T00:00:00Z\n", []string{"events.csv", "bad.csv"}, 1, []string{"bad.csv:2", "FH-7531", "expected 3 found: 2"}},
		{"too many fields, types guessed", "bad.csv", "id,ts,amount\n1,2024-01-01T00:00:00Z,1\n1,2024-01-01T00:00:00Z,1,2\n", []string{"events.csv", "bad.csv"}, 1, []string{"bad.csv:3", "FH-7531", "expected 3 found: 4"}},
		{"every row rejected", "bad.csv", "id,ts,amount\n,2024-01-02T03:04:05Z,1\n,2024-01-02T03:04:06Z,2\n", []string{"events.csv", "bad.csv", `format = "csv"`, `format = "csv"
schema = { id = "bigint", ts = "timestamp", amount = "double" }`}, 1, []string{"FH-7540"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t, w.dir, w.tmp, w.env}
			w.write(c.file, c.text)
			w.pipeline(c.edit...)
			w.refused(c.status, c.says, "run", "p.toml")
		})
	}
}

// flipped turns some bytes of the first pages around.
func flipped(s string, from int) string {
	b := []byte(s)
	for i := from; i < from+40 && i < len(b); i++ {
		b[i] ^= 0xff
	}
	return string(b)
}
