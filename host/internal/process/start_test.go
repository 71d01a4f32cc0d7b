package process

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

// opening tries to open a stage of a plugin and gives its error.
func opening(t testing.TB, e *Engine, dir string, u Use) error {
	t.Helper()
	m := load(t, e, dir)
	env, _, _ := hosttest.Env(t)
	s := impatient(m.Stage(u, env))
	b := hosttest.Batch(t, "x double")
	defer b.Release()
	_, err := s.Open(context.Background(), b.Record.Schema())
	if cerr := s.Close(); cerr != nil {
		t.Error(cerr)
	}
	return err
}

// ABI-P-002: what may not stand in a handshake, or instead of one. The error
// says where the program is and what it is, and how it ended.
func TestStart_BadHandshake_Refused(t *testing.T) {
	for _, c := range []struct {
		starts string
		code   fault.Code
		says   string
	}{
		{"garbage", abi.CodeHandshake, `began with "hello, world`},
		{"long", abi.CodeHandshake, "longer than 4096"},
		{"version", abi.CodeProtocol, "version 99"},
		{"core", abi.CodeProtocol, "version 2"},
		{"netrpc", abi.CodeProtocol, `"netrpc"`},
		{"tcp", abi.CodeHandshake, `"tcp"`},
		{"elsewhere", abi.CodeHandshake, "/run/other.sock"},
		{"climbs", abi.CodeHandshake, "other.sock"},
		{"exit", abi.CodeHandshake, "ended before its handshake: the licence has run out"},
		{"half", abi.CodeHandshake, "in the middle of its handshake"},
	} {
		t.Run(c.starts, func(t *testing.T) {
			dir := hostile(t, "map", c.starts)
			err := opening(t, newEngine(t), dir, Use{})
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %v with %q", err, c.code, c.says)
			}
			for _, note := range []string{filepath.Join(dir, "hostile"), "mode -rwx", "owner ", runtime.GOARCH} {
				if !strings.Contains(err.Error(), note) {
					t.Errorf("%v does not say %q", err, note)
				}
			}
		})
	}
}

// ABI-P-002: a program that says nothing is given up, as one that shakes hands
// and then serves nothing is.
func TestStart_Silence_GivenUp(t *testing.T) {
	e := newEngine(t)
	e.options.StartTimeout = 300 * time.Millisecond
	if err := opening(t, e, hostile(t, "map", "silent"), Use{}); !fault.Is(err, abi.CodeStart) {
		t.Errorf("got %v", err)
	}
	if err := opening(t, newEngine(t), hostile(t, "map", "deaf"), Use{}); !fault.Is(err, abi.CodeInit) {
		t.Errorf("got %v", err)
	}
}

// A program that cannot be started is described.
func TestStart_NoProgram_Described(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"no machine's", "\x00\x01\x02", "neither a program of"},
		{"interpreter gone", "#!/no/such/python -u\n", `a script for "/no/such/python", which is not there`},
	} {
		dir := hostile(t, "map", "")
		program := filepath.Join(dir, "hostile")
		if err := os.Remove(program); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, []byte(c.text), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := opening(t, newEngine(t), dir, Use{}); !fault.Is(err, abi.CodeHandshake) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// ABI-M-001: a folder without a program, or with one that nobody may run, and a
// manifest that is none.
func TestLoad_Unfit_Refused(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(dir string) error
		says string
	}{
		{"no program", func(d string) error { return os.Remove(filepath.Join(d, "hostile")) }, "has no program"},
		{"no manifest", func(d string) error { return os.Remove(filepath.Join(d, "manifest.json")) }, "manifest"},
		{"not JSON", func(d string) error { return os.WriteFile(filepath.Join(d, "manifest.json"), []byte("{"), 0o600) }, "JSON"},
		{"no leave", func(d string) error {
			if err := os.Remove(filepath.Join(d, "hostile")); err != nil { // a hard link: its mode is that of the others
				return err
			}
			return os.WriteFile(filepath.Join(d, "hostile"), []byte("x"), 0o600)
		}, "cannot be executed"},
	} {
		dir := hostile(t, "map", "")
		if err := c.harm(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := NewEngine(Options{}).Load(dir, ""); !fault.Is(err, abi.CodeManifest) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// ABI-M-001, ABI-P-004: the program must describe itself as the manifest beside
// it does. Order and space do not count.
func TestStart_AnotherManifest_Refused(t *testing.T) {
	dir := hostile(t, "map", "")
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "describe.json"), strings.Replace(string(text), "1.0.0", "1.0.1", 1))
	if err := opening(t, newEngine(t), dir, Use{}); !fault.Is(err, abi.CodeManifest) || !strings.Contains(err.Error(), "another manifest") {
		t.Errorf("got %v", err)
	}
	put(t, filepath.Join(dir, "describe.json"), strings.Replace(string(text), "\n\t", " ", -1))
	if err := opening(t, newEngine(t), dir, Use{}); err != nil {
		t.Error(err)
	}
	put(t, filepath.Join(dir, "describe.json"), "none")
	if err := opening(t, newEngine(t), dir, Use{}); !fault.Is(err, abi.CodeManifest) {
		t.Errorf("got %v", err)
	}
}

// ABI-P-004: all errors of config and schema come from bind.
func TestBind_Failures_Coded(t *testing.T) {
	e := newEngine(t)
	for _, c := range []struct {
		mode string
		code fault.Code
		says string
	}{
		{"bind_refuses", abi.CodeConfig, "threshold must be odd"},
		{"bind_breaks", abi.CodeInit, "no model file"},
		{"bind_dies", abi.CodeExited, "cannot map the model"},
		{"bind_no_json", abi.CodeInit, "no JSON"},
		{"bind_garbage", abi.CodeOutputSchema, "cut short"},
		{"bind_large", abi.CodeOutputSchema, "may not cross"},
	} {
		if err := opening(t, e, hostile(t, "map", ""), mode(c.mode)); !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v with %q", c.mode, err, c.code, c.says)
		}
	}
	s := load(t, e, hostile(t, "map", "")).Stage(mode("bind_hangs"), hosttestEnv(t))
	s.shared.timeouts = timeouts{action: 200 * time.Millisecond, shutdown: time.Second}
	b := hosttest.Batch(t, "x double")
	defer b.Release()
	if _, err := s.Open(context.Background(), b.Record.Schema()); !fault.Is(err, abi.CodeInit) || !strings.Contains(err.Error(), "within 200ms") {
		t.Errorf("got %v", err)
	}
	_ = s.Close()
}

// ABI-P-001: what a program is given: nothing of the host's environment but the
// list, a private folder for its socket, no terminal, its own folder to stand
// in, a process group of its own.
func TestStart_Environment_AllowListOnly(t *testing.T) {
	const secret = "s3cr3t-0f-the-h0st"
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("FEATUREHOST_S3_SECRET_KEY", secret)
	t.Setenv("EXTRA_FOR_PLUGINS", "yes")
	t.Setenv("TZ", "UTC")
	e := newEngine(t)
	e.options.Env = []string{"EXTRA_FOR_PLUGINS"}
	dir := hostile(t, "map", "environment")
	b := hosttest.Batch(t, "x double", "1")
	defer b.Release()
	s, _ := open(t, load(t, e, dir), Use{}, b.Record.Schema())
	run(t, s, b)
	text, err := os.ReadFile(filepath.Join(dir, "environment"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), secret) {
		t.Error("the plugin was shown a secret of the host")
	}
	allowed := map[string]bool{}
	for _, name := range []string{"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "EXTRA_FOR_PLUGINS", "FEATUREHOST_PLUGIN", "FEATUREHOST_LOG_LEVEL",
		"PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT", "PLUGIN_UNIX_SOCKET_DIR", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "STDIN", "CWD", "PWD", "TMPMODE", "GROUP"} {
		allowed[name] = true
	}
	got := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		name, value, _ := strings.Cut(line, "=")
		if got[name] = value; !allowed[name] {
			t.Errorf("the plugin was given %q", line)
		}
	}
	here, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"FEATUREHOST_PLUGIN": "transform-v1", "PLUGIN_PROTOCOL_VERSIONS": "1", "EXTRA_FOR_PLUGINS": "yes", "FEATUREHOST_LOG_LEVEL": "info",
		"STDIN": "Dcrw-rw-rw-", "CWD": here, "TMPMODE": "drwx------", "GROUP": "true",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !strings.HasPrefix(got["TMPDIR"], e.options.TempDir+"/") || got["PYTHONPYCACHEPREFIX"] != got["TMPDIR"] || got["PYTHONDONTWRITEBYTECODE"] != "1" {
		t.Errorf("TMPDIR is %q, Python's cache %q", got["TMPDIR"], got["PYTHONPYCACHEPREFIX"])
	}
}

// ABI-P-001: a path too long for a socket falls back to /tmp.
func TestStart_LongTempDir_FallsBack(t *testing.T) {
	e := newEngine(t)
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	if err := os.Mkdir(long, 0o755); err != nil {
		t.Fatal(err)
	}
	e.options.TempDir = long
	if err := opening(t, e, hostile(t, "map", ""), Use{}); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(long); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The caller's context ends a start.
func TestStart_Cancelled_Returns(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	s := load(t, newEngine(t), hostile(t, "map", "silent")).Stage(Use{}, hosttestEnv(t))
	b := hosttest.Batch(t, "x double")
	defer b.Release()
	if _, err := s.Open(ctx, b.Record.Schema()); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	_ = s.Close()
}

// Config is for the plugin, and may hold a password: no error of the host's
// shows it.
func TestStart_Errors_ShowNoConfig(t *testing.T) {
	const secret = "hunter2"
	for _, starts := range []string{"exit", "garbage", ""} {
		u := Use{Config: map[string]any{"mode": "bind_breaks", "file": secret}}
		if err := opening(t, newEngine(t), hostile(t, "map", starts), u); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v", err)
		}
	}
}
