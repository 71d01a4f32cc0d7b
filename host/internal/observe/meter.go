package observe

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Kinds of what a Meter counts.
const (
	KindReader     = "reader"
	KindQuery      = "query"
	KindFilter     = "filter" // may hand on fewer rows than it got
	KindStage      = "stage"  // hands on every row
	KindFold       = "fold"   // hands on other rows than it got
	KindFeatureSet = "feature_set"
	KindExchange   = "exchange"
	KindSink       = "sink"
	KindSinkStage  = "sink_stage" // between the feature table and one sink
)

// Meter counts one stage, reader or sink. It is safe for concurrent use.
type Meter struct {
	Name string // as the pipeline file names it
	Kind string
	in   atomic.Int64
	out  atomic.Int64
	runs atomic.Int64
	busy atomic.Int64
}

// In counts a batch of n rows that came in.
func (m *Meter) In(n int64) { m.in.Add(n); m.runs.Add(1) }

// Out counts n rows that went out.
func (m *Meter) Out(n int64) { m.out.Add(n) }

// Busy adds time spent inside the stage, without what is downstream of it.
// Over several workers the times add up.
func (m *Meter) Busy(d time.Duration) { m.busy.Add(int64(d)) }

// StageStats is a reading of a Meter.
type StageStats struct {
	Name    string  `json:"name"`
	Kind    string  `json:"kind"`
	RowsIn  int64   `json:"rows_in"`
	RowsOut int64   `json:"rows_out"`
	Batches int64   `json:"batches"`
	Seconds float64 `json:"seconds"` // inside the stage, summed over workers

	// Of a plugin:
	Rejected int64 `json:"rejected,omitempty"` // rows it failed on, in the dead letter
	Skipped  int64 `json:"skipped,omitempty"`  // likewise, without a letter
	Retried  int64 `json:"retried,omitempty"`  // batches that a second try did
	Fuel     int64 `json:"fuel,omitempty"`     // units burnt by its guests
}

// Stats reads the meter.
func (m *Meter) Stats() StageStats {
	return StageStats{
		Name: m.Name, Kind: m.Kind, RowsIn: m.in.Load(), RowsOut: m.out.Load(), Batches: m.runs.Load(),
		Seconds: time.Duration(m.busy.Load()).Round(time.Microsecond).Seconds(),
	}
}

// Events collects what a run counts. It implements flow.Counter.
type Events struct {
	mu       sync.Mutex
	meters   []*Meter
	counts   map[Count]int64
	warnings []string
}

// Count is a named count with the thing it speaks of.
type Count struct{ Name, Label string }

// Meter adds a meter; meters are read in the order they were added.
func (e *Events) Meter(name, kind string) *Meter {
	m := &Meter{Name: name, Kind: kind}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.meters = append(e.meters, m)
	return m
}

// Add implements flow.Counter.
func (e *Events) Add(name, label string, n int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil {
		e.counts = map[Count]int64{}
	}
	e.counts[Count{name, label}] += n
}

// Reset forgets all that was counted, for a run that begins anew.
func (e *Events) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.meters, e.counts, e.warnings = nil, nil, nil
}

// Warn keeps a warning for the run summary.
func (e *Events) Warn(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.warnings = append(e.warnings, text)
}

// Warnings lists what was warned of, in order.
func (e *Events) Warnings() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.warnings...)
}

// Stages reads all meters.
func (e *Events) Stages() []StageStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]StageStats, len(e.meters))
	for i, m := range e.meters {
		out[i] = m.Stats()
	}
	return out
}

// Total sums the counts of a name over its labels.
func (e *Events) Total(name string) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	var n int64
	for c, v := range e.counts {
		if c.Name == name {
			n += v
		}
	}
	return n
}

// Names gives the totals of all counts whose names begin with prefix, by what
// follows it; a label is added after a slash.
func (e *Events) Names(prefix string) map[string]int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]int64{}
	for c, v := range e.counts {
		name, ok := strings.CutPrefix(c.Name, prefix)
		if !ok {
			continue
		}
		if c.Label != "" {
			name = c.Label + "/" + name
		}
		out[name] += v
	}
	return out
}

// Labels gives the counts of a name by label.
func (e *Events) Labels(name string) map[string]int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]int64{}
	for c, v := range e.counts {
		if c.Name == name && v != 0 {
			out[c.Label] = v
		}
	}
	return out
}
