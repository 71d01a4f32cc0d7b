package fuel

// Global is a global of an instance, as an engine shows it.
type Global interface {
	Get() uint64
	Set(v uint64)
}

// Tank is the fuel of one instance: what the guest takes from, and the reserve
// it is filled from. One goroutine at a time may use it; the guest may run
// meanwhile on Drain alone.
type Tank struct{ slice, reserve Global }

// NewTank takes the globals that a metered module exports as Export and Reserve.
func NewTank(slice, reserve Global) Tank { return Tank{slice, reserve} }

// Fill gives the guest n units for the calls that follow, at most MaxBudget.
func (t Tank) Fill(n int64) {
	now := max(0, min(n, Slice))
	t.slice.Set(uint64(now))
	t.reserve.Set(uint64(n - now))
}

// Left tells what is left; below zero the guest has burnt more than it was
// given, and was stopped or came back just then.
func (t Tank) Left() int64 { return int64(t.slice.Get()) + int64(t.reserve.Get()) }

// Burn takes n units, and tells whether there were as many.
func (t Tank) Burn(n int64) bool {
	left := t.Left() - n
	t.Fill(left)
	return left >= 0
}

// drained is below zero, whatever slice is left.
const drained = -MaxBudget

// Drain stops the guest at the end of its slice. The guest may be about to write
// what it read before, so whoever must be sure drains again.
func (t Tank) Drain() { t.reserve.Set(1<<64 + drained) }
