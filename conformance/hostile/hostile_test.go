package hostile_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/conformance/hostile"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// little is what guests may burn here, so that those that burn all of it are
// soon done.
func little() abi.Limits { return abi.Limits{FuelBase: 200_000, FuelPerRow: 50, Memory: 6 << 20} }

// rows of column x, the first one of the value given.
func rows(t testing.TB, first float64, n int) flow.Batch {
	t.Helper()
	text := make([]string, n)
	for i := range text {
		text[i] = "2"
	}
	text[0] = fmt.Sprint(first)
	return hosttest.Batch(t, "x double", text...)
}

// yard is a host with guests in it.
type yard struct {
	bench     *host.Bench
	good, bad flow.Batch
	want      string // what good becomes
}

func newYard(t testing.TB) *yard {
	t.Helper()
	b, err := host.NewBench(host.BenchOptions{StartFuel: 5_000_000})
	if err != nil {
		t.Fatal(err)
	}
	y := &yard{bench: b, good: rows(t, 1, 3), bad: rows(t, 13, 8000), want: "1 | 2\n2 | 4\n2 | 4\n"}
	t.Cleanup(func() {
		y.good.Release()
		y.bad.Release()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return y
}

// open gives a stage, or what was wrong.
func (y *yard) open(t testing.TB, g hostile.Guest, module []byte) (flow.Stage, error) {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	s, err := y.bench.Stage(module, host.BenchUse{Config: g.Config(), Limits: little()}, env)
	if err != nil {
		return nil, err
	}
	if _, err := s.Open(context.Background(), y.good.Record.Schema()); err != nil {
		if cerr := s.Close(); cerr != nil {
			t.Error(cerr)
		}
		return nil, err
	}
	return s, nil
}

// serve gives the rows of a batch as text.
func serve(s flow.Stage, b flow.Batch) (string, error) {
	var out hosttest.Recorder
	defer out.Release()
	err := s.Process(context.Background(), b, out.Emit)
	return out.Text(), err
}

// endure lets a guest do its misdeed and holds the host to its promises: the
// code, and the next batch served, by the guest itself or by another.
func (y *yard) endure(t testing.TB, g hostile.Guest, module []byte) {
	t.Helper()
	s, err := y.open(t, g, module)
	if g.When != hostile.AtBatch {
		y.judge(t, g, err)
		if err == nil {
			_ = s.Close()
		}
		good := hostile.Guest{Kind: abi.Map, Mode: "good"}
		module, merr := good.Wasm()
		if merr != nil {
			t.Fatal(merr)
		}
		if s, err = y.open(t, good, module); err != nil {
			t.Fatalf("%s: the next plugin: %v", g.Name, err)
		}
		defer s.Close()
		y.serves(t, g, s, y.want)
		return
	}
	if err != nil {
		t.Fatalf("%s: %v", g.Name, err)
	}
	defer s.Close()
	before, err := serve(s, y.good)
	if err != nil {
		t.Fatalf("%s: the batch before: %v", g.Name, err)
	}
	got, err := serve(s, y.bad)
	if n := strings.Count(got, "\n"); g.Code == 0 && n != int(y.bad.Rows()) {
		t.Errorf("%s: %d rows came out of %d", g.Name, n, y.bad.Rows())
	}
	if g.Code != 0 && got != "" {
		t.Errorf("%s: rows came out of the bad batch:\n%.60q", g.Name, got)
	}
	y.judge(t, g, err)
	y.serves(t, g, s, before)
}

func (y *yard) serves(t testing.TB, g hostile.Guest, s flow.Stage, want string) {
	t.Helper()
	if got, err := serve(s, y.good); err != nil || got != want {
		t.Errorf("%s: the next batch: %v\n%s\nwant\n%s", g.Name, err, got, want)
	}
}

func (y *yard) judge(t testing.TB, g hostile.Guest, err error) {
	t.Helper()
	if g.Code == 0 && err == nil {
		return
	}
	if err == nil || !fault.Is(err, fault.Code(g.Code)) && (g.Or == 0 || !fault.Is(err, fault.Code(g.Or))) {
		t.Errorf("%s: got %v, want FH-%d", g.Name, err, g.Code)
	}
}

// ABI-W-040 to ABI-W-074: each misdeed ends in its code, and the host goes on.
func TestGuests_EachEndsInItsCode_HostGoesOn(t *testing.T) {
	y := newYard(t)
	names := map[string]bool{}
	for _, g := range hostile.Guests() {
		if names[g.Name] {
			t.Errorf("two guests are named %q", g.Name)
		}
		names[g.Name] = true
		t.Run(g.Name, func(t *testing.T) {
			module, err := g.Wasm()
			if err != nil {
				t.Fatal(err)
			}
			y.endure(t, g, module)
		})
	}
	if len(names) < 30 {
		t.Errorf("%d guests", len(names))
	}
}

// After many repetitions of every misdeed the host holds what it held after the
// first few.
func TestGuests_Repeated_NothingLeaks(t *testing.T) {
	n := times(20)
	if testing.Short() {
		n = 3
	}
	y := newYard(t)
	type loaded struct {
		hostile.Guest
		module []byte
	}
	var guests []loaded
	for _, g := range hostile.Guests() {
		module, err := g.Wasm()
		if err != nil {
			t.Fatal(err)
		}
		if len(module) < 10<<20 { // 20 MB are refused the same way as one
			guests = append(guests, loaded{g, module})
		}
	}
	round := func(n int) {
		for range n {
			for _, g := range guests {
				y.endure(t, g.Guest, g.module)
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	round(max(3, n/10))
	before := measure(t)
	round(n)
	after := measure(t)
	t.Logf("%d guests, %d times: before %+v, after %+v", len(guests), n, before, after)
	compare(t, before, after)
}

// The committed program is what its source says: where a rebuild gives other
// bytes, it does the same.
func TestGuestProgram_Rebuilt_DoesTheSame(t *testing.T) {
	if _, err := exec.LookPath("clang"); err != nil {
		hosttest.Missing(t, "clang is not installed")
		return
	}
	out := filepath.Join(t.TempDir(), "hostile.wasm")
	cmd := exec.Command("sh", filepath.Join("guests", "build.sh"), out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	built, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(built, hostile.GuestProgram()) {
		return
	}
	y := newYard(t)
	for _, g := range hostile.Guests() {
		if g.Mode == "" {
			continue
		}
		module, err := abi.Pack(built, hostile.Manifest(g.Kind, g.Output))
		if err != nil {
			t.Fatal(err)
		}
		y.endure(t, g, module)
	}
}
