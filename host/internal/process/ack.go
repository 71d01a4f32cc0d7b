package process

import (
	"encoding/json"
	"math"
	"sort"
	"strings"
	"sync"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// maxMetadata is the most that app_metadata may have (ABI-P-006).
const maxMetadata = 4 << 10

// given is what the host says with a batch.
type given struct {
	Seq       int64 `json:"seq"`
	AsOf      int64 `json:"as_of"` // microseconds
	Watermark int64 `json:"wm"`    // microseconds; the least number: there is none
	Commit    bool  `json:"commit"`
}

// answer is what the plugin says with its last message about a batch.
type answer struct {
	Ack     *int64             `json:"ack"`
	Rejects []json.RawMessage  `json:"rejects"`
	Metrics map[string]float64 `json:"metrics"`
}

// readAnswer reads app_metadata; its error is FH-5009.
func readAnswer(b []byte) (answer, error) {
	var a answer
	switch {
	case len(b) > maxMetadata:
		return a, contract.Refusal(abi.CodeAck, "the plugin's app_metadata has %d bytes, at most %d are allowed", len(b), maxMetadata)
	case len(b) == 0:
		return a, nil
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fault.Wrap(err, abi.CodeAck, "the plugin's app_metadata is not what the protocol says")
	}
	if len(a.Rejects) > 0 {
		return a, contract.Refusal(abi.CodeMisuse, "the plugin rejects %d rows one by one, which its manifest does not declare and this host cannot do yet", len(a.Rejects))
	}
	return a, nil
}

// maxCounters is how many names a stage may count under.
const maxCounters = 64

// counts adds up what the processes of a stage count, and hands it to the host
// when the stage closes: plugins count in fractions, the host in whole numbers.
type counts struct {
	mu sync.Mutex
	n  map[string]float64
}

// add takes the metrics of an answer; its error is FH-3007.
func (c *counts) add(metrics map[string]float64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, delta := range metrics {
		_, there := c.n[name]
		switch {
		case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
			return contract.Refusal(abi.CodeMisuse, "the plugin counts under the name %q, which is not made of a-z 0-9 _", name)
		case math.IsNaN(delta) || math.IsInf(delta, 0):
			return contract.Refusal(abi.CodeMisuse, "the plugin adds %v to %q", delta, name)
		case !there && len(c.n) == maxCounters:
			return contract.Refusal(abi.CodeMisuse, "the plugin counts under more than %d names", maxCounters)
		}
		if c.n == nil {
			c.n = map[string]float64{}
		}
		c.n[name] += delta
	}
	return nil
}

// flush hands over what was counted, rounded.
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
