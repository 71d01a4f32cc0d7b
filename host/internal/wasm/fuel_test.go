package wasm

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/crash"
)

// ABI-W-064: what a batch burns is the same on every instance and in every run,
// on a fresh guest and on one that must first grow its memory for it, and is told
// when the stage closes.
func TestStage_Fuel_SameForTheSameRows(t *testing.T) {
	burnt := func() (batches []int64) {
		e := newEngine(t)
		env, _, counts := hosttest.Env(t)
		s := load(t, e, hostilePlugin(t, "map", decided)).Stage(mode("good"), env)
		small, b := batchOf(t, 1, 10), batchOf(t, 1, 1000)
		defer small.Release()
		defer b.Release()
		if _, err := s.Open(context.Background(), b.Record.Schema()); err != nil {
			t.Fatal(err)
		}
		do := func(b flow.Batch, fresh bool) int64 {
			out, err := s.Do(context.Background(), b, fresh)
			if err != nil {
				t.Fatal(err)
			}
			out[0].Release()
			idle := s.shared.pool.idle
			return idle[len(idle)-1].tank.last
		}
		do(small, false) // its arena holds no thousand rows
		for _, fresh := range []bool{false, false, true, false} {
			batches = append(batches, do(b, fresh))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if n := counts.N["stage_fuel{hostile}"]; n < 4*batches[0] || n > 5*batches[0] { // and a little for memory
			t.Errorf("%d in all, of %v", n, batches)
		}
		return batches
	}
	// One loop over the rows, which the compiler may unroll.
	first := burnt()
	if first[0] < 100 || first[0] > 20_000 {
		t.Errorf("1000 rows burnt %d", first[0])
	}
	for _, n := range append(first, burnt()...) {
		if n != first[0] {
			t.Errorf("%d, then %d", first[0], n)
		}
	}
}

// A guest that the clock stops has burnt what it had burnt by then, not all that
// it was given.
func TestStage_Timeout_CountsWhatWasBurnt(t *testing.T) {
	env, _, counts := hosttest.Env(t)
	use := mode("doubling")
	use.Limits = abi.Limits{FuelBase: abi.MaxFuel, Timeout: 50 * time.Millisecond}
	s := load(t, newEngine(t), hostilePlugin(t, "map", decided)).Stage(use, env)
	b := batchOf(t, 13, 1)
	defer b.Release()
	if _, err := s.Open(context.Background(), b.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(context.Background(), b, false); !fault.Is(err, abi.CodeTimeout) {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := counts.N["stage_fuel{hostile}"]; n <= 0 || n > abi.MaxFuel/10 {
		t.Errorf("%d units in 50 ms", n)
	}
}

// ABI-W-064: a call into the host costs by what it copies, and the same whether or
// not the line is dropped.
func TestHostFunctions_CostByWhatTheyCopy(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	for mode, least := range map[string]int64{"wide_logs": 4096, "wide_errors": 4096} {
		use := Use{Config: map[string]any{"mode": mode}, Limits: abi.Limits{FuelBase: 50_000_000, FuelPerRow: 1, LogLines: 1}}
		b := batchOf(t, 13, 1)
		s, _ := open(t, m, use, b.Record.Schema())
		start := time.Now()
		_, err := s.Do(context.Background(), b, false)
		if !fault.Is(err, abi.CodeFuel) {
			t.Errorf("%s: %v", mode, err)
		}
		if took := time.Since(start); took > 5*time.Second { // 12,000 calls
			t.Errorf("%s: it took %s (a call costs %d or more)", mode, took, least)
		}
		b.Release()
	}
}

// ABI-W-060: a limit of fuel is one for the batch and one for each of its rows.
func TestStage_Fuel_LimitsByBatchAndRow(t *testing.T) {
	e := newEngine(t)
	m := load(t, e, hostilePlugin(t, "map", decided))
	run := func(l abi.Limits, rows int) error {
		use := mode("good")
		use.Limits = l
		b := batchOf(t, 1, rows)
		defer b.Release()
		s, _ := open(t, m, use, b.Record.Schema())
		var out hosttest.Recorder
		defer out.Release()
		return s.Process(context.Background(), b, out.Emit)
	}
	if err := run(abi.Limits{FuelBase: 5000, FuelPerRow: 20}, 10_000); err != nil {
		t.Errorf("enough for each row: %v", err)
	}
	if err := run(abi.Limits{FuelBase: 300, FuelPerRow: 1}, 100); err != nil {
		t.Errorf("few rows: %v", err)
	}
	err := run(abi.Limits{FuelBase: 10, FuelPerRow: 1}, 100)
	if !fault.Is(err, abi.CodeFuel) || !strings.Contains(err.Error(), "110 units") || !strings.Contains(err.Error(), "limits.fuel_per_row") {
		t.Errorf("too little: %v", err)
	}
}

// ABI-W-062: the clock stops what fuel would allow, in the guest's code and in
// host functions, and the next batch is served.
func TestStage_Timeout_StopsTheGuest(t *testing.T) {
	e := newEngine(t)
	m := load(t, e, hostilePlugin(t, "map", decided))
	for _, c := range []string{"spin", "alloc_spin", "release_spin", "doubling", "calls", "logs", "grows", "fills"} {
		t.Run(c, func(t *testing.T) {
			use := mode(c)
			use.Limits = abi.Limits{FuelBase: abi.MaxFuel, FuelPerRow: abi.MaxFuel, Timeout: 200 * time.Millisecond}
			good, bad := batchOf(t, 1, 2), batchOf(t, 13, 10_000)
			defer good.Release()
			defer bad.Release()
			s, _ := open(t, m, use, good.Record.Schema())
			for range 3 {
				start := time.Now()
				_, err := s.Do(context.Background(), bad, false)
				if !fault.Is(err, abi.CodeTimeout) || !strings.Contains(err.Error(), "200ms") {
					t.Fatalf("got %v", err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("it took %s", took)
				}
				out, err := s.Do(context.Background(), good, false)
				if err != nil {
					t.Fatalf("the next batch: %v", err)
				}
				out[0].Release()
			}
		})
	}
}

// ABI-W-062: a start has time of its own, however little a batch has.
func TestOpen_ShortTimeout_StartHasItsOwn(t *testing.T) {
	use := mode("good")
	use.Limits.Timeout = time.Nanosecond
	b := batchOf(t, 1, 2)
	defer b.Release()
	open(t, load(t, newEngine(t), hostilePlugin(t, "map", decided)), use, b.Record.Schema())
}

// ABI-W-062: compiled code is nothing that Go can interrupt, so a guest steps
// aside itself: while it spins, collections begin and end, and the watchdog has
// its turn. Without that the whole process would stand still.
func TestStage_Spinning_HostGoesOn(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	for _, how := range []string{"doubling", "spin"} {
		use := mode(how)
		use.Limits = abi.Limits{FuelBase: abi.MaxFuel, FuelPerRow: abi.MaxFuel, Timeout: time.Second}
		b := batchOf(t, 13, 1)
		s, _ := open(t, m, use, b.Record.Schema())
		done := make(chan error, 1)
		go func() { _, err := s.Do(context.Background(), b, false); done <- err }()
		for collections, over := 0, false; !over; {
			select {
			case err := <-done:
				if over = true; !fault.Is(err, abi.CodeTimeout) || collections < 3 {
					t.Errorf("%s: %d collections while the guest was spinning, then %v", how, collections, err)
				}
			default:
				runtime.GC()
				collections++
			}
		}
		b.Release()
	}
}

// ABI-W-071 with a real guest: rows at fault are found, the others pass.
func TestStage_Guarded_PoisonFoundOthersPass(t *testing.T) {
	e := newEngine(t)
	m := load(t, e, hostilePlugin(t, "map", decided))
	for _, c := range []struct {
		mode   string
		reason string
	}{{"poison", "FH-3002"}, {"poison_data", "FH-3001"}, {"poison_spin", "FH-3003"}} {
		t.Run(c.mode, func(t *testing.T) {
			env, rejected, counts := hosttest.Env(t)
			use := mode(c.mode)
			use.Limits.FuelBase, use.Limits.FuelPerRow = 100_000, 100
			g := crash.Guard(m.Stage(use, env), crash.Settings{Name: "p", Policy: crash.DeadLetter, Rejects: rejected, Counter: counts})
			defer g.Close()
			rows := make([]string, 1000)
			for i := range rows {
				rows[i] = "2"
			}
			rows[0], rows[500], rows[999] = "13", "13", "13"
			b := hosttest.Batch(t, "x double", rows...)
			defer b.Release()
			if _, err := g.Open(context.Background(), b.Record.Schema()); err != nil {
				t.Fatal(err)
			}
			var out int64
			if err := g.Process(context.Background(), b, func(b flow.Batch) error { out += b.Rows(); b.Release(); return nil }); err != nil {
				t.Fatal(err)
			}
			if out != 997 || len(rejected.Rows) != 3 || counts.N["stage_rejected{p}"] != 3 {
				t.Errorf("%d rows came out, rejected %v, counts %v", out, rejected.Rows, counts.N)
			}
			for _, r := range rejected.Rows {
				if !strings.HasPrefix(r, c.reason) {
					t.Errorf("reason %q, want %s", r, c.reason)
				}
			}
		})
	}
	t.Run("tired", func(t *testing.T) { // the second try has a fresh instance
		env, rejected, counts := hosttest.Env(t)
		g := crash.Guard(m.Stage(mode("tired"), env), crash.Settings{Name: "p", Rejects: rejected, Counter: counts})
		defer g.Close()
		b := batchOf(t, 1, 10)
		defer b.Release()
		if _, err := g.Open(context.Background(), b.Record.Schema()); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			if err := g.Process(context.Background(), b, func(b flow.Batch) error { b.Release(); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if counts.N["stage_retried{p}"] == 0 || len(rejected.Rows) > 0 {
			t.Errorf("counts %v, rejected %v", counts.N, rejected.Rows)
		}
	})
}

// ABI-W-065: guests give the same bytes with fuel as without.
func TestStage_Metered_SameRowsAsPlain(t *testing.T) {
	plain, err := NewEngine(Options{Unmetered: true})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close(context.Background())
	metered := newEngine(t)
	for _, m := range []string{"good", "pass", "count_batches"} {
		b := batchOf(t, 1, 5000)
		text := func(e *Engine) string {
			s, _ := open(t, load(t, e, hostilePlugin(t, "map", decided)), mode(m), b.Record.Schema())
			var out hosttest.Recorder
			defer out.Release()
			for range 3 {
				if err := s.Process(context.Background(), b, out.Emit); err != nil {
					t.Fatal(err)
				}
			}
			return out.Text()
		}
		if text(plain) != text(metered) {
			t.Errorf("%s: rows differ", m)
		}
		b.Release()
	}
}
