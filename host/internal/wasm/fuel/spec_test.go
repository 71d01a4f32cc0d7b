package fuel_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// specSuite finds the core test suite of WebAssembly, which comes inside the
// engine's module as JSON scripts and binaries.
func specSuite(t *testing.T, version string) fs.FS {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	return suiteFS{os.DirFS(filepath.Join(dir, version, "testdata")), os.DirFS(filepath.Join(dir, "testdata"))}
}

// suiteFS looks into one folder, then into another.
type suiteFS [2]fs.FS

func (s suiteFS) Open(name string) (fs.File, error) {
	f, err := s[0].Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s[1].Open(name)
	}
	return f, err
}

// script is one file of the suite
// (https://github.com/WebAssembly/wabt/blob/main/docs/wast2json.md).
type script struct {
	Commands []command `json:"commands"`
}

type command struct {
	Type     string  `json:"type"`
	Line     int     `json:"line"`
	Name     string  `json:"name"`
	Filename string  `json:"filename"`
	As       string  `json:"as"`
	Kind     string  `json:"module_type"`
	Action   action  `json:"action"`
	Expected []value `json:"expected"`
}

type action struct {
	Type   string  `json:"type"`
	Args   []value `json:"args"`
	Field  string  `json:"field"`
	Module string  `json:"module"`
}

type value struct {
	Type  string `json:"type"`
	Lane  string `json:"lane_type"`
	Value any    `json:"value"`
}

// words gives a value as the engine takes it; any tells that a result may be
// one of several, and mask which bits of it are settled all the same.
func (v value) words() (words, mask []uint64) {
	if v.Type != "v128" {
		w, m := scalar(v.Type, v.Value)
		return []uint64{w}, []uint64{m}
	}
	width, _ := strconv.Atoi(v.Lane[1:])
	words, mask = make([]uint64, 2), make([]uint64, 2)
	for i, lane := range v.Value.([]any) {
		w, m := scalar(v.Lane, lane)
		words[i*width/64] |= w << (i * width % 64)
		mask[i*width/64] |= m << (i * width % 64)
	}
	return words, mask
}

// scalar reads a number. Of a NaN only exponent and the quiet bit are settled.
func scalar(typ string, v any) (word, mask uint64) {
	text, _ := v.(string)
	narrow := strings.HasSuffix(typ, "32")
	switch {
	case typ == "funcref" || typ == "externref" || typ == "exnref":
		if v == nil {
			return 0, 0
		}
		if text == "null" {
			return 0, ^uint64(0)
		}
		n, _ := strconv.ParseUint(text, 10, 64)
		return n + 1, ^uint64(0) // the engine takes 0 for null
	case strings.HasPrefix(text, "nan:") && narrow:
		return 0x7FC00000, 0x7FC00000
	case strings.HasPrefix(text, "nan:"):
		return 0x7FF8000000000000, 0x7FF8000000000000
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		s, _ := strconv.ParseInt(text, 10, 64)
		n = uint64(s)
	}
	width, _ := strconv.Atoi(typ[1:])
	return n & (^uint64(0) >> (64 - width)), ^uint64(0) >> (64 - width)
}

// world runs a script, with or without fuel.
type world struct {
	rt      wazero.Runtime
	slice   int64 // of fuel; 0 without
	last    api.Module
	byName  map[string]api.Module
	all     []api.Module
	refused error
}

func newWorld(t *testing.T, suite fs.FS, config wazero.RuntimeConfig, slice int64) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{rt: wazero.NewRuntimeWithConfig(ctx, config), slice: slice, byName: map[string]api.Module{}}
	t.Cleanup(func() { _ = w.rt.Close(ctx) })
	code, err := fs.ReadFile(suite, "spectest.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.rt.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig()); err != nil {
		t.Fatal(err)
	}
	return w
}

// load instantiates a module.
func (w *world) load(code []byte, name string) (api.Module, error) {
	if w.slice > 0 {
		metered, err := fuel.MeterBy(code, w.slice)
		w.refused = err
		if err != nil {
			return nil, err
		}
		code = metered
	}
	m, err := w.rt.InstantiateWithConfig(context.Background(), code, wazero.NewModuleConfig().WithName(name))
	if err == nil && w.slice > 0 {
		err = start(m, fuel.MaxBudget)
	}
	return m, err
}

// act runs an action and gives its results.
func (w *world) act(a action) ([]uint64, error) {
	m := w.last
	if a.Module != "" {
		m = w.byName[a.Module]
	}
	if a.Type == "get" {
		return []uint64{m.ExportedGlobal(a.Field).Get()}, nil
	}
	var args []uint64
	for _, v := range a.Args {
		words, _ := v.words()
		args = append(args, words...)
	}
	return m.ExportedFunction(a.Field).Call(context.Background(), args...)
}

// state is all that can be seen of the modules from outside, but for the tank.
func (w *world) state() string {
	var b strings.Builder
	for i, m := range w.all {
		if mem := m.Memory(); !reflect.ValueOf(mem).IsNil() {
			view, _ := mem.Read(0, mem.Size())
			fmt.Fprintf(&b, "%d: memory %d %x\n", i, mem.Size(), sha256.Sum256(view))
		}
		if g := m.ExportedGlobal("e"); g != nil {
			fmt.Fprintf(&b, "%d: global %v\n", i, g.Get())
		}
	}
	return b.String()
}

// step runs one command and says what became of it.
func (w *world) step(t *testing.T, suite fs.FS, c command, as string) string {
	t.Helper()
	read := func() []byte {
		code, err := fs.ReadFile(suite, c.Filename)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	switch c.Type {
	case "module":
		m, err := w.load(read(), as)
		if err != nil {
			return "refused: " + first(err)
		}
		w.last = m
		w.all = append(w.all, m)
		if c.Name != "" {
			w.byName[c.Name] = m
		}
		return "loaded"
	case "assert_malformed", "assert_invalid", "assert_unlinkable", "assert_uninstantiable":
		if c.Kind == "text" {
			return ""
		}
		if _, err := w.load(read(), ""); err != nil {
			return "refused"
		}
		return "taken"
	}
	got, err := w.act(c.Action)
	if err != nil {
		return "error: " + first(err)
	}
	for i := 0; i < len(got) && i < len(c.Expected); i++ {
		if c.Expected[i].Type == "funcref" && got[i] != 0 { // an address
			got[i] = 1
		}
	}
	if len(c.Expected) > 0 {
		holdResults(t, c, got)
	}
	return fmt.Sprintf("%x", got)
}

func holdResults(t *testing.T, c command, got []uint64) {
	t.Helper()
	var want, mask []uint64
	for _, v := range c.Expected {
		w, m := v.words()
		want, mask = append(want, w...), append(mask, m...)
	}
	if len(want) != len(got) {
		t.Errorf("line %d: %d results, want %d", c.Line, len(got), len(want))
		return
	}
	for i := range want {
		if got[i]&mask[i] != want[i]&mask[i] {
			t.Errorf("line %d: result %x, want %x (mask %x)", c.Line, got, want, mask)
			return
		}
	}
}

// first gives what an error says before it shows frames, which hold addresses.
func first(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}

// ABI-W-065: the core suite gives the same with fuel as without, command by
// command: results to the bit, traps, memories, and what is refused.
func TestMeter_SpecSuite_AsPlain(t *testing.T) {
	for _, engine := range []struct {
		name   string
		config wazero.RuntimeConfig
	}{{"compiler", wazero.NewRuntimeConfigCompiler()}, {"interpreter", wazero.NewRuntimeConfigInterpreter()}} {
		for version, features := range map[string]api.CoreFeatures{"v1": api.CoreFeaturesV1, "v2": api.CoreFeaturesV2} {
			suite := specSuite(t, version)
			scripts, err := fs.Glob(suite.(suiteFS)[0], "*.json")
			if err != nil || len(scripts) < 70 {
				t.Fatalf("%d scripts: %v", len(scripts), err)
			}
			for _, name := range scripts {
				if testing.Short() && (engine.name == "interpreter" || version == "v1") {
					continue
				}
				t.Run(engine.name+"/"+version+"/"+strings.TrimSuffix(name, ".json"), func(t *testing.T) {
					t.Parallel()
					runScript(t, suite, name, engine.config.WithCoreFeatures(features))
				})
			}
		}
	}
}

func runScript(t *testing.T, suite fs.FS, name string, config wazero.RuntimeConfig) {
	raw, err := fs.ReadFile(suite, name)
	if err != nil {
		t.Fatal(err)
	}
	var s script
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	// With slices of one unit the guest steps aside wherever it can.
	plain, metered, halting := newWorld(t, suite, config, 0), newWorld(t, suite, config, fuel.Slice), newWorld(t, suite, config, 1)
	for i, c := range s.Commands {
		as := ""
		if c.Type == "register" {
			continue
		}
		if i+1 < len(s.Commands) && s.Commands[i+1].Type == "register" {
			as = s.Commands[i+1].As
		}
		want := plain.step(t, suite, c, as)
		for _, w := range []*world{metered, halting} {
			if got := w.step(t, suite, c, as); got != want {
				t.Errorf("line %d, %s %s: %s with fuel by %d, %s without (%v)", c.Line, c.Type, c.Action.Field, got, w.slice, want, w.refused)
			}
		}
		if c.Type == "module" && want != "loaded" {
			t.Errorf("line %d: %s", c.Line, want)
		}
	}
	for _, w := range []*world{metered, halting} {
		if got, want := w.state(), plain.state(); got != want {
			t.Errorf("state with fuel by %d:\n%swithout:\n%s", w.slice, got, want)
		}
	}
}
