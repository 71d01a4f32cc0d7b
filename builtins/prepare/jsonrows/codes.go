package jsonrows

import "github.com/featurehost/featurehost/host/fault"

const (
	// BadField means: a declared field has a name or a type that JSON cannot fill.
	BadField fault.Code = 7029
	// TooLong means: the texts of a column in one batch exceed 2 GiB.
	TooLong fault.Code = 7043
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadField, Title: "field that JSON cannot fill",
			Explain: "A field declared for JSON texts has an empty name or part of a name, occurs twice, or has a type that no JSON value can become. Declare scalars, array<...> and struct<name: type, ...>, each field once."},
		{Code: TooLong, Title: "too many bytes of text in a batch",
			Explain: "The texts of one field exceed 2 GiB in a single batch of rows. Lower `batch_rows` in the [pipeline] table."},
	}
}
