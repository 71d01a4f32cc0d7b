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
// that it is not given at home: a unit is about a nanosecond of compiled code. It
// is the same whether or not a limit drops the line: what a batch burns does not
// depend on the clock. A byte of text takes a unit.
const (
	hostCall   = 64 // for each call
	eachBuffer = 64 // that fd_write looks at
	eachLine   = 64 // that is printed
	eachEvent  = 64 // that poll_oneoff answers
	bytesDrawn = 4  // a unit for so many random bytes
)

// startTimeout is what a guest has to start, where a batch has less.
const startTimeout = 10 * time.Second

// tank is the fuel of one instance. The guest takes from it in its own code;
// host functions and the watchdog reach it through here.
type tank struct {
	fuel   *fuel.Tank // nil for a module that is not metered
	filled int64
	rest   int64         // what was left when the watchdog emptied it
	last   int64         // what the last budget was burnt of
	burnt  *atomic.Int64 // of all guests of the stage

	mu    sync.Mutex    // host functions and the watchdog
	late  bool          // the watchdog emptied it
	time  time.Duration // what the watchdog gives
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
	t.filled = budget
	t.fuel.Fill(budget)
	t.mu.Unlock()
}

// account adds what was burnt since fill to the stage's. What the watchdog took
// was not burnt; a guest that it stopped went on for a slice at most.
func (t *tank) account() {
	if t.fuel == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	left := max(0, t.fuel.Left())
	if t.late {
		left = t.rest
	}
	t.last = t.filled - min(left, t.filled)
	t.burnt.Add(t.last)
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
	t.time = timeout
	quit, ended := make(chan struct{}), make(chan struct{})
	t.quit, t.ended, t.late, t.rest = quit, ended, false, 0
	t.timer = time.AfterFunc(timeout, func() {
		defer close(ended)
		for wait := time.NewTicker(time.Millisecond); ; {
			t.mu.Lock()
			t.late = true
			if left := t.fuel.Left(); left >= 0 {
				t.rest = left
			}
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
	left, late := t.fuel.Left(), t.late
	t.mu.Unlock()
	switch {
	case left >= 0:
		return nil
	case !late:
		return contract.Refusal(abi.CodeFuel, "%s has burnt all its fuel, %d units", name, t.filled).
			WithHint("a loop without an end, or more work than limits.fuel_per_row and limits.fuel_base allow")
	}
	return contract.Refusal(abi.CodeTimeout, "%s took longer than %s", name, t.time).
		WithHint("raise the stage's limits.timeout, or lower limits.max_batch_rows")
}

// budget of a batch.
func budget(l abi.Limits, rows int64) int64 {
	if rows > 0 && l.FuelPerRow > (fuel.MaxBudget-l.FuelBase)/rows {
		return fuel.MaxBudget
	}
	return l.FuelBase + l.FuelPerRow*rows
}
