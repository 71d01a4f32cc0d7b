package prepare

import (
	"github.com/featurehost/featurehost/builtins/prepare/jsonrows"
	"github.com/featurehost/featurehost/host/fault"
)

// Codes of this room.
const (
	// BadCondition means: a filter has no condition, or one that gives no boolean.
	BadCondition fault.Code = 7009
	// MissingColumn means: a step names a column that is not there, or twice.
	MissingColumn fault.Code = 7026
	// BadColumn means: a column has a type that the step cannot work on.
	BadColumn fault.Code = 7027
	// BadSetting means: a setting is missing, or contradicts others or the columns.
	BadSetting fault.Code = 7028

	// ConditionOffStep means: a condition gave more or fewer values than rows.
	ConditionOffStep fault.Code = 7040
	// TooManyValues means: the column of a pivot has too many values.
	TooManyValues fault.Code = 7041
	// BadValue means: a value found in the data cannot name a column, or has no place in a group.
	BadValue fault.Code = 7042
	// TextsTooLong means: texts grew beyond what a batch holds.
	TextsTooLong fault.Code = 7044
)

// Codes explains them.
func Codes() []fault.Doc {
	return append([]fault.Doc{
		{Code: BadCondition, Title: "filter without a usable condition",
			Explain: "A filter keeps the rows for which the SQL condition in `where` is true, so the condition must be there and give a boolean. Write a comparison, for example where = \"tailnum IS NOT NULL\"."},
		{Code: MissingColumn, Title: "prepare step names a column that is not there",
			Explain: "A prepare step (replace, forward_fill, pivot, explode_json) names a column that its rows do not have, or have more than once. The message lists the columns found; those that an earlier step makes or removes are taken into account."},
		{Code: BadColumn, Title: "column of a type that a prepare step cannot work on",
			Explain: "replace changes texts, explode_json reads texts or bytes, pivot makes columns of scalar values other than bytes and groups by scalars. Choose another column, or declare its type in the schema of the reader."},
		{Code: BadSetting, Title: "prepare step with settings that make no sense",
			Explain: "A setting of a prepare step is missing or contradicts the others: replace needs column and values; forward_fill column and order_by, and `into` must be a new name; pivot needs group_by, column, value and aggregation, its values must be of the column's type and must not name a column twice; explode_json needs column and schema. A pivot whose values cannot be looked up before the run, as on a stream, needs values = [...]."},
		{Code: ConditionOffStep, Title: "condition gave another number of rows",
			Explain: "The SQL engine answered a filter's condition with more or fewer values than there are rows. This is a defect of featurehost: please report it with the condition."},
		{Code: TooManyValues, Title: "pivot over too many values",
			Explain: "A pivot without `values` makes a column of each value found in the data, at most 1,000. Write values = [...] with those that are wanted, or pivot over another column."},
		{Code: BadValue, Title: "value that a pivot cannot use",
			Explain: "A value found in the data cannot name a column: it is empty, or gives the name of another column, or a null stands beside the text null. Write values = [...], or change the value by a replace or filter step before the pivot. The same is said of a timestamp outside the years 0001 to 9999 that should tell columns apart."},
		{Code: TextsTooLong, Title: "replaced texts of more than 2 GiB",
			Explain: "The texts of a column exceed 2 GiB in a single batch once they are replaced. Lower `batch_rows` in the [pipeline] table."},
	}, jsonrows.Codes()...)
}
