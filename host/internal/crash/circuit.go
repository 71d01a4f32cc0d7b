package crash

import (
	"sync"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// judgedFrom is how many rows must have come before their share of bad ones
// says anything.
const judgedFrom = 10_000

// Circuit says when failures stop a stage; zero fields take the default. So 0 is
// not "no failure at all", and a pipeline file refuses it: its values are above 0.
type Circuit struct {
	Rejected float64 // share of rows that may be rejected or skipped; default 0.01
	Failures int     // batches in a row that may fail; default 5
}

func (c Circuit) withDefaults() Circuit {
	if c.Rejected == 0 {
		c.Rejected = 0.01
	}
	if c.Failures == 0 {
		c.Failures = 5
	}
	return c
}

// breaker counts for all copies of a stage.
type breaker struct {
	limits Circuit

	mu       sync.Mutex
	rows     int64
	rejected int64
	failures int // batches in a row
	open     *fault.Error
	told     map[fault.Code]bool // which failures Settings.Warn was told of
}

// first tells whether a failure is the first of its code.
func (b *breaker) first(code fault.Code) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.told == nil {
		b.told = map[fault.Code]bool{}
	}
	known := b.told[code]
	b.told[code] = true
	return !known
}

// done counts a batch of which so many rows were rejected; failed says that it
// was given up. The error is that of an open circuit.
func (b *breaker) done(rows, rejected int64, failed bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows += rows
	b.rejected += rejected
	if b.failures++; !failed {
		b.failures = 0
	}
	switch {
	case b.open != nil:
	case b.failures >= b.limits.Failures:
		b.open = fault.New(abi.CodeCircuit, "the plugin failed on %d batches one after the other", b.failures)
	case b.rows >= judgedFrom && float64(b.rejected) > b.limits.Rejected*float64(b.rows):
		b.open = fault.New(abi.CodeCircuit, "the plugin failed on %d of %d rows, more than %g %%", b.rejected, b.rows, 100*b.limits.Rejected)
	}
	if b.open != nil {
		e := *b.open // whoever places it writes to it
		return &e
	}
	return nil
}
