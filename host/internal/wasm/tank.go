package wasm

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// startFuel is what a guest may burn before its first batch: start section,
// _initialize and fh_init together (ABI-W-060).
const startFuel = 2_000_000_000

// What a call into the host burns, so that a guest cannot spend there the time
// that it is not given at home: a unit is about a nanosecond of compiled code.
const (
	hostCall     = 64 // for each call
	bytesWritten = 16 // a unit for so many bytes of text
	bytesDrawn   = 4  // a unit for so many random bytes
)

// drained is how the tank is left by the watchdog. A check sees a tank below
// zero, whatever it takes from it.
const drained = -(1 << 62)

// tank is the fuel of one instance. The guest takes from it in its own code;
// host functions and the watchdog reach it through here.
type tank struct {
	global api.MutableGlobal // nil for a module that is not metered
	filled int64
	burnt  *atomic.Int64 // of all guests of the stage

	mu    sync.Mutex // host functions and the watchdog
	late  bool       // the watchdog emptied it
	timer *time.Timer
	quit  chan struct{}
	ended chan struct{}
}

// fill gives the guest a budget for the calls that follow.
func (t *tank) fill(budget int64) {
	if t.global == nil {
		return
	}
	t.mu.Lock()
	t.filled, t.late = budget, false
	t.global.Set(uint64(budget))
	t.mu.Unlock()
}

// left tells what is left of the budget; below zero it was exhausted.
func (t *tank) left() int64 {
	if t.global == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return int64(t.global.Get())
}

// account adds what was burnt since fill to the stage's.
func (t *tank) account() {
	if t.global == nil {
		return
	}
	t.burnt.Add(t.filled - max(0, t.left()))
	t.filled = 0
}

// burn takes from the tank for work that the host does for the guest. What the
// guest cannot pay for is not done: the call traps.
func (t *tank) burn(n int64) {
	if t.global == nil {
		return
	}
	t.mu.Lock()
	left := int64(t.global.Get()) - n
	t.global.Set(uint64(left))
	t.mu.Unlock()
	if left < 0 {
		panic(&spent{})
	}
}

// spent is what a host function panics with when the tank does not hold what it
// costs.
type spent struct{}

func (*spent) Error() string { return "out of fuel" }

// watch stops the guest when it has run for so long, in its own code or in host
// functions: it empties the tank, again and again, for a check that was just
// under way may fill in what it read before.
func (t *tank) watch(timeout time.Duration) {
	if t.global == nil {
		return
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	t.quit, t.ended = quit, ended
	t.timer = time.AfterFunc(timeout, func() {
		defer close(ended)
		for wait := time.NewTicker(time.Millisecond); ; {
			t.mu.Lock()
			t.late = true
			t.global.Set(uint64(1<<64 + drained))
			t.mu.Unlock()
			select {
			case <-quit:
				wait.Stop()
				return
			case <-wait.C:
			}
		}
	})
}

// unwatch ends the watch and tells whether it had to act.
func (t *tank) unwatch() (late bool) {
	if t.timer == nil {
		return false
	}
	close(t.quit)
	if !t.timer.Stop() {
		<-t.ended
	}
	t.timer = nil
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.late
}

// exhausted gives the fault of a tank that is empty, or nil.
func (g *guest) exhausted(name string) *fault.Error {
	if g.tank.global == nil || g.tank.left() >= 0 {
		return nil
	}
	g.tank.mu.Lock()
	late := g.tank.late
	g.tank.mu.Unlock()
	if late {
		return refusal(abi.CodeTimeout, "%s took longer than %s", name, g.limits.Timeout).
			WithHint("raise the stage's limits.timeout, or lower limits.max_batch_rows")
	}
	return refusal(abi.CodeFuel, "%s has burnt all its fuel, %d units", name, g.tank.filled).
		WithHint("a loop without an end, or more work than limits.fuel_per_row and limits.fuel_base allow")
}

// budget of a batch.
func budget(l abi.Limits, rows int64) int64 {
	if rows > 0 && l.FuelPerRow > (fuel.MaxBudget-l.FuelBase)/rows {
		return fuel.MaxBudget
	}
	return l.FuelBase + l.FuelPerRow*rows
}
