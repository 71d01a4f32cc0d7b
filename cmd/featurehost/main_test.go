package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

var update = flag.Bool("update", false, "rewrite what testdata/cli expects")

// asCommand makes the test binary behave as featurehost itself: the tests run
// it in processes of their own, with folders, limits and signals of their own.
const asCommand = "FEATUREHOST_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		os.Exit(m.Run())
	}
	os.Exit(doMain(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// world is a folder with a pipeline and its data, in which commands run.
type world struct {
	testing.TB
	dir, tmp string
	env      []string
}

// outcome is what a command left.
type outcome struct {
	stdout, stderr string
	status         int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	// A folder key=value above a pipeline and its state says nothing of its rows.
	w := &world{TB: t, dir: filepath.Join(t.TempDir(), "id=7"), tmp: t.TempDir()}
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.env = []string{
		asCommand + "=1", "TMPDIR=" + w.tmp, "HOME=" + w.tmp, "XDG_CACHE_HOME=" + sharedCache(), "PATH=" + os.Getenv("PATH"), "TZ=America/New_York",
	}
	return w
}

// sharedCache keeps compiled plugins from one test to the next.
func sharedCache() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("featurehost-test-cache-%d", os.Getuid()))
}

func (w *world) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

func (w *world) write(name, text string) {
	w.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
}

func (w *world) read(name string) string {
	w.Helper()
	b, err := os.ReadFile(w.path(name))
	if err != nil {
		w.Fatal(err)
	}
	return string(b)
}

// start begins a command; the caller waits for it.
func (w *world) start(args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	w.Helper()
	self, err := os.Executable()
	if err != nil {
		w.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	c := exec.Command(self, args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = w.dir, w.env, &stdout, &stderr
	if err := c.Start(); err != nil {
		w.Fatal(err)
	}
	return c, &stdout, &stderr
}

// command runs one command to its end.
func (w *world) command(args ...string) outcome {
	w.Helper()
	c, stdout, stderr := w.start(args...)
	return w.end(c, stdout, stderr)
}

func (w *world) end(c *exec.Cmd, stdout, stderr *bytes.Buffer) outcome {
	w.Helper()
	err := c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}
	if s, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		fmt.Fprintf(stderr, "ended by signal %v\n", s.Signal())
	}
	return outcome{stdout.String(), stderr.String(), c.ProcessState.ExitCode()}
}

// good runs a command that must succeed.
func (w *world) good(args ...string) outcome {
	w.Helper()
	o := w.command(args...)
	if o.status != 0 {
		w.Fatalf("featurehost %s: exit %d\n%s%s", strings.Join(args, " "), o.status, o.stdout, o.stderr)
	}
	return o
}

// says holds an outcome against a status and what the message must name.
func (w *world) says(o outcome, status int, parts ...string) {
	w.Helper()
	if o.status != status {
		w.Fatalf("exit %d, want %d\n%s%s", o.status, status, o.stdout, o.stderr)
	}
	for _, p := range parts {
		if !strings.Contains(o.stderr, p) {
			w.Errorf("the message does not say %q:\n%s", p, o.stderr)
		}
	}
	for _, p := range []string{"panic:", "goroutine ", "runtime error", "internal error"} {
		if strings.Contains(o.stderr, p) {
			w.Errorf("a crash is not a message:\n%s", o.stderr)
		}
	}
}

// refused runs a command that must fail with a status and a message, and leave
// both stores as they are and nothing half-written beside them.
func (w *world) refused(status int, says []string, args ...string) outcome {
	w.Helper()
	before := w.stores()
	o := w.command(args...)
	w.says(o, status, says...)
	if after := w.stores(); after != before {
		w.Errorf("the stores changed\nfrom\n%s\nto\n%s", before, after)
	}
	w.clean()
	return o
}

// stores lists the bytes of what readers of the stores see.
func (w *world) stores() string {
	w.Helper()
	return w.files(func(path string) bool {
		return strings.Contains(path, "/historical/") || strings.HasSuffix(path, ".db") || strings.HasSuffix(path, ".db-wal")
	})
}

// files lists paths and digests of the files of the folder that keep picks.
func (w *world) files(keep func(string) bool) string {
	w.Helper()
	var out []string
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !keep(filepath.ToSlash(path)) {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if len(b) == 0 && strings.HasSuffix(path, "-wal") {
			return nil // of a database that was opened and not written
		}
		out = append(out, fmt.Sprintf("%s %x", strings.TrimPrefix(path, w.dir), sha256.Sum256(b)))
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return strings.Join(out, "\n")
}

// clean checks that no run left anything half-written.
func (w *world) clean() {
	w.Helper()
	for _, root := range []string{w.dir, w.tmp} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			parent := filepath.Base(filepath.Dir(path))
			switch {
			case parent == "runs" && strings.HasPrefix(d.Name(), ".tmp-"):
				// A record that a killed process was writing: swept after an hour.
			case d.Name() == ".tmp-lock":
				// The ledger's lock stays; the kernel gives it back.
			case parent == "pending", parent == "trash", parent == "scratch", strings.HasPrefix(parent, "featurehost-scratch"),
				strings.HasSuffix(path, ".tmp"), strings.Contains(d.Name(), ".tmp-"):
				w.Errorf("%s was left behind", path)
			}
			return nil
		})
		if err != nil {
			w.Fatal(err)
		}
	}
}

// rows reads the historical table, sorted, a line for each row, with the
// places of features after keys and timestamp as the schema has them.
func (w *world) rows() []string { return w.table("out/historical/customer/spend") }

func (w *world) table(dir string) []string {
	w.Helper()
	if _, err := os.Stat(w.path(dir)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	ctx := context.Background()
	env, _, _ := hosttest.Env(w)
	r, err := catalog().Readers["file"](config.Reader{ID: "t", Type: "file", Path: dir, Format: "parquet"},
		parts.Place{Dir: w.dir, State: w.tmp}, env)
	if err != nil {
		w.Fatal(err)
	}
	defer r.Close()
	s, err := r.Schema(ctx)
	if err != nil {
		if strings.Contains(err.Error(), "no files in the folder") {
			return nil
		}
		w.Fatal(err)
	}
	var columns []string
	for _, f := range s.Fields() {
		if f.Name != "year" && f.Name != "month" && f.Name != "day" {
			columns = append(columns, f.Name)
		}
	}
	if _, err := r.Open(ctx, flow.Request{Columns: columns, BatchRows: 8192}); err != nil {
		w.Fatal(err)
	}
	var out []string
	for {
		b, err := r.Next(ctx)
		if err != nil {
			break
		}
		out = append(out, strings.Split(strings.TrimSuffix(hosttest.Text(b.Record), "\n"), "\n")...)
		b.Release()
	}
	slices.Sort(out)
	return out
}

// base is a pipeline that most tests change in a place or two.
const base = `version = 1

[pipeline]
name = "spend"

[[reader]]
id = "events"
type = "file"
path = "events.csv"
format = "csv"
# prepare
# query
# stage
[feature_set]
name = "spend"
entity = "customer"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
windows = { rolling = ["2 days"], slide = "1 day" }

[[feature_set.feature]]
name = "amount"
aggregate = ["count", "sum"]

[[sink]]
type = "historical"
path = "out"

[[sink]]
type = "online"
`

// pipeline writes p.toml: base with each old text replaced by a new one.
func (w *world) pipeline(oldnew ...string) {
	w.Helper()
	text := base
	for i := 0; i+1 < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			w.Fatalf("the pipeline has no %q", oldnew[i])
		}
		text = strings.ReplaceAll(text, oldnew[i], oldnew[i+1])
	}
	w.write("p.toml", text)
}

// events writes events.csv: customers' amounts over some days of January 2024,
// days of which the last is the 1st of February.
func (w *world) events(customers, days int) {
	w.Helper()
	var b strings.Builder
	b.WriteString("id,ts,amount\n")
	for d := range days {
		for c := range customers {
			fmt.Fprintf(&b, "%d,2024-01-%02dT%02d:30:00Z,%d.5\n", c, 1+d%31, c%24, c+d)
		}
	}
	w.write("events.csv", b.String())
}

// ran gives a folder in which the pipeline has run once.
func ran(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.events(5, 4)
	w.pipeline()
	w.good("run", "p.toml")
	return w
}
