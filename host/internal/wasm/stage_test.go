package wasm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/conformance/hostile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// plugin reads a sample plugin, or skips when it is not built: the Go one
// needs `make plugins`.
func plugin(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "plugins", name, name+".wasm"))
	if os.IsNotExist(err) {
		t.Skipf("plugin %s is not built", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newEngine(t testing.TB) *Engine {
	t.Helper()
	dir := os.Getenv("FEATUREHOST_TEST_CACHE")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "featurehost-test-cache")
	}
	e, err := NewEngine(Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func load(t testing.TB, e *Engine, wasm []byte) *Module {
	t.Helper()
	m, err := e.Load(wasm)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// open gives an open stage that is closed with the test.
func open(t testing.TB, m *Module, u Use, in *flow.Schema) (*Stage, *flow.Schema) {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	s := m.Stage(u, env)
	t.Cleanup(func() { _ = s.Close() })
	out, err := s.Open(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return s, out
}

// run opens a stage, puts one batch through it and gives the rows as text.
func run(t testing.TB, m *Module, u Use, b flow.Batch) string {
	t.Helper()
	defer b.Release()
	s, out := open(t, m, u, b.Record.Schema())
	var got hosttest.Recorder
	defer got.Release()
	if err := s.Process(context.Background(), b, got.Emit); err != nil {
		t.Fatal(err)
	}
	for _, x := range got.Batches {
		if !x.Record.Schema().Equal(out) {
			t.Errorf("schema %v, Open answered %v", x.Record.Schema(), out)
		}
	}
	return got.Text()
}

// The twins in C and Go give the same bytes, whatever the batch. The expected
// rows are those beside the plugins.
func TestStage_DelayScore_BothLanguages(t *testing.T) {
	for _, name := range []string{"delay_score_c", "delay_score"} {
		t.Run(name, func(t *testing.T) {
			m := load(t, newEngine(t), plugin(t, name))
			for _, c := range testRows(t, name) {
				rows, want := make([]string, len(c.Rows)), ""
				for i, r := range c.Rows {
					rows[i] = r[0] + " | " + r[1]
					want += rows[i] + " | " + r[2] + "\n"
				}
				got := run(t, m, Use{Config: c.Config}, hosttest.Batch(t, "dep_delay double, wind_speed double", rows...))
				if got != want {
					t.Errorf("config %v: got\n%s\nwant\n%s", c.Config, got, want)
				}
			}
		})
	}
}

type rowsCase struct {
	Config map[string]any
	Rows   [][3]string
}

func testRows(t testing.TB, name string) []rowsCase {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "plugins", name, "testdata", "rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []rowsCase
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// ABI-M-016, ABI-W-016: the same rows come out however they were cut, from
// slices at any bit, and from both languages.
func TestStage_SplitBatches_SameBytes(t *testing.T) {
	e := newEngine(t)
	modules := map[string]*Module{"c": load(t, e, plugin(t, "delay_score_c"))}
	if b, err := os.ReadFile(filepath.Join("..", "..", "..", "plugins", "delay_score", "delay_score.wasm")); err == nil {
		modules["go"] = load(t, e, b)
	}
	whole := flights(t, 3000)
	defer whole.Release()
	delay, wind := whole.Record.Column(2).(*array.Float64), whole.Record.Column(3).(*array.Float64)
	want, valid := make([]float64, 3000), make([]byte, 375)
	native(delay, wind, 15, want, valid)
	for name, m := range modules {
		s, _ := open(t, m, Use{}, whole.Record.Schema())
		rapid.Check(t, func(rt *rapid.T) {
			for from := 0; from < 3000; {
				n := rapid.IntRange(1, min(1700, 3000-from)).Draw(rt, "rows")
				part := flow.Batch{Record: whole.Record.NewSlice(int64(from), int64(from+n))}
				var got hosttest.Recorder
				err := s.Process(context.Background(), part, got.Emit)
				part.Release()
				if err != nil {
					rt.Fatal(err)
				}
				col := got.Batches[0].Record.Column(4).(*array.Float64)
				for i := range n {
					k := from + i
					if null := valid[k>>3]>>(k&7)&1 == 0; null != col.IsNull(i) || math.Float64bits(col.Value(i)) != math.Float64bits(want[k]) {
						rt.Fatalf("%s, row %d: got %v, want %v, null %t", name, k, col.Value(i), want[k], null)
					}
				}
				got.Release()
				from += n
			}
		})
	}
}

// ABI-M-010, ABI-W-012: the columns that the guest does not see are the
// input's own, not copies; a declared column of the same name is replaced in
// its place.
func TestStage_Map_AttachesByReference(t *testing.T) {
	e := newEngine(t)
	m := load(t, e, hostilePlugin(t, "map", `{"mode":"static","columns":[{"name":"x","type":"float64","nullable":true}]}`))
	b := hosttest.Batch(t, "a string, x double, z bigint", "p | 2 | 7", "q | null | 8")
	defer b.Release()
	s, _ := open(t, m, mode("replace_x"), b.Record.Schema())
	if got := s.Makes(); len(got) != 1 || got[0] != "x" {
		t.Errorf("makes %q", got)
	}
	if got := s.Reads(); len(got) != 1 || got[0] != "x" {
		t.Errorf("reads %v", got)
	}
	var got hosttest.Recorder
	defer got.Release()
	if err := s.Process(context.Background(), b, got.Emit); err != nil {
		t.Fatal(err)
	}
	if text := got.Text(); text != "p | 4 | 7\nq | null | 8\n" {
		t.Errorf("got\n%s", text)
	}
	out := got.Batches[0]
	if out.Record.Column(0) != b.Record.Column(0) || out.Record.Column(2) != b.Record.Column(2) {
		t.Error("a column that the guest never saw was copied")
	}
	if out.Position != b.Position {
		t.Errorf("position %v", out.Position)
	}
}

// ABI-W-013: output may point into the arena, which the host leaves alone
// until fh_release; ABI-W-002: a reactor without _initialize is one, too.
func TestStage_PassThrough_OutputInArena(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	in := batchOf(t, 7, 3000)
	defer in.Release()
	s, _ := open(t, m, mode("pass"), in.Record.Schema())
	var got hosttest.Recorder
	defer got.Release()
	for _, cut := range [][2]int64{{0, 3000}, {1, 2}, {0, 1}} {
		part := flow.Batch{Record: in.Record.NewSlice(cut[0], cut[1])}
		if err := s.Process(context.Background(), part, got.Emit); err != nil {
			t.Fatal(err)
		}
		part.Release()
	}
	for _, b := range got.Batches { // all still stand, though the arena was used again
		if !array.Equal(b.Record.Column(0), b.Record.Column(1)) {
			t.Errorf("%v became %v", b.Record.Column(0), b.Record.Column(1))
		}
	}
}

// ABI-M-011: both ways to select, further columns, all rows, none.
func TestStage_Filter_AppliesSelection(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "filter", decided))
	for _, c := range []struct{ mode, first, want string }{
		{"keep", "1", "1 | a\n3 | c\n5 | e\n"},
		{"keep_all", "13", "13 | a\nnull | b\n3 | c\n4 | d\n5 | e\n"},
		{"keep_none", "13", ""},
		{"rows", "1", "1 | a | 0\n3 | c | 1\n5 | e | 2\n"},
	} {
		got := run(t, m, mode(c.mode), hosttest.Batch(t, "x double, s string", c.first+" | a", "null | b", "3 | c", "4 | d", "5 | e"))
		if got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.mode, got, c.want)
		}
	}
}

// A filter gives back all that it borrowed.
func TestStage_Filter_ReleasesWhatItCut(t *testing.T) {
	pool := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer pool.AssertSize(t, 0)
	m := load(t, newEngine(t), hostilePlugin(t, "filter", decided))
	in := hosttest.Batch(t, "x double, s string, b boolean", "1 | a | true", "2 | b | false", "3 | c | null")
	defer in.Release()
	for _, way := range []string{"keep", "rows"} {
		s, _ := open(t, m, mode(way), in.Record.Schema())
		err := s.Process(compute.WithAllocator(context.Background(), pool), in, func(b flow.Batch) error { b.Release(); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ABI-W-017: a guest is not asked about no rows.
func TestStage_NoRows_NoCall(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	if got := run(t, m, mode("count_batches"), hosttest.Batch(t, "x double")); got != "" {
		t.Errorf("got %q", got)
	}
}

// ABI-W-060: batches above max_batch_rows are cut, and the lesser limit of
// author and operator holds.
func TestStage_LargeBatch_Split(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	u := mode("count_batches")
	u.Limits.MaxBatchRows = 2
	b := hosttest.Batch(t, "x double", "1", "2", "3", "4", "5")
	defer b.Release()
	s, _ := open(t, m, u, b.Record.Schema())
	var got hosttest.Recorder
	defer got.Release()
	if err := s.Process(context.Background(), b, got.Emit); err != nil {
		t.Fatal(err)
	}
	if want := "1 | 1\n2 | 1\n3 | 2\n4 | 2\n5 | 3\n"; got.Text() != want {
		t.Errorf("got\n%s\nwant\n%s", got.Text(), want)
	}
	if p := got.Batches[2].Position; p.Row != 4 {
		t.Errorf("the third piece is at %v", p)
	}
	if l := s.Limits(); l.Memory != 64<<20 || l.MaxBatchRows != 2 {
		t.Errorf("limits %+v", l)
	}
}

// ABI-M-003: input columns that do not fit, and config that does not.
func TestOpen_InputOrConfigUnfit_Refused(t *testing.T) {
	e := newEngine(t)
	const manifest = `{"abi":"1.0","name":"bound","version":"1.0.0","kind":"map",
		"input":{"columns":[{"name":"value","type":%q,"nullable":true,"bind":"column"%s}]},"output":{"mode":"static",
		"columns":[{"name":"%s","type":"float64","nullable":true}]},
		"config_schema":{"type":"object","properties":{"column":{"type":"string","default":"value"},"mode":{"type":"string","enum":["good"]}}},
		"stateful":false,"deterministic":true}`
	plugin := func(typ, more, out string) *Module {
		return load(t, e, packed(t, hostile.GuestProgram(), fmt.Sprintf(manifest, typ, more, out)))
	}
	for _, c := range []struct {
		name    string
		m       *Module
		columns string
		config  map[string]any
		code    fault.Code
		says    string
	}{
		{"missing", plugin("float64", "", "y"), "valeu double", nil, abi.CodeInputSchema, `did you mean "valeu"`},
		{"bound to missing", plugin("float64", "", "y"), "value double", map[string]any{"column": "price"}, abi.CodeInputSchema, `"price"`},
		{"wrong type", plugin("float64", "", "y"), "value bigint", nil, abi.CodeInputSchema, "int64"},
		{"safe cast", plugin("float64", `,"cast":"safe"`, "y"), "value bigint", nil, abi.CodeInputSchema, "not built"},
		{"unknown key", plugin("float64", "", "y"), "value double", map[string]any{"colunm": "x"}, abi.CodeConfig, `"column"`},
		{"wrong value", plugin("float64", "", "y"), "value double", map[string]any{"mode": "bad"}, abi.CodeConfig, "mode"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env, _, _ := hosttest.Env(t)
			s := c.m.Stage(Use{Config: c.config}, env)
			defer s.Close()
			b := hosttest.Batch(t, c.columns)
			defer b.Release()
			_, err := s.Open(context.Background(), b.Record.Schema())
			if !fault.Is(err, c.code) {
				t.Fatalf("got %v, want %v", err, c.code)
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), `stage "bound"`) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
	// The column's real name is the config's, and the guest does not care.
	got := run(t, plugin("any", "", "y"), Use{Config: map[string]any{"column": "price"}}, hosttest.Batch(t, "price double, value string", "4 | a"))
	if got != "4 | a | 8\n" {
		t.Errorf("got %q", got)
	}
}

// ABI-M-003: a null in a column declared without is the data's fault, and the
// guest lives on.
func TestStage_NullInNonNullable_DataError(t *testing.T) {
	section, err := abi.ReadSection(hostilePlugin(t, "map", decided))
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, newEngine(t), packed(t, hostile.GuestProgram(), strings.Replace(string(section), `"nullable":true`, `"nullable":false`, 1)))
	b, good := hosttest.Batch(t, "x double", "1", "null"), hosttest.Batch(t, "x double", "1")
	defer b.Release()
	defer good.Release()
	u := mode("count_batches")
	s, _ := open(t, m, u, b.Record.Schema())
	var got hosttest.Recorder
	defer got.Release()
	for _, step := range []struct {
		b    flow.Batch
		code fault.Code
	}{{good, 0}, {b, abi.CodeData}, {good, 0}} {
		if err := s.Process(context.Background(), step.b, got.Emit); step.code == 0 && err != nil || step.code != 0 && !fault.Is(err, step.code) {
			t.Fatalf("got %v, want %v", err, step.code)
		}
	}
	if got.Text() != "1 | 1\n1 | 2\n" {
		t.Errorf("got\n%s", got.Text())
	}
}

// ABI-W-070: status 1 keeps the instance, a trap does not; an instance above
// three quarters of its cap is replaced.
func TestStage_Instance_KeptOrDiscarded(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	for _, c := range []struct {
		mode, want string
		limits     abi.Limits
	}{
		{"count_batches", "1 2 3 4", abi.Limits{}},
		{"trap3", "ok ok fail ok", abi.Limits{}},
		{"data_third", "ok ok fail ok ok fail", abi.Limits{}},
	} {
		t.Run(c.mode, func(t *testing.T) {
			b := hosttest.Batch(t, "x double", "1")
			defer b.Release()
			u := mode(c.mode)
			u.Limits = c.limits
			s, _ := open(t, m, u, b.Record.Schema())
			var answers []string
			for range strings.Fields(c.want) {
				var got hosttest.Recorder
				err := s.Process(context.Background(), b, got.Emit)
				switch {
				case err != nil:
					answers = append(answers, "fail")
				case c.mode == "count_batches":
					answers = append(answers, hosttest.Value(got.Batches[0].Record.Column(1), 0))
				default:
					answers = append(answers, "ok")
				}
				got.Release()
			}
			if got := strings.Join(answers, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("full", func(t *testing.T) {
		b := hosttest.Batch(t, "x double", "1")
		defer b.Release()
		s, _ := open(t, m, mode("grow"), b.Record.Schema()) // by 800 of 1024 pages
		var got hosttest.Recorder
		defer got.Release()
		if err := s.Process(context.Background(), b, got.Emit); err != nil {
			t.Fatal(err)
		}
		if n := len(s.shared.pool.idle); n != 0 {
			t.Errorf("%d idle guests, want none: the one there was is full", n)
		}
	})
}

// ABI-W-052: an instance that answers another schema than the first is no
// instance of this stage.
func TestPool_SchemaDrift_Refused(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	b := hosttest.Batch(t, "x double", "1")
	defer b.Release()
	s, _ := open(t, m, mode("good"), b.Record.Schema())
	s.shared.pool.close()
	s.shared.pool.closed = false
	s.shared.pool.schema = b.Record.Schema()
	err := s.Process(context.Background(), b, nil)
	if !fault.Is(err, cdata.SchemaDrift) {
		t.Errorf("got %v, want %v", err, cdata.SchemaDrift)
	}
}

// ABI-W-032: the host functions of the clock, as seen from C.
func TestStage_Clock_IsTheRuns(t *testing.T) {
	u := mode("clock")
	u.Now = 42
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	if got := run(t, m, u, hosttest.Batch(t, "x double", "3")); got != "3 | 6\n" {
		t.Errorf("got %q", got)
	}
}

// ABI-W-010, ABI-W-013: copies of a stage work at the same time, share code,
// and end with the last one.
func TestStage_Fork_ConcurrentCopies(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	m := load(t, newEngine(t), plugin(t, "delay_score_c"))
	in := flights(t, 500)
	defer in.Release()
	s, _ := open(t, m, Use{}, in.Record.Schema())
	var want hosttest.Recorder
	defer want.Release()
	if err := s.Process(context.Background(), in, want.Emit); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		c, err := s.Fork(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer c.Close()
			for range 20 {
				err := c.Process(context.Background(), in, func(b flow.Batch) error {
					defer b.Release()
					if !array.RecordEqual(b.Record, want.Batches[0].Record) {
						t.Error("a copy gave other rows")
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if p := s.shared.pool; !p.closed || len(p.idle) != 0 {
		t.Error("the guests outlived the last copy")
	}
	if err := s.Process(context.Background(), in, nil); err == nil {
		t.Error("a closed stage takes batches")
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

// ABI-W-014: what was emitted outlives the guest, the stage and the engine.
func TestStage_Output_OutlivesEngine(t *testing.T) {
	e, err := NewEngine(Options{})
	if err != nil {
		t.Fatal(err)
	}
	env, _, _ := hosttest.Env(t)
	s := load(t, e, plugin(t, "delay_score_c")).Stage(Use{}, env)
	b := hosttest.Batch(t, "dep_delay double, wind_speed double", "35 | 10")
	defer b.Release()
	if _, err := s.Open(context.Background(), b.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	var got hosttest.Recorder
	defer got.Release()
	if err := s.Process(context.Background(), b, got.Emit); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got.Text() != "35 | 10 | 10\n" {
		t.Errorf("got %q", got.Text())
	}
}

// Failures leave no memory, goroutine or guest behind.
func TestStage_Failures_MemoryFlat(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	good, bad := batchOf(t, 1, 100), batchOf(t, 13, 100)
	defer good.Release()
	defer bad.Release()
	s, _ := open(t, m, mode("trap_value"), good.Record.Schema())
	round := func() {
		err := s.Process(context.Background(), bad, nil)
		if !fault.Is(err, abi.CodeTrap) {
			t.Fatalf("got %v", err)
		}
		if err := s.Process(context.Background(), good, func(b flow.Batch) error { b.Release(); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	heap := func() uint64 {
		for range 3 {
			runtime.GC()
		}
		var st runtime.MemStats
		runtime.ReadMemStats(&st)
		return st.HeapAlloc
	}
	for range 20 {
		round()
	}
	before := heap()
	for range 200 {
		round()
	}
	if after := heap(); after > before+4<<20 {
		t.Errorf("200 traps left %d KiB behind", (after-before)>>10)
	}
}

// ABI-E-002: each code of the ABI is explained once.
func TestCodes_EachExplainedOnce(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range Codes() {
		if seen[d.Code] || d.Title == "" || len(d.Explain) < 20 {
			t.Errorf("%v: %q", d.Code, d.Title)
		}
		seen[d.Code] = true
	}
	for _, c := range []fault.Code{abi.CodeTrap, abi.CodeImport, cdata.BadUTF8, CacheUnusable} {
		if !seen[c] {
			t.Errorf("%v is not explained", c)
		}
	}
}

func TestSplitTrace_NamesInnermost(t *testing.T) {
	what, frames := splitTrace(errors.New("wasm error: unreachable\nwasm stack trace:\n\t.score(i32,i32) i32\n\t\t0x1a: score.c:3\n\t.fh_process(i32,i32) i32"))
	if what != "unreachable" || frames != "score < fh_process" {
		t.Errorf("%q, %q", what, frames)
	}
}
