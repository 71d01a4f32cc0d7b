package flow

import "context"

// Vector is the newest row of a key as an online store holds it: keys,
// timestamp, features, in the order of the feature table.
type Vector struct {
	Columns []string
	Types   []string // as a pipeline file writes them
	// Values hold nil, bool, int64, float64, string, []byte or []any; times as
	// RFC 3339 text in UTC, dates as yyyy-mm-dd.
	Values []any
}

// Vectors reads an online store.
type Vectors interface {
	// Get reads the vector of one key; keys holds the text of each key column
	// by its name. ok is false when the store has none.
	Get(ctx context.Context, entity, set string, keys map[string]string) (v Vector, ok bool, err error)
	// All calls f with every vector of a feature set, in no order.
	All(ctx context.Context, entity, set string, f func(Vector) error) error
	Close() error
}
