package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// TestMain also is the host that TestHost_Killed kills.
func TestMain(m *testing.M) {
	if folder := os.Getenv("FEATUREHOST_TEST_AS_HOST"); folder != "" {
		beHost(folder)
	}
	code := m.Run()
	programs.remove()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// builds keeps the programs that the tests build, once each.
type builds struct {
	mu   sync.Mutex
	dir  string
	done map[string]error
}

var programs builds

// build compiles a package of the module and gives the program's path.
func (b *builds) build(t testing.TB, pkg string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "fhbuild")
		if err != nil {
			t.Fatal(err)
		}
		b.dir, b.done = dir, map[string]error{}
	}
	path := filepath.Join(b.dir, strings.ReplaceAll(pkg, "/", "_"))
	err, built := b.done[pkg]
	if !built {
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./"+pkg)
		cmd.Dir = root
		if text, buildErr := cmd.CombinedOutput(); buildErr != nil {
			err = fmt.Errorf("%w\n%s", buildErr, text)
		}
		b.done[pkg] = err
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *builds) remove() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = os.RemoveAll(b.dir)
}

const root = "../../.."

// folder lays out a plugin folder with a program and a manifest.
func folder(t testing.TB, name, program, manifest string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "manifest.json"), manifest)
	if err := os.Link(program, filepath.Join(dir, name)); err != nil {
		b, err := os.ReadFile(program)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const hostileManifest = `{"abi":"1.0","name":"hostile","version":"1.0.0","kind":"%s",
	"input":{"columns":[{"name":"x","type":"float64","nullable":true}]},"output":{"mode":"init"},
	"config_schema":{"type":"object","properties":{"mode":{"type":"string","default":""},"file":{"type":"string","default":""}}},
	"stateful":false,"deterministic":true}`

// hostile gives the folder of the program that breaks the rules; starts is how
// it does so at its start.
func hostile(t testing.TB, kind, starts string) string {
	t.Helper()
	dir := folder(t, "hostile", programs.build(t, "conformance/hostile/program"), fmt.Sprintf(hostileManifest, kind))
	put(t, filepath.Join(dir, "mode"), starts)
	return dir
}

// newEngine makes an engine whose private folders are watched: when the test
// ends none may be left.
func newEngine(t testing.TB) *Engine {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "fhtest")
	if err != nil {
		t.Fatal(err)
	}
	e := NewEngine(Options{TempDir: dir})
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		left, _ := os.ReadDir(dir)
		for _, f := range left {
			t.Errorf("left behind: %s", f.Name())
		}
		_ = os.RemoveAll(dir)
		if children := childrenOf(t, os.Getpid()); len(children) > 0 {
			t.Errorf("child processes left: %v", children)
		}
	})
	return e
}

func load(t testing.TB, e *Engine, folder string) *Module {
	t.Helper()
	m, err := e.Load(folder, "sha256:0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// impatient makes a stage that does not make the test wait.
func impatient(s *Stage) *Stage {
	s.shared.timeouts.shutdown = time.Second
	return s
}

// open gives an open stage that is closed with the test.
func open(t testing.TB, m *Module, u Use, in *flow.Schema) (*Stage, *flow.Schema) {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	s := impatient(m.Stage(u, env))
	t.Cleanup(func() { _ = s.Close() })
	out, err := s.Open(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return s, out
}

func mode(m string) Use { return Use{Config: map[string]any{"mode": m}} }

// run puts a batch through a stage and gives the rows as text.
func run(t testing.TB, s *Stage, b flow.Batch) string {
	t.Helper()
	var got hosttest.Recorder
	defer got.Release()
	if err := s.Process(context.Background(), b, got.Emit); err != nil {
		t.Fatal(err)
	}
	return got.Text()
}

// childrenOf lists the processes whose parent is pid.
func childrenOf(t testing.TB, pid int) (out []string) {
	t.Helper()
	list, err := os.ReadDir("/proc")
	if err != nil {
		return nil // not Linux
	}
	for _, d := range list {
		stat, err := os.ReadFile(filepath.Join("/proc", d.Name(), "stat"))
		if err != nil {
			continue
		}
		text := string(stat)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) > 1 && fields[1] == fmt.Sprint(pid) && !strings.Contains(text, "(go)") {
			out = append(out, text)
		}
	}
	return out
}

// gone waits until a process is no more.
func gone(t testing.TB, pid string) {
	t.Helper()
	for range 100 {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	t.Errorf("process %s still runs", pid)
}
