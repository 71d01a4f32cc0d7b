package process

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/wasm"
)

func nthManifest(name string) string {
	return fmt.Sprintf(`{"abi":"1.0","name":%q,"version":"1.0.0","kind":"keyed","input":{"columns":[]},"output":{"mode":"init"},
		"config_schema":{"type":"object","properties":{"half":{"type":"boolean","default":false},"fail":{"type":"string","default":""}}},
		"stateful":true,"deterministic":true}`, name)
}

// nths gives the keyed plugin in each language.
func nths() map[string]func(t testing.TB) string {
	return map[string]func(t testing.TB) string{
		"go": func(t testing.TB) string {
			return folder(t, "nth_go", programs.build(t, "host/internal/process/testdata/nth_go"), nthManifest("nth_go"))
		},
		"python": func(t testing.TB) string {
			return pyFolder(t, "nth_py", filepath.Join("testdata", "nth_py", "plugin.py"), nthManifest("nth_py"))
		},
	}
}

const nthEvents = "ts timestamp, user bigint, what string"

func byUser(config map[string]any) Use {
	return Use{Config: config, By: contract.Grouping{Keys: []string{"user"}, Time: "ts"}}
}

// nthRows are rows of some keys by turns, each in order of time.
func nthRows(t testing.TB) flow.Batch {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 5))
	var lines []string
	at := map[int]int{}
	for range 200 {
		user := r.IntN(17)
		at[user]++
		lines = append(lines, fmt.Sprintf("2024-01-%02dT00:00:00Z | %d | w%d", at[user], user, r.IntN(5)))
	}
	return hosttest.Batch(t, nthEvents, lines...)
}

// cutThrough puts rows through a stage in batches of so many, then flushes it.
func cutThrough(k flow.Stage, in flow.Batch, size int64) (string, error) {
	var out hosttest.Recorder
	defer out.Release()
	for from := int64(0); from < in.Rows(); from += size {
		part := in.Slice(from, min(from+size, in.Rows()))
		err := k.Process(context.Background(), part, out.Emit)
		part.Release()
		if err != nil {
			return out.Text(), err
		}
	}
	err := k.Flush(context.Background(), out.Emit)
	return out.Text(), err
}

// ABI-M-012, ABI-M-016: a keyed plugin gives the same rows as a Wasm module, as a
// program in Go and in Python, whatever the cut of the batches; each copy knows
// its own keys.
func TestKeyed_Languages_SameRowsWhateverTheCut(t *testing.T) {
	code, err := os.ReadFile(filepath.Join("..", "wasm", "testdata", "nth.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := abi.Pack(code, []byte(nthManifest("nth")))
	if err != nil {
		t.Fatal(err)
	}
	e, err := wasm.NewEngine(wasm.Options{CacheDir: filepath.Join(os.TempDir(), "featurehost-test-cache")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	module, err := e.Load(packed)
	if err != nil {
		t.Fatal(err)
	}
	in := nthRows(t)
	t.Cleanup(in.Release)
	byModule := func(u Use, size int64) string {
		guest := module.Keyed(wasm.Use{Config: u.Config, By: u.By}, hosttestEnv(t))
		defer guest.Close()
		if _, err := guest.Open(context.Background(), in.Record.Schema()); err != nil {
			t.Fatal(err)
		}
		rows, err := cutThrough(guest, in, size)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	for language, dir := range nths() {
		t.Run(language, func(t *testing.T) {
			m := load(t, newEngine(t), dir(t))
			for _, half := range []bool{false, true} {
				u := byUser(map[string]any{"half": half})
				first := keyed(t, m, u, in.Record.Schema())
				for _, size := range []int64{1, 7, 64, 200} {
					want := byModule(u, size)
					k, err := first.Fork(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					got, err := cutThrough(k, in, size)
					if err != nil || got != want {
						t.Errorf("half %t, batches of %d: %v\n%s\nwant\n%s", half, size, err, got, want)
					}
					if !half && strings.Count(got, "\n") != 217 {
						t.Errorf("%d rows, want 200 and one for each of 17 keys", strings.Count(got, "\n"))
					}
					if err := k.Close(); err != nil {
						t.Error(err)
					}
				}
				if got, err := cutThrough(first, in, 200); err != nil || got != byModule(u, 200) {
					t.Errorf("half %t, after its copies: %v\n%s", half, err, got)
				}
			}
		})
	}
}

// ABI-P-012: an SDK cuts what is flushed to max_batch_rows and to messages, and
// a flush may have nothing.
func TestKeyed_Languages_FlushCut(t *testing.T) {
	in := nthRows(t)
	t.Cleanup(in.Release)
	for language, dir := range nths() {
		t.Run(language, func(t *testing.T) {
			m := load(t, newEngine(t), dir(t))
			u := byUser(nil)
			u.Limits.MaxBatchRows = 2
			var out hosttest.Recorder
			defer out.Release()
			k := keyed(t, m, u, in.Record.Schema())
			if err := k.Process(context.Background(), in, out.Emit); err != nil {
				t.Fatal(err)
			}
			n := len(out.Batches)
			if err := k.Flush(context.Background(), out.Emit); err != nil {
				t.Fatal(err)
			}
			// 17 keys, 3 at once, 2 to a batch.
			if got := len(out.Batches) - n; n != 100 || got != 11 {
				t.Errorf("%d batches, then %d of the flush, want 100 and 11", n, got)
			}
			if rows, err := cutThrough(keyed(t, m, byUser(map[string]any{"fail": "nothing"}), in.Record.Schema()), in, 200); err != nil || strings.Count(rows, "\n") != 200 {
				t.Errorf("%v, %d rows", err, strings.Count(rows, "\n"))
			}
		})
	}
}

// ABI-P-008, ABI-P-012: what goes wrong in a keyed plugin comes out with the same
// code in each language.
func TestKeyed_Languages_Failures_SameCodes(t *testing.T) {
	in := nthRows(t)
	t.Cleanup(in.Release)
	for language, dir := range nths() {
		t.Run(language, func(t *testing.T) {
			m := load(t, newEngine(t), dir(t))
			for _, c := range []struct {
				fail string
				code fault.Code
				says string
			}{
				{"rows", cdata.BadLength, `"fh_rows": entry 0 is 200`},
				{"flush", abi.CodeData, "rejected the flush: cannot"},
				{"flushpanic", abi.CodeBadBatch, "cannot"},
				{"memory", abi.CodeMemory, ""},
				{"schema", abi.CodeBadBatch, "the flush has another schema"},
				{"endless", cdata.TooMuch, "after 200 rows"},
				{"transform", abi.CodeInit, "by its manifest the plugin is keyed"},
			} {
				u := byUser(map[string]any{"fail": c.fail})
				k := m.Keyed(u, hosttestEnv(t))
				impatient(k.stage)
				_, err := k.Open(context.Background(), in.Record.Schema())
				if err == nil {
					_, err = cutThrough(k, in, 200)
				}
				if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: got %v, want %v with %q", c.fail, err, c.code, c.says)
				}
				if err := k.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
