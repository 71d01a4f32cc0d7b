package fuel_test

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

func cKernels() []string {
	return []string{"axpy", "zscore", "hash", "groupby", "levenshtein", "recursion"}
}

func goKernels() []string {
	return []string{"axpy", "zscore", "hash", "groupby", "upper", "levenshtein"}
}

// cGuest is testdata/kernels.c, compiled.
func cGuest(t testing.TB) []byte {
	t.Helper()
	code, err := os.ReadFile(filepath.Join("testdata", "kernels.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// goGuest compiles testdata/kernels_go: the toolchain is there, since it runs
// this.
func goGuest(t testing.TB) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "kernels.wasm")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = filepath.Join("testdata", "kernels_go")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// kernels is an instance of a guest.
type kernels struct {
	m    api.Module
	tank *fuel.Tank // nil when it is not metered
}

func newKernels(t testing.TB, code []byte, metered bool, config wazero.RuntimeConfig) kernels {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(api.CoreFeaturesV2))
	t.Cleanup(func() { _ = rt.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	if metered {
		var err error
		if code, err = fuel.Meter(code); err != nil {
			t.Fatal(err)
		}
	}
	m, err := rt.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	k := kernels{m: m}
	if metered {
		tank := fuel.NewTank(m.ExportedGlobal(fuel.Export).(fuel.Global), m.ExportedGlobal(fuel.Reserve).(fuel.Global))
		k.tank = &tank
	}
	k.run(t, "_initialize")
	k.run(t, "setup")
	return k
}

const enough = 1 << 40

// run gives the checksum of a kernel.
func (k kernels) run(t testing.TB, name string) float64 {
	t.Helper()
	if k.tank != nil {
		k.tank.Fill(enough)
	}
	// A context that may be cancelled: only then the engine's switch acts.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out, err := k.m.ExportedFunction(name).Call(ctx)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(out) == 0 {
		return 0
	}
	return api.DecodeF64(out[0])
}

// The kernels give the same with fuel as without, and do some work.
func TestKernels_Metered_AsPlain(t *testing.T) {
	code := cGuest(t)
	plain, metered := newKernels(t, code, false, wazero.NewRuntimeConfig()), newKernels(t, code, true, wazero.NewRuntimeConfig())
	for _, name := range cKernels() {
		want, got := plain.run(t, name), metered.run(t, name)
		if math.Float64bits(want) != math.Float64bits(got) || want == 0 {
			t.Errorf("%s: %v with fuel, %v without", name, got, want)
		}
		if burnt := enough - metered.tank.Left(); burnt < 1000 {
			t.Errorf("%s burnt %d", name, burnt)
		}
	}
}

// BenchmarkFuel prints, for what feature code spends its time on, the time with
// fuel over the time without (x-plain), the same for the engine's own switch
// (x-switch), and what a unit of fuel is in nanoseconds: medians of the CPU time of
// interleaved runs, since machines that run tests are shared.
func BenchmarkFuel(b *testing.B) {
	for _, g := range []struct {
		language string
		code     []byte
		names    []string
	}{{"c", cGuest(b), cKernels()}, {"go", goGuest(b), goKernels()}} {
		plain, metered := newKernels(b, g.code, false, wazero.NewRuntimeConfig()), newKernels(b, g.code, true, wazero.NewRuntimeConfig())
		closing := newKernels(b, g.code, false, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))
		for _, name := range g.names {
			b.Run(g.language+"/"+name, func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				var took [3][]int64
				for b.Loop() {
					for i, k := range []kernels{plain, metered, closing} {
						start := hosttest.CPU()
						k.run(b, name)
						took[i] = append(took[i], hosttest.CPU()-start)
					}
				}
				median := func(i int) float64 {
					slices.Sort(took[i])
					return float64(took[i][len(took[i])/2])
				}
				b.ReportMetric(median(1)/median(0), "x-plain")
				b.ReportMetric(float64(took[1][0])/float64(took[0][0]), "x-plain-min")
				b.ReportMetric(median(2)/median(0), "x-switch")
				b.ReportMetric(median(1)/float64(enough-metered.tank.Left()), "ns/unit")
			})
		}
	}
}
