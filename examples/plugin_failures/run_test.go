package plugin_failures

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// copied copies the files of the example, and the data that it reads, into a
// folder of the test's own.
func copied(t *testing.T) (dir string) {
	t.Helper()
	root := t.TempDir()
	dir = filepath.Join(root, "plugin_failures")
	for _, name := range []string{
		"failures.toml", "plugins.lock", "run.sh", "plugins/lost_hours/lost_hours.wasm", "plugins/lost_hours/manifest.json", "../flights/data/flights.parquet",
	} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestScript_Walk_AsTheReadmeSays runs run.sh. Every command of README.md is one
// of the script's, and what README.md shows of an answer is in it.
func TestScript_Walk_AsTheReadmeSays(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	program := filepath.Join(t.TempDir(), "featurehost")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/featurehost").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("sh", "run.sh")
	cmd.Dir = copied(t)
	cmd.Env = append(os.Environ(), "FEATUREHOST="+program)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	told := plain(string(out))
	n := 0
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$").FindAllStringSubmatch(string(readme), -1) {
		if m[1] != "" { // not what a command told
			continue
		}
		for _, line := range strings.Split(m[2], "\n") {
			if line = plain(line); line == "" || line == "..." {
				continue
			}
			n++
			if !strings.Contains(told, line) {
				t.Errorf("README.md shows %q, and run.sh printed\n%s", line, out)
				return
			}
		}
	}
	if n < 40 {
		t.Errorf("README.md shows %d lines: where are the others?", n)
	}
}

// plain puts what differs from run to run into words, and all space into one.
func plain(text string) string {
	for _, x := range [][2]string{
		{`0000(\d\d)-[0-9a-f]{8}`, "0000$1-ID"},
		{`(sha256:[0-9a-f]{12}\)), .*?: (FH-\d{4}: the plugin)`, "$1, PLACE: $2"},
		{`in \S*/dead_letter`, "in DIR/dead_letter"},
		{`written in \S+`, "written in TIME"},
		{`\d+ (s|min) ago`, "AGE"},
		{`\d\.\d{3} +[\d,]+`, "TIMES"},
		{`[ \t]+`, " "},
	} {
		text = regexp.MustCompile(x[0]).ReplaceAllString(text, x[1])
	}
	return strings.TrimSpace(text)
}

// The committed module fails on the same rows as one built from its source now,
// where there is a compiler, and gives the others the same values.
func TestPlugin_Rebuilt_SameRows(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles C")
	}
	if _, err := exec.LookPath("clang"); err != nil {
		hosttest.Missing(t, "there is no clang")
	}
	out := filepath.Join(t.TempDir(), "x.wasm")
	if text, err := exec.Command("sh", "plugins/lost_hours/build.sh", out).CombinedOutput(); err != nil {
		hosttest.Missing(t, "clang cannot build for wasm32-wasi here: "+string(text))
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile("plugins/lost_hours/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	packed, err := abi.Pack(code, manifest)
	if err != nil {
		t.Fatal(err)
	}
	dir := copied(t)
	first, rejected := january(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "plugins/lost_hours/lost_hours.wasm"), packed, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "plugins.lock")); err != nil {
		t.Fatal(err)
	}
	if again, n := january(t, dir); !slices.Equal(first, again) || rejected != 2 || n != 2 {
		t.Errorf("%d rows and %d rejected of the committed module, %d and %d of its source", len(first), rejected, len(again), n)
	}
}

// january gives the rows of the table, and how many the plugin failed on.
func january(t *testing.T, dir string) (rows []string, rejected int64) {
	t.Helper()
	file, err := config.Load(filepath.Join(dir, "failures.toml"), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	file.Stages[0].OnError = "dead_letter"
	catalog := &parts.Catalog{}
	builtins.Register(catalog)
	connectors.Register(catalog)
	h, err := host.New(file, host.Options{Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	interval, err := flow.ParseInterval("2013-01-01", "2013-01-31")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	report, err := h.Run(t.Context(), host.RunOptions{
		Interval: interval, DryRun: true, Again: func() { rows = nil },
		Preview: func(b flow.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			rows = append(rows, strings.Split(hosttest.Text(b.Record), "\n")...)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rows)
	return rows, report.Rejected["FH-3001"]
}
