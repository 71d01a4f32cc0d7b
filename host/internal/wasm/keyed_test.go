package wasm

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/contract"
)

//go:embed testdata/nth.wasm
var nthCode []byte

func nth(t testing.TB, e *Engine) *Module {
	t.Helper()
	return load(t, e, packed(t, nthCode, `{"abi":"1.0","name":"nth","version":"1.0.0","kind":"keyed","input":{"columns":[]},"output":{"mode":"init"},
		"config_schema":{"type":"object","properties":{"half":{"type":"boolean","default":false},"fail":{"type":"string","default":""}}},
		"stateful":true,"deterministic":true}`))
}

func byUser() contract.Grouping { return contract.Grouping{Keys: []string{"user"}, Time: "ts"} }

const events = "ts timestamp, user bigint, what string"

func keyed(t testing.TB, m *Module, config map[string]any) *Keyed {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	k := m.Keyed(Use{Config: config, By: byUser()}, env)
	t.Cleanup(func() { k.Close() })
	if _, err := k.Open(context.Background(), hosttest.Batch(t, events).Record.Schema()); err != nil {
		t.Fatal(err)
	}
	return k
}

// lines are rows of events, day by day.
func lines() []string {
	return []string{
		"2024-01-01T00:00:00Z | 7 | a", "2024-01-02T00:00:00Z | 7 | b", "2024-01-03T00:00:00Z | 7 | c",
		"2024-01-01T00:00:00Z | 8 | d", "2024-01-05T00:00:00Z | 9 | e", "2024-01-06T00:00:00Z | 9 | null", "2024-01-07T00:00:00Z | 11 | g",
	}
}

// through gives what becomes of batches of so many rows.
func through(t testing.TB, k flow.Stage, size int) (string, error) {
	t.Helper()
	var out hosttest.Recorder
	defer out.Release()
	all := hosttest.Batch(t, events, lines()...)
	defer all.Release()
	for from := 0; from < len(lines()); from += size {
		part := all.Slice(int64(from), int64(min(from+size, len(lines()))))
		err := k.Process(context.Background(), part, out.Emit)
		part.Release()
		if err != nil {
			return out.Text(), err
		}
	}
	err := k.Flush(context.Background(), out.Emit)
	return out.Text(), err
}

// ABI-M-012, ABI-M-016: rows come with the input rows that they name, keys are
// kept across batches, and the flush has keys, time and the plugin's columns.
func TestKeyed_RowsTakenAndFlushed(t *testing.T) {
	m := nth(t, newEngine(t))
	want := `2024-01-01 | 7 | a | 1
2024-01-02 | 7 | b | 2
2024-01-03 | 7 | c | 3
2024-01-01 | 8 | d | 1
2024-01-05 | 9 | e | 1
2024-01-06 | 9 | null | 2
2024-01-07 | 11 | g | 1
2024-01-03 | 7 | null | 3
2024-01-01 | 8 | null | 1
2024-01-06 | 9 | null | 2
2024-01-07 | 11 | null | 1
`
	for _, size := range []int{1, 2, 3, 7} {
		k := keyed(t, m, nil)
		got, err := through(t, k, size)
		if err != nil || got != want {
			t.Errorf("batches of %d: %v\n%s", size, err, got)
		}
	}
	got, err := through(t, keyed(t, m, map[string]any{"half": true}), 7)
	wantHalf := `2024-01-07 | 11 | g | 1
2024-01-05 | 9 | e | 1
2024-01-01 | 8 | d | 1
2024-01-03 | 7 | c | 3
2024-01-01 | 7 | a | 1
2024-01-03 | 7 | null | 3
2024-01-01 | 8 | null | 1
2024-01-06 | 9 | null | 2
2024-01-07 | 11 | null | 1
`
	if err != nil || got != wantHalf {
		t.Errorf("half: %v\n%s", err, got)
	}
}

// ABI-M-012: a copy has a guest of its own, whose keys no other sees.
func TestKeyed_Copies_KnowTheirOwnKeys(t *testing.T) {
	k := keyed(t, nth(t, newEngine(t)), nil)
	a, err := k.Fork(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := k.Fork(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	one, err := through(t, a, 3)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := through(t, b, 3); err != nil || one != two {
		t.Errorf("%v\n%s\nthen\n%s", err, one, two)
	}
	var out hosttest.Recorder
	if err := k.Flush(context.Background(), out.Emit); err != nil || len(out.Batches) > 0 {
		t.Errorf("a copy without rows flushes %d batches, %v", len(out.Batches), err)
	}
}

// ABI-M-012, ABI-W-044: answers that are none, and that what was known is lost.
func TestKeyed_Misdeeds_Refused(t *testing.T) {
	m := nth(t, newEngine(t))
	for fail, code := range map[string]fault.Code{
		"rows": cdata.BadLength, "many": cdata.TooMuch, "trap": abi.CodeTrap, "flush": abi.CodeData, "flushtrap": abi.CodeTrap, "endless": cdata.BadLength,
	} {
		k := keyed(t, m, map[string]any{"fail": fail})
		_, err := through(t, k, 3)
		if !fault.Is(err, code) || !strings.Contains(err.Error(), `stage "nth"`) {
			t.Errorf("%s: %v", fail, err)
		}
		if _, err := through(t, k, 3); err == nil || !strings.Contains(err.Error(), "is lost") {
			t.Errorf("%s, again: %v", fail, err)
		}
	}
}

// ABI-M-012: a module is not told max_batch_rows, so that its flush may answer
// more rows at once; they go on as batches of so many.
func TestKeyed_SmallBatches_FlushIsCut(t *testing.T) {
	m := nth(t, newEngine(t))
	want, err := through(t, keyed(t, m, nil), 7)
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{1, 2} {
		env, _, _ := hosttest.Env(t)
		k := m.Keyed(Use{By: byUser(), Limits: abi.Limits{MaxBatchRows: most}}, env)
		defer k.Close()
		all := hosttest.Batch(t, events, lines()...)
		defer all.Release()
		if _, err := k.Open(context.Background(), all.Record.Schema()); err != nil {
			t.Fatal(err)
		}
		var out hosttest.Recorder
		defer out.Release()
		if err := errors.Join(k.Process(context.Background(), all, out.Emit), k.Flush(context.Background(), out.Emit)); err != nil || out.Text() != want {
			t.Errorf("by %d: %v\n%s", most, err, out.Text())
		}
		for _, b := range out.Batches {
			if b.Rows() > int64(most) {
				t.Errorf("by %d: a batch of %d rows", most, b.Rows())
			}
		}
	}
}

// ABI-M-012: what a keyed stage needs, and what others must not have.
func TestKeyed_Binding(t *testing.T) {
	e := newEngine(t)
	env, _, _ := hosttest.Env(t)
	schema := hosttest.Batch(t, events).Record.Schema()
	for _, c := range []struct {
		by   contract.Grouping
		code fault.Code
		says string
	}{
		{contract.Grouping{}, abi.CodeConfig, `keys = ["..."]`},
		{contract.Grouping{Keys: []string{"user"}}, abi.CodeConfig, "time"},
		{contract.Grouping{Keys: []string{"usr"}, Time: "ts"}, abi.CodeInputSchema, `did you mean "user"`},
		{contract.Grouping{Keys: []string{"user"}, Time: "what"}, abi.CodeInputSchema, "timestamp[us,UTC]"},
	} {
		k := nth(t, e).Keyed(Use{By: c.by}, env)
		if _, err := k.Open(context.Background(), schema); !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.by, err)
		}
		k.Close()
	}
	s := load(t, e, hostilePlugin(t, "map", decided)).Stage(Use{By: byUser()}, env)
	defer s.Close()
	if _, err := s.Open(context.Background(), batchOf(t, 1, 1).Record.Schema()); !fault.Is(err, abi.CodeConfig) {
		t.Errorf("a map with keys: %v", err)
	}
	k := keyed(t, nth(t, e), nil)
	if got := fmt.Sprintf("%+v", k.Order()); got != "{Keys:[user] Time:ts Then:[] Ties:[what]}" {
		t.Error(got)
	}
}
