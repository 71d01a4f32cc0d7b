package main

import (
	"os"
	"testing"
)

// Every door of a pipeline is closed to a plugin that is not the locked one, and
// nothing is written by trying.
func TestLock_ChangedPlugin_EveryVerbRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.events(2, 2)
	w.pipeline("# stage", "[[stage]]\nuse = \"ratio\"\nconfig = { over = \"amount\", under = \"amount\", into = \"one\" }")
	module := read(t, "../../plugins/ratio/ratio.wasm")
	w.write("plugins/ratio.wasm", module)
	w.good("plugin", "lock")
	w.good("check", "p.toml")
	// A custom section changes what the plugin is, and nothing of what it does.
	w.write("plugins/ratio.wasm", module+"\x00\x03\x01xy")
	for _, args := range [][]string{
		{"check", "p.toml"}, {"plan", "p.toml"}, {"run", "p.toml"}, {"run", "p.toml", "--dry-run"}, {"run", "p.toml", "--date", "2024-01-01"},
		{"run", "p.toml", "--missing", "--start", "2024-01-01", "--end", "2024-01-02"}, {"plan", "p.toml", "--missing", "--start", "2024-01-01", "--end", "2024-01-02"},
		{"migrate", "p.toml"},
	} {
		w.refused(2, []string{"FH-1010", "plugins/ratio.wasm", "plugins.lock", "`featurehost plugin lock`"}, args...)
	}
	w.good("plugin", "lock")
	w.good("run", "p.toml")
	w.write("plugins/ratio.wasm", module)
	w.refused(2, []string{"FH-1010"}, "run", "p.toml")
	if err := os.Remove(w.path("plugins.lock")); err != nil {
		t.Fatal(err)
	}
	w.good("run", "p.toml")
}
