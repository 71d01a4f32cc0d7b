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
}

// leastMemory is what the smallest run needs.
const leastMemory = 256 << 20

// outside is kept for what no budget counts: code, stacks, SQLite's cache, what
// the collector has not swept yet, and DuckDB beside its own limit.
const outside = 72 << 20

// sinkBlocks is the most that a sink holds outside the heap.
const sinkBlocks = 64 << 20

// split shares out memory. DuckDB gets its share only when a pipeline uses it.
func split(total int64, sql bool) (budget, error) {
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
