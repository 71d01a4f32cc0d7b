package plan

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	UnknownName fault.Code = 220
	UnknownSink fault.Code = 221
	// LateIncremental is an incremental strategy that does not fit the rows
	// behind the prepare steps.
	LateIncremental fault.Code = 222
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: UnknownName, Title: "unknown reader type", Explain: "A [[reader]] has a type that this build does not hold. Run `featurehost doctor` to see which it holds."},
		{Code: UnknownSink, Title: "unknown sink type", Explain: "A [[sink]] has a type that this build does not hold. Run `featurehost doctor` to see which it holds."},
		{Code: LateIncremental, Title: "incremental strategy does not fit the prepared rows", Explain: "A prepare step of the reader looks at several rows at once, or makes the column that tells the day, so rows are cut to the interval after the steps; there the columns that `incremental` names are missing or of another type. Keep those columns through the steps (a pivot keeps the columns of group_by), or leave `incremental` out."},
	}
}
