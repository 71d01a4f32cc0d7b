package wasm

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

const nthInGo = `{"abi":"1.0","name":"nth","version":"1.0.0","kind":"keyed","wasi":"preview1","input":{"columns":[]},
	"output":{"mode":"static","columns":[{"name":"fh_rows","type":"int32","nullable":false},{"name":"nth","type":"int64","nullable":true}]},
	"config_schema":{"type":"object","properties":{"half":{"type":"boolean","default":false},"fail":{"type":"string","default":""}}},
	"stateful":true,"deterministic":true}`

// nthGuest compiles the guest in Go.
func nthGuest(t testing.TB, e *Engine) *Module {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles Go")
	}
	out := filepath.Join(t.TempDir(), "nth.wasm")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = filepath.Join("testdata", "nth_go")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, e, packed(t, code, nthInGo))
}

// cutThrough puts rows through a stage in batches of so many, then flushes it.
func cutThrough(t testing.TB, k flow.Stage, in flow.Batch, size int64) string {
	t.Helper()
	var out hosttest.Recorder
	defer out.Release()
	for from := int64(0); from < in.Rows(); from += size {
		part := in.Slice(from, min(from+size, in.Rows()))
		err := k.Process(t.Context(), part, out.Emit)
		part.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Flush(t.Context(), out.Emit); err != nil {
		t.Fatal(err)
	}
	return out.Text()
}

// ABI-M-012, ABI-M-016: the keyed guests in C and in Go give the same rows, whatever
// the cut of the batches.
func TestSDK_Keyed_SameRowsWhateverTheCut(t *testing.T) {
	e := newEngine(t)
	c, inGo := nth(t, e), nthGuest(t, e)
	r := rand.New(rand.NewPCG(3, 5))
	var rows []string
	at := map[int]int{}
	for range 300 {
		user := r.IntN(23)
		at[user]++
		rows = append(rows, fmt.Sprintf("2024-01-%02dT00:00:00Z | %d | w%d", at[user], user, r.IntN(5)))
	}
	in := hosttest.Batch(t, events, rows...)
	defer in.Release()
	for _, half := range []bool{false, true} {
		for _, size := range []int64{1, 2, 7, 64, 300} {
			config := map[string]any{"half": half}
			want := cutThrough(t, keyed(t, c, config), in, size)
			if got := cutThrough(t, keyed(t, inGo, config), in, size); got != want {
				t.Errorf("half %t, batches of %d:\n%s\nwant\n%s", half, size, got, want)
			}
			if !half && strings.Count(want, "\n") != 323 {
				t.Errorf("%d rows, want 300 and one for each of 23 keys", strings.Count(want, "\n"))
			}
		}
	}
}

// ABI-E-001: what goes wrong in a keyed guest in Go has the codes of the one in C,
// and is told.
func TestSDK_Keyed_Failures_SaySomething(t *testing.T) {
	m := nthGuest(t, newEngine(t))
	for _, c := range []struct {
		fail string
		code fault.Code
		says string
	}{
		{"rows", cdata.BadLength, "entry 0 is 3"},
		{"trap", abi.CodeTrap, "panic: fail says so"},
		{"flush", abi.CodeData, "cannot"},
		{"flushtrap", abi.CodeTrap, "panic: fail says so"},
		{"endless", cdata.TooMuch, "after 7 rows"},
		{"take", abi.CodeTrap, "Take is for the batches"},
	} {
		k := keyed(t, m, map[string]any{"fail": c.fail})
		if _, err := through(t, k, 3); !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v with %q", c.fail, err, c.code, c.says)
		}
		if _, err := through(t, k, 3); err == nil || !strings.Contains(err.Error(), "is lost") {
			t.Errorf("%s, again: %v", c.fail, err)
		}
	}
}
