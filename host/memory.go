package host

import (
	"slices"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// budget says how --memory is shared out. The parts are upper bounds and are
// rarely all used at once: the exchange empties while the sinks fill.
type budget struct {
	total    int64
	heap     int64 // soft limit of the Go heap
	sql      int64 // DuckDB, outside the heap
	exchange int64 // rows waiting to be sorted, of all exchanges at once
	part     int64 // what any other part may hold: a sink's open files
	guest    int64 // the greatest memory of one instance of a module, in the heap
}

// leastMemory is what the smallest run needs.
const leastMemory = 256 << 20

// outside is kept for what no budget counts: code, stacks, SQLite's cache, what
// the collector has not swept yet, and DuckDB beside its own limit.
const outside = 72 << 20

// leastGuest is what an instance of a module may have however many there are:
// with less, hardly one starts.
const leastGuest = 16 << 20

// sinkBlocks is the most that a sink holds outside the heap.
const sinkBlocks = 64 << 20

// split shares out memory. DuckDB gets its share only when a pipeline uses it;
// guests is how many instances of modules may be at work at once.
func split(total int64, sql bool, guests int) (budget, error) {
	if total < leastMemory {
		return budget{}, fault.New(TooLittleMemory, "memory of %d MiB is too little", total>>20).
			WithHint("give at least %d MiB", leastMemory>>20)
	}
	b := budget{total: total}
	if sql {
		b.sql = total * 3 / 10
	}
	rest := total - b.sql - outside
	b.part = rest / 5
	// Sinks hold their rows outside the heap, up to a bound of their own.
	b.heap = rest - min(b.part, sinkBlocks)
	b.exchange = b.heap * 2 / 5
	b.guest = max(b.heap/4/int64(max(guests, 1)), leastGuest)
	return b, nil
}

// usesSQL reports whether a pipeline needs the SQL engine: for [query], text
// files, and SQL conditions and expressions. Other steps and functions do
// without.
func usesSQL(f *config.File) bool {
	if f.Query != nil || f.FeatureSet == nil {
		return true
	}
	filters := func(steps []config.Stage) bool {
		return slices.ContainsFunc(steps, func(s config.Stage) bool { return s.Where != "" })
	}
	return filters(f.Stages) ||
		slices.ContainsFunc(f.Sinks, func(s config.Sink) bool { return filters(s.Stages) }) ||
		slices.ContainsFunc(f.Readers, func(r config.Reader) bool { return r.Format != "parquet" || filters(r.Prepare) }) ||
		slices.ContainsFunc(f.FeatureSet.Features, func(x config.Feature) bool { return x.SQL != "" || x.Where != "" })
}

// guests is how many instances of plugins a pipeline may have at work at once:
// one for each worker, wherever it names a plugin.
func guests(f *config.File, builtin func(use string) bool) int {
	n := 0
	count := func(steps []config.Stage) {
		for _, s := range steps {
			if !builtin(s.Use) {
				n++
			}
		}
	}
	count(f.Stages)
	for _, r := range f.Readers {
		count(r.Prepare)
	}
	for _, s := range f.Sinks {
		count(s.Stages)
	}
	if f.FeatureSet != nil {
		for _, x := range f.FeatureSet.Features {
			if x.Use != "" {
				n++
			}
		}
	}
	return n * max(f.Pipeline.Workers, 1)
}
