package contract

import (
	"math"
	"sort"
	"strings"
	"sync"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/flow"
)

// maxCounters is how many names a stage may count under.
const maxCounters = 64

// Counts adds up what the plugin of a stage counts, and hands it to the host when
// the stage closes: plugins count in fractions, the host in whole numbers.
type Counts struct {
	mu sync.Mutex
	n  map[string]float64
}

// Add adds to a counter; the error is FH-3007.
func (c *Counts) Add(name string, delta float64) error {
	return c.AddAll(map[string]float64{name: delta})
}

// AddAll adds to counters by name, to all of them or, with an error, to none; the
// error is FH-3007.
func (c *Counts) AddAll(deltas map[string]float64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := len(c.n)
	for name, delta := range deltas {
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return Refusal(abi.CodeMisuse, "the name %q of a counter is not made of a-z 0-9 _", name)
		}
		if math.IsNaN(delta) || math.IsInf(delta, 0) {
			return Refusal(abi.CodeMisuse, "%v is added to the counter %q", delta, name)
		}
		before, there := c.n[name]
		if !there {
			names++
		}
		if math.IsInf(before+delta, 0) {
			return Refusal(abi.CodeMisuse, "%v is added to the counter %q, which is then no finite number", delta, name)
		}
	}
	if names > maxCounters {
		return Refusal(abi.CodeMisuse, "there are counters of more than %d names", maxCounters)
	}
	if c.n == nil {
		c.n = map[string]float64{}
	}
	for name, delta := range deltas {
		c.n[name] += delta
	}
	return nil
}

// Take adds all that other has counted, which starts again from nothing; the
// error is FH-3007.
func (c *Counts) Take(other *Counts) error {
	other.mu.Lock()
	n := other.n
	other.n = nil
	other.mu.Unlock()
	return c.AddAll(n)
}

// Flush hands over what was counted, rounded, and starts again from nothing.
func (c *Counts) Flush(to flow.Counter, label string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, 0, len(c.n))
	for name := range c.n {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if to != nil {
			to.Add("plugin_"+name, label, whole(c.n[name]))
		}
	}
	c.n = nil
}

// whole rounds to the nearest number that 64 bits hold.
func whole(x float64) int64 {
	switch {
	case x >= 1<<63:
		return math.MaxInt64
	case x <= -1<<63:
		return math.MinInt64
	}
	return int64(math.Round(x))
}
