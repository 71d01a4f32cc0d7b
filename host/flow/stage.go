package flow

import "context"

// Stage turns batches into batches. Built-ins, Wasm guests and processes are
// all stages, and the pipeline cannot tell them apart.
//
// Life: Open once, then Process any number of times, then Flush once at the
// end of input, then Close. Calls come one at a time. Close may come at any
// moment between calls, twice, or without Open.
type Stage interface {
	// Open settles the schema: it is told what comes in and answers with what
	// goes out. Every error of configuration, schema or naming surfaces here.
	Open(ctx context.Context, in *Schema) (out *Schema, err error)
	// Process handles one batch, borrowed until it returns, and emits any
	// number of batches of the schema that Open answered.
	Process(ctx context.Context, in Batch, emit Emit) error
	// Flush emits what is left at the end of input.
	Flush(ctx context.Context, emit Emit) error
	Close() error
}

// Stateless is a stage whose batches may be processed in any grouping and by
// several copies at once. Fork gives a further, opened copy.
type Stateless interface {
	Stage
	Fork(ctx context.Context) (Stage, error)
}

// Keyed is a stage that wants all rows of a key together, in total order
// (S-301). The pipeline puts an exchange in front of it. Fork gives
// a further, opened copy for another partition of keys.
type Keyed interface {
	Stage
	// Order is asked after Open.
	Order() Order
	Fork(ctx context.Context) (Stage, error)
}

// Order says how a keyed stage wants its rows: grouped and sorted by the
// canonical bytes of Keys, then by Time (nulls first), then by Then, then by
// the canonical bytes of Ties, columns taken in the order given.
type Order struct {
	Keys []string // key columns
	Time string   // timestamp[us, UTC] column
	Then []string // arrival and sequence columns, if the set names any
	Ties []string // columns whose canonical bytes break the ties that are left
}

// Extent is what the exchange knows of all its rows once it has seen them.
type Extent struct {
	Rows int64
	// MinTime and MaxTime are the least and greatest non-null timestamps in
	// microseconds since the epoch; valid only when Timed is true.
	MinTime, MaxTime int64
	Timed            bool
}

// Bounded is a keyed stage that must know the extent of all rows before the
// first one is processed. Bound is called on every copy before Process.
type Bounded interface {
	Bound(Extent)
}
