package prepare

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	BadCondition     fault.Code = 7009
	ConditionOffStep fault.Code = 7040
)

// Codes explains them.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadCondition, Title: "filter without a usable condition",
			Explain: "A filter keeps the rows for which the SQL condition in `where` is true, so the condition must be there and give a boolean. Write a comparison, for example where = \"tailnum IS NOT NULL\"."},
		{Code: ConditionOffStep, Title: "condition gave another number of rows",
			Explain: "The SQL engine answered a filter's condition with more or fewer values than there are rows. This is a defect of featurehost: please report it with the condition."},
	}
}
