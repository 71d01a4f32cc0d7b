package flow

import "github.com/apache/arrow-go/v18/arrow"

// Arrow types enter the signatures of featurehost by these names only, so
// that the library's home can change in one place.
type (
	// Schema is an ordered list of named, typed columns.
	Schema = arrow.Schema
	// Field is one column of a Schema.
	Field = arrow.Field
	// DataType is an Arrow type.
	DataType = arrow.DataType
	// Record is a batch of rows in columns.
	Record = arrow.RecordBatch
)

// NewSchema makes a schema of the given columns.
func NewSchema(fields []Field) *Schema { return arrow.NewSchema(fields, nil) }
