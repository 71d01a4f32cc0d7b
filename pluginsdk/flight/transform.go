package flight

import (
	"context"
	"encoding/json"

	"github.com/apache/arrow-go/v18/arrow"
)

// Transform computes the columns of a plugin. That of a plugin of kind keyed is a
// Keyed besides.
type Transform interface {
	// Schema of the answers: the columns that the manifest declares, or that the
	// plugin decides in mode "init". A filter's first column is fh_keep or fh_rows.
	Schema() *arrow.Schema
	// Process answers one batch of the columns that the manifest names. It
	// borrows in, and gives the answer away; nil is an answer without rows. What
	// its errors mean, see DataError and ErrMemory.
	Process(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error)
}

// Open makes a Transform of a stage's config, checked by the host against the
// manifest, defaults filled in, and of its input. What its errors mean, see
// ConfigError.
type Open func(config json.RawMessage, input *arrow.Schema) (Transform, error)

// Func makes a Transform of a schema and a function.
func Func(schema *arrow.Schema, process func(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error)) Transform {
	return function{schema, process}
}

type function struct {
	schema  *arrow.Schema
	process func(context.Context, arrow.RecordBatch) (arrow.RecordBatch, error)
}

func (f function) Schema() *arrow.Schema { return f.schema }

func (f function) Process(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
	return f.process(ctx, in)
}
