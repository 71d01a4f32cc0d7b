package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestManual_EveryCommandOfOperations_Runs: each command that docs/operations.md
// shows succeeds on a pipeline with some days of data, without the flags in
// brackets and with them.
func TestManual_EveryCommandOfOperations_Runs(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes, one after the other")
	}
	t.Parallel()
	w := newWorld(t)
	w.pipeline(append(incremental(), "# stage", "[[stage]]\nuse = \"hostile\"\non_error = \"dead_letter\"\nconfig = { mode = \"poison_data\" }")...)
	w.write("plugins/hostile.wasm", hostilePlugin(t, "map"))
	w.events(3, 5)
	w.write("events.csv", w.read("events.csv")+"1,2024-01-02T05:30:00Z,13\n")
	// For --missing, which begins at a day that the ledger knows, and for a letter,
	// whose cause is mended then.
	w.good("run", "p.toml", "--date", "2024-01-02", "--quiet")
	w.mend()
	shown := regexp.MustCompile("(?m)(?:^|`)featurehost ([a-z]+ [^`\n]+)").FindAllStringSubmatch(read(t, "../../docs/operations.md"), -1)
	if len(shown) < 6 {
		t.Fatalf("the page shows %d commands: where are the others?", len(shown))
	}
	values := strings.NewReplacer("PIPELINE.toml", "p.toml", "--start D", "--start 2024-01-02", "--end D", "--end 2024-01-04", "KEY", "1", "NAME", "online",
		"DIR", "plugins", "RUN", "1", "STAGE", "hostile", "FILE", "rows.ndjson", "--limit N", "--limit 3")
	for _, m := range shown {
		for _, flags := range []string{"", "$1"} {
			if flags != "" && !strings.Contains(m[1], "[") {
				continue
			}
			args := strings.Fields(values.Replace(regexp.MustCompile(`\[([^]]*)\]`).ReplaceAllString(m[1], flags)))
			if joined := strings.Join(args, " "); strings.Contains(joined, "--missing") && !strings.Contains(joined, "--end") {
				args = append(args, "--end", "2024-01-04") // not up to yesterday
			}
			w.good(args...)
		}
	}
	w.clean()
}
