package window

import "github.com/featurehost/featurehost/host/fault"

const (
	// BadSpec means: the windows or the rows asked for make no sense.
	BadSpec fault.Code = 7015
	// BadAggregate means: a function does not fit its column.
	BadAggregate fault.Code = 7016
	// MissingColumn means: an input column is missing or has a type of no use here.
	MissingColumn fault.Code = 7017
	// BadParameter means: a parameter of a function is out of range or of no use.
	BadParameter fault.Code = 7018
	// BadDistinct means: the columns of distinct are missing or of no use.
	BadDistinct fault.Code = 7020
	// BadFrame means: the windows of events make no sense for their order.
	BadFrame fault.Code = 7021

	// NullTime means: a row without a timestamp reached a windowed aggregation.
	NullTime fault.Code = 7045
	// OutOfOrder means: the rows of a key are not in order of time.
	OutOfOrder fault.Code = 7046
	// TimeOutOfRange means: a timestamp outside the years 0001 to 9999.
	TimeOutOfRange fault.Code = 7047
	// Overflow means: an exact result does not fit its type.
	Overflow fault.Code = 7048
	// Unbounded means: rows came before the extent of the input was known.
	Unbounded fault.Code = 7049
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadSpec, Title: "bad windows",
			Explain: "The windows of the feature set contradict each other: a width or slide that is not positive, a slide longer than a window. Change the windows in the pipeline file."},
		{Code: BadAggregate, Title: "function does not fit its column",
			Explain: "The aggregate function cannot work on the type of its column, for example a sum of texts. Choose another function or cast the column first."},
		{Code: MissingColumn, Title: "column of no use to an aggregation",
			Explain: "A key, timestamp or input column is missing from the rows, or has a type that aggregations do not take. The message lists what was found and what was expected."},
		{Code: BadParameter, Title: "parameter of a function out of range",
			Explain: "percentile takes p from 0 to 1; top_k, bottom_k, first_k and last_k take a whole number k of at least 1; approx_count_distinct takes rsd from 0.0022 to 0.39. Other functions take no parameter."},
		{Code: BadDistinct, Title: "bad distinct",
			Explain: "distinct keeps one row of each tuple of values inside a window, so it must name one column at least, of a type that a pipeline file can name."},
		{Code: BadFrame, Title: "bad windows of events",
			Explain: "The windows that end at each row contradict each other or the column that orders the rows: a length that is not positive, months over a column of numbers, an order column that is no number, date or timestamp. The message names the window."},
		{Code: NullTime, Title: "row without timestamp in a window",
			Explain: "A row without a timestamp belongs to no window. Such rows are sent to the dead letter before this point; if you see this in a pipeline, report it."},
		{Code: OutOfOrder, Title: "rows out of order",
			Explain: "The rows of a key must come in ascending order of their timestamp. The exchange sorts them; if you see this in a pipeline, report it."},
		{Code: TimeOutOfRange, Title: "timestamp out of range",
			Explain: "A timestamp lies outside the years 0001 to 9999. Check the unit of the timestamp column: milliseconds read as seconds are a common cause."},
		{Code: Overflow, Title: "sum does not fit",
			Explain: "The exact result of an aggregate does not fit its type: an integer sum beyond bigint, a decimal beyond 38 digits, or texts of more than 2 GiB in one batch. The message names feature, key and timestamp. Cast the column to double before, if an approximate value will do."},
		{Code: Unbounded, Title: "extent of the input unknown",
			Explain: "A windowed aggregation must know the first and the last timestamp of all rows before it sees one. The exchange tells it; if you see this in a pipeline, report it."},
	}
}
