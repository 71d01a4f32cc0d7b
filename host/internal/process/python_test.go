package process

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// pyManifest is that of the plugins of these tests.
func pyManifest(name, kind, columns string) string {
	return fmt.Sprintf(`{"abi":"1.0","name":%q,"version":"1.0.0","kind":%q,"input":{"columns":[%s]},"output":{"mode":"init"},
		"config_schema":{"type":"object","properties":{"fail":{"type":"string","default":""}}},"stateful":%t,"deterministic":true}`, name, kind, columns, kind == "keyed")
}

// pyTest lays out a plugin of testdata.
func pyTest(t testing.TB, name, kind, columns string) string {
	t.Helper()
	return pyFolder(t, name, filepath.Join("testdata", name, "plugin.py"), pyManifest(name, kind, columns))
}

const columnX = `{"name":"x","type":"float64","nullable":true}`

// ABI-P-002: what a plugin prints, before its SDK is there too, goes to the log
// and never behind the handshake.
func TestPython_Prints_Harmless(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1", "2")
	defer in.Release()
	env, log := logged(t)
	s := impatient(load(t, newEngine(t), pyTest(t, "loud_py", "map", columnX)).Stage(Use{}, env))
	if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := run(t, s, in); got != "1 | 1\n2 | 2\n" {
			t.Errorf("got %q", got)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, says := range []string{"printed before the import", "printed after the import", "written after the import", "printed in open", "printed in process", "written in process"} {
		if !strings.Contains(log.String(), says) {
			t.Errorf("%q is not in the log: %s", says, log)
		}
	}
	if strings.Contains(log.String(), "FH-5") {
		t.Errorf("the log tells of a failure: %s", log)
	}
}

// failsOdd runs the plugin odd_py over a batch, and its flush where it has one.
func failsOdd(t testing.TB, m *Module, fail string, in flow.Batch, keyed bool) (log string, err error) {
	t.Helper()
	env, lines := logged(t)
	config := map[string]any{"fail": fail}
	if keyed {
		k := m.Keyed(byUser(config), env)
		impatient(k.stage)
		defer func() { _ = k.Close() }()
		if _, err = k.Open(context.Background(), in.Record.Schema()); err == nil {
			_, err = cutThrough(k, in, in.Rows())
		}
		_ = k.Close()
		return lines.String(), err
	}
	s := impatient(m.Stage(Use{Config: config}, env))
	if _, err = s.Open(context.Background(), in.Record.Schema()); err == nil {
		_, err = s.Do(context.Background(), in, false)
	}
	_ = s.Close()
	return lines.String(), err
}

// However a plugin's own function ends, and whatever it gives, the error says
// what it was, and the log where.
func TestPython_OddEnds_Told(t *testing.T) {
	engine := newEngine(t)
	flat := load(t, engine, pyTest(t, "odd_py", "map", columnX))
	keyed := load(t, engine, pyTest(t, "odd_py", "keyed", ""))
	x := hosttest.Batch(t, "x double", "1", "2")
	defer x.Release()
	events := nthRows(t)
	defer events.Release()
	const wantsBatch, wantsOpen = ", expected a pyarrow.RecordBatch or None", ", expected (schema, process) or (schema, process, flush)"
	for _, c := range []struct {
		fail string
		code fault.Code
		says string
		logs string
	}{
		{"process:exit", abi.CodeBadBatch, "SystemExit: 3", "sys.exit(3)"},
		{"process:interrupt", abi.CodeBadBatch, "KeyboardInterrupt", "raise KeyboardInterrupt"},
		{"process:base", abi.CodeBadBatch, "Gone: far away", `raise Gone("far away")`},
		{"process:error", abi.CodeBadBatch, "ValueError: bad luck", `raise ValueError("bad luck")`},
		{"process:name", abi.CodeBadBatch, `ValueError: no file \udcff.csv`, "ValueError"},
		{"process:mute", abi.CodeBadBatch, "Mute: ", "raise Mute()"},
		{"process:data", abi.CodeData, `odd \udcff`, ""},
		{"process:table", abi.CodeBadBatch, "process returned a Table" + wantsBatch, ""},
		{"process:list", abi.CodeBadBatch, "process returned a list" + wantsBatch, ""},
		{"process:tuple", abi.CodeBadBatch, "process returned (RecordBatch, NoneType)" + wantsBatch, ""},
		{"process:number", abi.CodeBadBatch, "process returned an int" + wantsBatch, ""},
		{"open:exit", abi.CodeInit, "SystemExit: 3", "sys.exit(3)"},
		{"open:interrupt", abi.CodeInit, "KeyboardInterrupt", "raise KeyboardInterrupt"},
		{"open:base", abi.CodeInit, "Gone: far away", `raise Gone("far away")`},
		{"open:error", abi.CodeInit, "ValueError: bad luck", `raise ValueError("bad luck")`},
		{"open:name", abi.CodeInit, `ValueError: no file \udcff.csv`, "ValueError"},
		{"open:mute", abi.CodeInit, "Mute: ", "raise Mute()"},
		{"open:config", abi.CodeConfig, `odd \udcff`, ""},
		{"open:nothing", abi.CodeInit, "open returned None" + wantsOpen, ""},
		{"open:schema", abi.CodeInit, "open returned a Schema" + wantsOpen, ""},
		{"open:one", abi.CodeInit, "open returned (Schema)" + wantsOpen, ""},
		{"open:four", abi.CodeInit, "open returned (Schema, function, function, function)" + wantsOpen, ""},
		{"open:swapped", abi.CodeInit, "open returned (function, Schema)" + wantsOpen, ""},
		{"open:names", abi.CodeInit, "open returned (list, function)" + wantsOpen, ""},
		{"open:uncallable", abi.CodeInit, "open returned (Schema, int)" + wantsOpen, ""},
		{"open:flush", abi.CodeInit, "open returned (Schema, function, int)" + wantsOpen, ""},
		{"flush:exit", abi.CodeBadBatch, "SystemExit: 3", "sys.exit(3)"},
		{"flush:interrupt", abi.CodeBadBatch, "KeyboardInterrupt", "raise KeyboardInterrupt"},
		{"flush:error", abi.CodeBadBatch, "ValueError: bad luck", `raise ValueError("bad luck")`},
		{"flush:table", abi.CodeBadBatch, "flush returned a Table" + wantsBatch, ""},
		{"flush:list", abi.CodeBadBatch, "flush returned a list" + wantsBatch, ""},
	} {
		m, in, isFlush := flat, x, strings.HasPrefix(c.fail, "flush")
		if isFlush {
			m, in = keyed, events
		}
		text, err := failsOdd(t, m, c.fail, in, isFlush)
		log := strings.ReplaceAll(text, `\"`, `"`)
		if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v with %q", c.fail, err, c.code, c.says)
		}
		if !strings.Contains(log, c.logs) || c.logs != "" && !strings.Contains(log, "Traceback") {
			t.Errorf("%s: no traceback with %q in the log: %s", c.fail, c.logs, log)
		}
	}
}

// What lies in a __pycache__ is no part of a folder's digest, so it is not run.
func TestPython_PlantedCache_NotRun(t *testing.T) {
	at := pyTest(t, "loud_py", "map", columnX)
	python, ran := filepath.Join(at, ".venv", "bin", "python"), filepath.Join(t.TempDir(), "ran")
	// Unchecked: Python does not ask whether the source is another one.
	plant := exec.Command(python, "-c", `
import importlib.util, py_compile
name = "featurehost_plugin.py"
with open(name) as source, open("evil.py", "w") as evil:
    evil.write("open(%r, 'w').close()\n" % `+strconv.Quote(ran)+`)
    evil.write(source.read())
py_compile.compile("evil.py", importlib.util.cache_from_source(name), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
`)
	plant.Dir = at
	if out, err := plant.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), at), Use{}, in.Record.Schema())
	run(t, s, in)
	if _, err := os.Stat(ran); err == nil {
		t.Error("code that no digest covers was run")
	}
	// It would run without the host's doing.
	bare := exec.Command(python, "-c", "import featurehost_plugin")
	bare.Dir = at
	if out, err := bare.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("what was planted is none: %v", err)
	}
}

// A socket can be made in any folder: its path is no URI that Arrow may take
// apart.
func TestPython_OddTempDir_Works(t *testing.T) {
	at := pyTest(t, "loud_py", "map", columnX)
	for _, name := range []string{"plain", "a b", "a#b", "a?b", "a%b", "a%41", "a%2541", "é", "[a]", "a+b&c=d;e"} {
		t.Run(name, func(t *testing.T) {
			temp := filepath.Join(shortTemp(t), name)
			if err := os.Mkdir(temp, 0o700); err != nil {
				t.Fatal(err)
			}
			line := handshakeOf(t, at, temp)
			socket := filepath.Join(temp, "flight.sock")
			if line != "1|1|unix|"+socket+"|grpc|\n" {
				t.Fatalf("handshake %q", line)
			}
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
		})
	}
}

// handshakeOf starts a program as the host does and gives its first line; the
// program ends with the test.
func handshakeOf(t testing.TB, folder, temp string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	cmd := exec.CommandContext(ctx, "./"+filepath.Base(folder))
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "FEATUREHOST_PLUGIN=transform-v1", "TMPDIR=" + temp}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	line := make([]byte, 4<<10)
	n, _ := out.Read(line)
	return string(line[:n])
}
