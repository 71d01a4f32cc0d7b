package wasm

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// What a call into the host burns, so that a guest cannot spend there the time
// that it is not given at home: a unit is about a nanosecond of compiled code.
const (
	hostCall     = 64 // for each call
	bytesWritten = 16 // a unit for so many bytes of text
	bytesDrawn   = 4  // a unit for so many random bytes
)

// tank is the fuel of one instance. The guest takes from it in its own code;
// host functions and the watchdog reach it through here.
type tank struct {
	fuel   *fuel.Tank // nil for a module that is not metered
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
	if t.fuel == nil {
		return
	}
	t.mu.Lock()
	t.filled, t.late = budget, false
	t.fuel.Fill(budget)
	t.mu.Unlock()
}

// left tells what is left of the budget; below zero it was exhausted.
func (t *tank) left() int64 {
	if t.fuel == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fuel.Left()
}

// account adds what was burnt since fill to the stage's.
func (t *tank) account() {
	if t.fuel == nil {
		return
	}
	t.burnt.Add(t.filled - max(0, t.left()))
	t.filled = 0
}

// burn takes from the tank for work that the host does for the guest. What the
// guest cannot pay for is not done: the call traps.
func (t *tank) burn(n int64) {
	if t.fuel == nil {
		return
	}
	t.mu.Lock()
	enough := t.fuel.Burn(n)
	t.mu.Unlock()
	if !enough {
		panic(&spent{})
	}
}

// spent is what a host function panics with when the tank does not hold what it
// costs.
type spent struct{}

func (*spent) Error() string { return "out of fuel" }

// found takes the tank of an instance, if its module is metered.
func (t *tank) found(m api.Module) {
	slice, reserve := m.ExportedGlobal(fuel.Export), m.ExportedGlobal(fuel.Reserve)
	if s, ok := slice.(api.MutableGlobal); ok {
		if r, ok := reserve.(api.MutableGlobal); ok {
			of := fuel.NewTank(s, r)
			t.fuel = &of
		}
	}
}

// watch stops the guest when it has run for so long, in its own code or in host
// functions: it empties the reserve, again and again, for the guest may be
// about to write what it read before.
func (t *tank) watch(timeout time.Duration) {
	if t.fuel == nil {
		return
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	t.quit, t.ended = quit, ended
	t.timer = time.AfterFunc(timeout, func() {
		defer close(ended)
		for wait := time.NewTicker(time.Millisecond); ; {
			t.mu.Lock()
			t.late = true
			t.fuel.Drain()
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

// exhausted gives the fault of a guest that has burnt what it was given, or nil.
func (g *guest) exhausted(name string) *fault.Error {
	t := &g.tank
	if t.fuel == nil {
		return nil
	}
	t.mu.Lock()
	left, late, overrun := t.fuel.Left(), t.late, t.fuel.Overrun(g.overdraft)
	t.mu.Unlock()
	switch {
	case left >= 0 && !overrun:
		return nil
	case left < 0 && !late:
		return contract.Refusal(abi.CodeFuel, "%s has burnt all its fuel, %d units", name, t.filled).
			WithHint("a loop without an end, or more work than limits.fuel_per_row and limits.fuel_base allow")
	case overrun: // whatever the clock says: it would have ended so without one
		return contract.Refusal(abi.CodeFuel, "a loop in %s went on for more than %d units of fuel in one go", name, g.overdraft).
			WithHint("a loop without an end, or one over more bytes than a guest has; else call a function in it")
	}
	return contract.Refusal(abi.CodeTimeout, "%s took longer than %s", name, g.limits.Timeout).
		WithHint("raise the stage's limits.timeout, or lower limits.max_batch_rows")
}

// budget of a batch.
func budget(l abi.Limits, rows int64) int64 {
	if rows > 0 && l.FuelPerRow > (fuel.MaxBudget-l.FuelBase)/rows {
		return fuel.MaxBudget
	}
	return l.FuelBase + l.FuelPerRow*rows
}
