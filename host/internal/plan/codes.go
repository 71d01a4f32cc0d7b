package plan

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	UnknownName fault.Code = 220
	UnknownSink fault.Code = 221
	// LateIncremental is an incremental strategy that does not fit the rows
	// behind the prepare steps.
	LateIncremental fault.Code = 222
	// SinkStageRows and SinkStageKeys are stages of a sink that do not fit there.
	SinkStageRows fault.Code = 114
	SinkStageKeys fault.Code = 115
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: UnknownName, Title: "unknown reader type", Explain: "A [[reader]] has a type that this build does not hold. Run `featurehost doctor` to see which it holds."},
		{Code: UnknownSink, Title: "unknown sink type", Explain: "A [[sink]] has a type that this build does not hold. Run `featurehost doctor` to see which it holds."},
		{Code: SinkStageRows, Title: "stage of a sink looks at several rows", Explain: "A [[sink.stage]] stands behind the feature table, where rows pass one at a time: forward_fill, pivot and the like have no place there. Move it to [[stage]], in front of the feature set."},
		{Code: SinkStageKeys, Title: "stage of a sink changes keys or timestamp", Explain: "A [[sink.stage]] leaves out or changes a key column or the timestamp. The store tells rows apart by them, so they must reach it as they are. Write the value into another column."},
		{Code: LateIncremental, Title: "incremental strategy does not fit the prepared rows", Explain: "A prepare step of the reader looks at several rows at once, or makes the column that tells the day, so rows are cut to the interval after the steps; there the columns that `incremental` names are missing or of another type. Keep those columns through the steps (a pivot keeps the columns of group_by), or leave `incremental` out."},
	}
}
