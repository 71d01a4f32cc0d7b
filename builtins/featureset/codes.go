package featureset

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	BadCast        fault.Code = 7000
	UnknownColumn  fault.Code = 7001
	BadType        fault.Code = 7002
	NameTaken      fault.Code = 7003
	BadKey         fault.Code = 7004
	BadTimestamp   fault.Code = 7005
	BadFeature     fault.Code = 7006
	BadWindow      fault.Code = 7007
	UnknownProfile fault.Code = 7008
	BadInput       fault.Code = 7010
	NotSelected    fault.Code = 7030
	LostRows       fault.Code = 7031
)

// Codes explains them.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadCast, Title: "a type cannot become another",
			Explain: "A column cannot be converted to the type that the pipeline file declares for it. Declare a type it can become, or convert it in an SQL feature."},
		{Code: UnknownColumn, Title: "unknown column",
			Explain: "A key, the timestamp, a feature or an order column names a column that neither the source rows nor the features before it have. Check the spelling and the order of the features."},
		{Code: BadType, Title: "unknown type",
			Explain: "A declared type is none of featurehost's types. Write one of timestamp, timestamp_ntz, date, boolean, integer, bigint, float, double, string, binary, decimal(p,s) or array<type>."},
		{Code: NameTaken, Title: "column name taken",
			Explain: "Two columns of the feature table would have the same name, or one is named year, month or day, which name Hive partitions. Rename the feature or the key."},
		{Code: BadKey, Title: "a column cannot be a key",
			Explain: "A feature set needs at least one key, and a key must have one exact value: arrays cannot be keys, nor can float and double outside the butterfree profile."},
		{Code: BadTimestamp, Title: "timestamp cannot be read",
			Explain: "The timestamp column must be a timestamp or a date, a number with a unit (s, ms or us), or a text, with a mask when it is not written as 2026-01-31 10:00:00."},
		{Code: BadFeature, Title: "feature cannot be computed",
			Explain: "A set is either plain, or every one of its features has `aggregate`; a plain feature has either `from` or `sql`, and an aggregated one has no `sql`."},
		{Code: BadWindow, Title: "windows cannot be computed",
			Explain: "Windows need aggregated features, each window may stand once, and the slide may not be longer than a window."},
		{Code: UnknownProfile, Title: "unknown semantics",
			Explain: "`semantics` is \"featurehost\" (the default) or \"butterfree\"."},
		{Code: BadInput, Title: "column type has no place in a feature set",
			Explain: "A column that the feature set uses has a type that featurehost does not compute with, such as a struct or a map. Take it apart in the query or in a stage before."},
		{Code: NotSelected, Title: "stages used out of order",
			Explain: "The parts of a feature set were opened or fed in the wrong order. This is a defect of featurehost: please report it."},
		{Code: LostRows, Title: "expression gave another number of rows",
			Explain: "The SQL engine answered a feature's expression with more or fewer values than there are rows. This is a defect of featurehost: please report it with the expression."},
	}
}
