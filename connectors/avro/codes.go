package avro

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	// BadSchema is a schema that is no record, or that is no Avro.
	BadSchema fault.Code = 7610
	// NotAlike are two schemas of which one cannot be read as the other.
	NotAlike fault.Code = 7611
	// BadColumn is a column that Avro cannot hold.
	BadColumn fault.Code = 7612
	// Corrupt are bytes that are no row of their schema.
	Corrupt fault.Code = 7615
	// Full is a row that a batch does not take any more; the next one may.
	Full fault.Code = 7616
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadSchema, Title: "unusable Avro schema", Explain: "The text is no Avro schema, or its top is no record, or a decimal in it has more than 38 digits, or a default is no value of its field. Columns are the fields of a record: wrap the value in one where it is written."},
		{Code: NotAlike, Title: "Avro schemas do not fit", Explain: "A field was written with a type that cannot be read as the type the column has. Numbers may grow (int to long, float and double) and text and bytes stand for each other; any other change of a field's type needs a new name. Fields that become JSON text take every type."},
		{Code: BadColumn, Title: "column that Avro cannot hold", Explain: "A column has a name that Avro does not allow (letters, digits and _ only, no digit first) or a type without an image in Avro. Rename or cast the column."},
		{Code: Corrupt, Title: "damaged Avro data", Explain: "The bytes are no row of their schema: cut short, altered, or written with another schema than they name; or they stand for more values than any row has. Restore the file or the message from its source."},
		{Code: Full, Title: "Avro batch too large", Explain: "The rows of one batch fill more memory than a batch may have, which rows of ordinary data do not. Read fewer rows at once, or find who writes such rows."},
	}
}
