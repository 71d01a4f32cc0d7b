package process

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/crash"
	"github.com/featurehost/featurehost/host/internal/wasm"
)

// python gives a Python that has pyarrow, or ends the test. FEATUREHOST_PYTHON
// names one that is not in PATH.
func python(t testing.TB) string {
	t.Helper()
	name := os.Getenv("FEATUREHOST_PYTHON")
	if name == "" {
		name = "python3"
	}
	if out, err := exec.Command(name, "-c", "import pyarrow.flight").CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		hosttest.Missing(t, fmt.Sprintf("%s has no pyarrow with Flight: set FEATUREHOST_PYTHON to one that has it (%v: %s)", name, err, lines[len(lines)-1]))
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// pyFolder lays out a plugin folder in Python, with the Python that python
// finds where .venv would be.
func pyFolder(t testing.TB, name, source, manifest string) string {
	t.Helper()
	interpreter := python(t)
	dir := folder(t, name, filepath.Join(root, "plugins", "delay_score_py", "delay_score_py"), manifest)
	for from, to := range map[string]string{source: "plugin.py", filepath.Join(root, "pluginsdk", "python", "featurehost_plugin.py"): "featurehost_plugin.py"} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, to), string(b))
	}
	bin := filepath.Join(dir, ".venv", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "python"), []byte("#!/bin/sh\nexec "+interpreter+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func manifestOf(t testing.TB, plugin string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "plugins", plugin, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// delayScores gives the plugin folder of each process twin of delay_score.
func delayScores() map[string]func(t testing.TB) string {
	goPlugin := func(name string) func(t testing.TB) string {
		return func(t testing.TB) string {
			return folder(t, name, programs.build(t, "plugins/"+name), manifestOf(t, name))
		}
	}
	return map[string]func(t testing.TB) string{
		"delay_score_flight": goPlugin("delay_score_flight"),
		"legacy_arrow15":     goPlugin("legacy_arrow15"),
		"delay_score_py": func(t testing.TB) string {
			return pyFolder(t, "delay_score_py", filepath.Join(root, "plugins", "delay_score_py", "plugin.py"), manifestOf(t, "delay_score_py"))
		},
	}
}

// wasmStage opens the Wasm twin.
func wasmStage(t testing.TB, module []byte, u wasm.Use, in *flow.Schema) flow.Stage {
	t.Helper()
	e, err := wasm.NewEngine(wasm.Options{CacheDir: filepath.Join(os.TempDir(), "featurehost-test-cache")})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(module)
	if err != nil {
		t.Fatal(err)
	}
	s := m.Stage(u, hosttestEnv(t))
	if _, err := s.Open(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		_ = e.Close(context.Background())
	})
	return s
}

// flights makes delays and winds with nulls, NaNs with payloads and infinities.
func flights(t testing.TB, n int) flow.Batch {
	t.Helper()
	r := rand.New(rand.NewPCG(11, uint64(n)))
	odd := []float64{math.NaN(), math.Float64frombits(0xfff8_dead_beef_0001), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 15, -10, math.MaxFloat64, 5e-324}
	columns := make([]arrow.Array, 2)
	for i := range columns {
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		for range n {
			switch r.IntN(10) {
			case 0:
				b.AppendNull()
			case 1:
				b.Append(odd[r.IntN(len(odd))])
			default:
				b.Append(r.NormFloat64() * 60)
			}
		}
		columns[i] = b.NewArray()
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "dep_delay", Type: columns[0].DataType(), Nullable: true}, {Name: "wind_speed", Type: columns[1].DataType(), Nullable: true}}, nil)
	return flow.Batch{Record: array.NewRecordBatch(s, columns, int64(n))}
}

// process puts a batch through a stage that answers it with one.
func process(t testing.TB, s flow.Stage, in flow.Batch) flow.Batch {
	t.Helper()
	var got hosttest.Recorder
	if err := s.Process(context.Background(), in, got.Emit); err != nil {
		t.Fatal(err)
	}
	if len(got.Batches) != 1 {
		t.Fatalf("%d batches", len(got.Batches))
	}
	return got.Batches[0]
}

// sameBytes compares all buffers of two records, unused bits and bytes of nulls
// included.
func sameBytes(t testing.TB, what string, got, want arrow.RecordBatch) {
	t.Helper()
	if !got.Schema().Equal(want.Schema()) {
		t.Fatalf("%s: schema %v, want %v", what, got.Schema(), want.Schema())
	}
	for i := range want.Columns() {
		a, b := got.Column(i).Data(), want.Column(i).Data()
		if a.Len() != b.Len() || a.NullN() != b.NullN() || a.Offset() != b.Offset() {
			t.Fatalf("%s, column %q: %d rows, %d nulls at %d, want %d, %d at %d", what, want.ColumnName(i), a.Len(), a.NullN(), a.Offset(), b.Len(), b.NullN(), b.Offset())
		}
		for k := range b.Buffers() {
			x, y := a.Buffers()[k], b.Buffers()[k]
			if (x == nil) != (y == nil) || x != nil && string(x.Bytes()) != string(y.Bytes()) {
				t.Errorf("%s, column %q: buffer %d differs", what, want.ColumnName(i), k)
			}
		}
	}
}

// The same transform gives the same bytes as a Wasm module, as a process in Go,
// in Python, and on Arrow v15, of any slice.
func TestLanguages_DelayScore_SameBytes(t *testing.T) {
	module, err := os.ReadFile(filepath.Join(root, "plugins", "delay_score_c", "delay_score_c.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	whole := flights(t, 9000)
	defer whole.Release()
	config := map[string]any{"threshold_minutes": 12.5}
	guest := wasmStage(t, module, wasm.Use{Config: config}, whole.Record.Schema())
	for name, dir := range delayScores() {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t, load(t, newEngine(t), dir(t)), Use{Config: config}, whole.Record.Schema())
			for _, cut := range [][2]int64{{0, 9000}, {0, 1}, {1, 2}, {7, 1000}, {64, 129}, {8991, 9000}, {3, 8998}} {
				part := whole.Slice(cut[0], cut[1])
				want, got := process(t, guest, part), process(t, s, part)
				sameBytes(t, fmt.Sprintf("rows %v", cut), got.Record, want.Record)
				want.Release()
				got.Release()
				part.Release()
			}
		})
	}
}

// The rows beside the plugins, on all of them.
func TestLanguages_DelayScore_Rows(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "plugins", "delay_score_c", "testdata", "rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Config map[string]any
		Rows   [][3]string
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for name, dir := range delayScores() {
		t.Run(name, func(t *testing.T) {
			m := load(t, newEngine(t), dir(t))
			for _, c := range cases {
				rows, want := make([]string, len(c.Rows)), ""
				for i, r := range c.Rows {
					rows[i] = r[0] + " | " + r[1]
					want += rows[i] + " | " + r[2] + "\n"
				}
				in := hosttest.Batch(t, "dep_delay double, wind_speed double", rows...)
				s, _ := open(t, m, Use{Config: c.Config}, in.Record.Schema())
				if got := run(t, s, in); got != want {
					t.Errorf("config %v: got\n%s\nwant\n%s", c.Config, got, want)
				}
				in.Release()
			}
		})
	}
}

func zooManifest(name string) string {
	var in, out []string
	for i, typ := range hosttest.ZooTypes() {
		column := string(rune('a' + i))
		in = append(in, fmt.Sprintf(`{"name":%q,"type":%q,"nullable":true}`, column, typ))
		out = append(out, fmt.Sprintf(`{"name":"out_%s","type":%q,"nullable":true}`, column, typ))
	}
	return fmt.Sprintf(`{"abi":"1.0","name":%q,"version":"1.0.0","kind":"map","input":{"columns":[%s]},"output":{"mode":"static","columns":[%s]},
		"config_schema":{"type":"object","properties":{"fail":{"type":"string","default":""},"loud":{"type":"boolean","default":false},"times":{"type":"number","default":1}}},
		"stateful":false,"deterministic":true}`, name, strings.Join(in, ","), strings.Join(out, ","))
}

// zoos gives the pass-through plugin in each language.
func zoos() map[string]func(t testing.TB) string {
	return map[string]func(t testing.TB) string{
		"go": func(t testing.TB) string {
			return folder(t, "zoo_go", programs.build(t, "host/internal/process/testdata/zoo_go"), zooManifest("zoo_go"))
		},
		"python": func(t testing.TB) string {
			return pyFolder(t, "zoo_py", filepath.Join("testdata", "zoo_py", "plugin.py"), zooManifest("zoo_py"))
		},
	}
}

// ABI-M-020: all types pass through a process in each language and come back as
// through a Wasm guest, to the bit, with and without nulls, from slices at odd
// bits.
func TestLanguages_Zoo_SameBytesAsWasm(t *testing.T) {
	code, err := os.ReadFile(filepath.Join("..", "wasm", "testdata", "types.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := abi.Pack(code, []byte(zooManifest("types")))
	if err != nil {
		t.Fatal(err)
	}
	for language, dir := range zoos() {
		t.Run(language, func(t *testing.T) {
			m := load(t, newEngine(t), dir(t))
			for _, nulls := range []int{0, 3, 10} {
				whole := hosttest.Zoo(t, 3000, nulls)
				guest := wasmStage(t, module, wasm.Use{}, whole.Record.Schema())
				s, _ := open(t, m, Use{}, whole.Record.Schema())
				for _, cut := range [][2]int64{{0, 1}, {0, 3000}, {1, 2}, {7, 1000}, {64, 129}, {2991, 3000}, {8, 2500}} {
					part := whole.Slice(cut[0], cut[1])
					want, got := process(t, guest, part), process(t, s, part)
					sameBytes(t, fmt.Sprintf("nulls %d, rows %v", nulls, cut), got.Record, want.Record)
					want.Release()
					got.Release()
					part.Release()
				}
				_ = s.Close()
				whole.Release()
			}
		})
	}
}

// ABI-P-008: what goes wrong in a plugin comes out with the same code in each
// language; what is printed does not reach stdout.
func TestLanguages_Failures_SameCodes(t *testing.T) {
	for language, dir := range zoos() {
		t.Run(language, func(t *testing.T) {
			m := load(t, newEngine(t), dir(t))
			in := hosttest.Zoo(t, 5, 1)
			defer in.Release()
			for _, c := range []struct {
				fail string
				code fault.Code
				says string
			}{
				{"open", abi.CodeConfig, "fail must not be"},
				{"open_panics", abi.CodeInit, "no model"},
				{"open_error", abi.CodeInit, "no model"},
				{"open_backend", abi.CodeInit, "unknown model"},
				{"process", abi.CodeData, "row 3 is odd"},
				{"memory", abi.CodeMemory, ""},
				{"panic", abi.CodeBadBatch, ""},
				{"error", abi.CodeBadBatch, "no such table"},
				{"backend", abi.CodeBadBatch, "backend is down"},
				{"schema", abi.CodeBadBatch, "another schema"},
				{"none", 4005, "0 rows, expected 5"},
			} {
				env, log := logged(t)
				s := impatient(m.Stage(Use{Config: map[string]any{"fail": c.fail}}, env))
				_, err := s.Open(context.Background(), in.Record.Schema())
				if err == nil {
					_, err = s.Do(context.Background(), in, false)
				}
				if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: got %v, want %v with %q", c.fail, err, c.code, c.says)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				text := log.String()
				if !strings.HasPrefix(c.fail, "open") && !strings.Contains(text, "printed to stdout") {
					t.Errorf("%s: what was printed is not in the log: %s", c.fail, text)
				}
				if strings.Contains(text, "FH-5011") {
					t.Errorf("%s: the plugin was killed at its end: %s", c.fail, text)
				}
			}
			// A plugin that wants fewer rows is given fewer (ABI-P-008).
			s := impatient(m.Stage(Use{Config: map[string]any{"fail": "memory"}}, hosttestEnv(t)))
			guarded := crash.Guard(s, crash.Settings{Name: "s"})
			defer guarded.Close()
			if _, err := guarded.Open(context.Background(), in.Record.Schema()); err != nil {
				t.Fatal(err)
			}
			var got hosttest.Recorder
			defer got.Release()
			if err := guarded.Process(context.Background(), in, got.Emit); err != nil || len(got.Batches) != 3 {
				t.Errorf("%d batches, %v", len(got.Batches), err)
			}
		})
	}
}

// ABI-P-007: an SDK cuts an answer that is larger than a message, and nothing is
// lost or moved by that.
func TestLanguages_LargeAnswer_Cut(t *testing.T) {
	in := hosttest.Zoo(t, 30000, 1)
	defer in.Release()
	for language, dir := range zoos() {
		t.Run(language, func(t *testing.T) {
			at := dir(t)
			name := filepath.Base(at)
			manifest := zooManifest(name)
			from, to := strings.Index(manifest, `"output"`), strings.Index(manifest, `"config_schema"`)
			put(t, filepath.Join(at, "manifest.json"), manifest[:from]+`"output":{"mode":"init"},`+manifest[to:])
			s, _ := open(t, load(t, newEngine(t), at), Use{Config: map[string]any{"fail": "twice"}}, in.Record.Schema())
			part := in.Slice(3, 3+s.Most(in))
			defer part.Release()
			if part.Rows() < 10000 || part.Rows() == in.Rows() {
				t.Fatalf("%d rows go into a message: the test is made for another number", part.Rows())
			}
			out, err := s.Do(context.Background(), part, false)
			if err != nil {
				t.Fatal(err)
			}
			if len(out) < 2 {
				t.Errorf("%d batches", len(out))
			}
			at0 := int64(0)
			for _, b := range out {
				want := part.Slice(at0, at0+b.Rows())
				for i := range 2 * part.Record.NumCols() {
					if got := b.Record.Column(int(part.Record.NumCols() + i)); !array.Equal(got, want.Record.Column(int(i%part.Record.NumCols()))) {
						t.Errorf("column %d differs from row %d on", i, at0)
					}
				}
				want.Release()
				at0 += b.Rows()
			}
			if at0 != part.Rows() {
				t.Errorf("%d rows came back", at0)
			}
			flow.ReleaseAll(out)
		})
	}
}

// ABI-P-010: an SDK ends its program when the host is gone, also where the
// kernel does not tell. The host here is a shell that dies.
func TestLanguages_ParentGone_Ends(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the watch of the parent")
	}
	for language, dir := range zoos() {
		t.Run(language, func(t *testing.T) {
			at := dir(t)
			cmd := exec.Command("sh", "-c", `"./$0" >line & echo $!; sleep 0.2; while [ ! -s line ]; do sleep 0.1; done`, filepath.Base(at))
			cmd.Dir = at
			cmd.Env = append(os.Environ(), "FEATUREHOST_PLUGIN=transform-v1", "TMPDIR="+t.TempDir())
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			line, err := os.ReadFile(filepath.Join(at, "line"))
			if err != nil || !strings.HasPrefix(string(line), "1|1|unix|/") || strings.Count(string(line), "\n") != 1 {
				t.Errorf("handshake %q, %v", line, err)
			}
			deadline := time.Now().Add(6 * time.Second)
			for pid := strings.TrimSpace(string(out)); ; time.Sleep(100 * time.Millisecond) {
				if _, err := os.Stat("/proc/" + pid); err != nil {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("process %s outlives its parent", pid)
				}
			}
		})
	}
}

// The temporary folder may have a name that is no URI.
func TestLanguages_OddTempDir_Works(t *testing.T) {
	in := hosttest.Zoo(t, 5, 1)
	defer in.Release()
	for language, dir := range zoos() {
		t.Run(language, func(t *testing.T) {
			odd := filepath.Join(shortTemp(t), "a b#c?d%41")
			if err := os.Mkdir(odd, 0o700); err != nil {
				t.Fatal(err)
			}
			e := newEngine(t)
			e.options.TempDir = odd
			s, _ := open(t, load(t, e, dir(t)), Use{}, in.Record.Schema())
			process(t, s, in).Release()
			if started, _ := filepath.Glob(filepath.Join(odd, "fh-*", "flight.sock")); len(started) != 1 {
				t.Errorf("sockets in the folder: %q", started)
			}
		})
	}
}

// shortTemp gives a temporary folder whose path leaves room for that of a socket.
func shortTemp(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "fhtest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// A plugin that is started by hand says what it is.
func TestLanguages_ByHand_Explains(t *testing.T) {
	for language, dir := range zoos() {
		at := dir(t)
		cmd := exec.Command("./" + filepath.Base(at))
		cmd.Dir = at
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "is a plugin for featurehost, which starts it itself") || !strings.Contains(string(out), `use = "zoo`) {
			t.Errorf("%s: %v, %s", language, err, out)
		}
	}
}

// The sample in Python carries the module that authors copy, unchanged.
func TestLanguages_Python_SameModule(t *testing.T) {
	a, err := os.ReadFile(filepath.Join(root, "pluginsdk", "python", "featurehost_plugin.py"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "plugins", "delay_score_py", "featurehost_plugin.py"))
	if err != nil || string(a) != string(b) {
		t.Errorf("plugins/delay_score_py/featurehost_plugin.py differs from pluginsdk/python (%v): copy it", err)
	}
}

// The host links one Arrow library, whatever its plugins link.
func TestHost_LinksNoArrow15(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./cmd/featurehost")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "github.com/apache/arrow/go/") || !strings.Contains(string(out), "github.com/apache/arrow-go/v18/arrow\n") {
		t.Error("the host links another Arrow library than v18")
	}
	cmd = exec.Command("go", "list", "-deps", "./plugins/legacy_arrow15")
	cmd.Dir = root
	if out, err = cmd.Output(); err != nil || !strings.Contains(string(out), "github.com/apache/arrow/go/v15/arrow/flight\n") || strings.Contains(string(out), "arrow-go/v18") {
		t.Errorf("the legacy plugin is not on v15 alone: %v", err)
	}
}
