package wasm

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"sync"

	"github.com/featurehost/featurehost/host/flow"
)

// maxCounters is how many names a stage may count under.
const maxCounters = 64

// counts adds up what the guests of a stage count, and hands it to the host
// when the stage closes: guests count in fractions, the host in whole numbers.
type counts struct {
	mu sync.Mutex
	n  map[string]float64
}

func (c *counts) add(name string, delta float64) error {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return &misuse{fmt.Sprintf("counter_add: the name %q is not made of a-z 0-9 _", name)}
	}
	if math.IsNaN(delta) || math.IsInf(delta, 0) {
		return &misuse{fmt.Sprintf("counter_add: %v is added to %q", delta, name)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.n[name]; !there && len(c.n) == maxCounters {
		return &misuse{fmt.Sprintf("counter_add: more than %d names", maxCounters)}
	}
	if c.n == nil {
		c.n = map[string]float64{}
	}
	c.n[name] += delta
	return nil
}

// CountFuel is what the guests of a stage have burnt, by stage.
const CountFuel = "stage_fuel"

// flush hands over what was counted, rounded, and starts again from nothing.
func (c *counts) flush(to flow.Counter, label string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, 0, len(c.n))
	for name := range c.n {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if to != nil {
			to.Add("plugin_"+name, label, int64(math.Round(c.n[name])))
		}
	}
	c.n = nil
}
