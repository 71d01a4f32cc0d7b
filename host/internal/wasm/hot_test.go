package wasm

import (
	"context"
	"testing"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/crash"
)

// ABI-W-071: of 10,000 batches one in a hundred holds a row that the guest traps
// on. Every row is accounted for, and the host holds as much as after the first
// thousand.
func TestStage_TrapsAmongManyBatches_RowsAccountedForMemoryFlat(t *testing.T) {
	const batches, rows = 10_000, 64
	env, rejected, counts := hosttest.Env(t)
	g := crash.Guard(load(t, newEngine(t), hostilePlugin(t, "map", decided)).Stage(mode("poison"), env), crash.Settings{
		Name: "p", Policy: crash.DeadLetter, Circuit: crash.Circuit{Rejected: 1}, Rejects: rejected, Counter: counts,
	})
	defer g.Close()
	texts := make([]string, rows)
	for i := range texts {
		texts[i] = "2"
	}
	good := hosttest.Batch(t, "x double", texts...)
	defer good.Release()
	texts[rows/3] = "13"
	bad := hosttest.Batch(t, "x double", texts...)
	defer bad.Release()
	if _, err := g.Open(context.Background(), good.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	var out, before int64
	for i := range batches {
		b := good
		if i%100 == 99 {
			b = bad
		}
		if err := g.Process(context.Background(), b, func(b flow.Batch) error { out += b.Rows(); b.Release(); return nil }); err != nil {
			t.Fatal(err)
		}
		if i == batches/10 {
			before = memoryInUse()
		}
	}
	poison := int64(batches / 100)
	if out != batches*rows-poison || counts.N["stage_rejected{p}"] != poison || int64(len(rejected.Rows)) != poison {
		t.Errorf("%d rows came out of %d, %v, %d letters", out, batches*rows, counts.N, len(rejected.Rows))
	}
	if grown := memoryInUse() - before; grown > 32<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
}
