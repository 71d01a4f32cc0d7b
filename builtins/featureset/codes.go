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
	BadStack       fault.Code = 7011
	BadPlugin      fault.Code = 7012
	BadFunction    fault.Code = 7013
	BadH3          fault.Code = 7014
	BadEvents      fault.Code = 7022
	BadPivot       fault.Code = 7024
	BadCondition   fault.Code = 7025
	NotSelected    fault.Code = 7030
	LostRows       fault.Code = 7031
	PluginRows     fault.Code = 7032
	Overflow       fault.Code = 7033
	RowTooLong     fault.Code = 7034
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
		{Code: BadPivot, Title: "pivot or distinct cannot be computed",
			Explain: "A pivot needs a column of texts, numbers, booleans, dates or timestamps, and values that the column's type can hold: a text column is compared with texts, a column of numbers with numbers. Two values must not be the same once they are of that type. Pivot and distinct belong to sets whose features have `aggregate`."},
		{Code: BadCondition, Title: "condition is neither true nor false",
			Explain: "The `where` of a feature is an SQL condition over the row: it must give a boolean, as `price > 0` does."},
		{Code: BadFunction, Title: "function cannot be computed",
			Explain: "A `function` of a plain feature without a window computes one value from one value of a type it takes, such as upper of a string. Functions of many rows, such as sum, need a window; functions of one value take none."},
		{Code: BadPlugin, Title: "plugin cannot make a feature",
			Explain: "A plugin that makes a feature must work row by row (kind map) and make a column of the feature's name. Name the feature after the plugin's column, or use the plugin as a [[stage]]."},
		{Code: BadStack, Title: "columns cannot be stacked",
			Explain: "`stack` makes one row of each column that matches one of its patterns. At least one column must match, and all that do must have one type; integer beside bigint, and float or integer beside double, will do."},
		{Code: BadH3, Title: "cells cannot be computed",
			Explain: "`h3` takes two columns of numbers, latitude and longitude in degrees, and resolutions from 0 to 15. As a key it must be stacked, since a key is one column."},
		{Code: BadEvents, Title: "windows of a feature cannot be computed",
			Explain: "The windows of a plain feature are spans of time (`fixed`) or numbers of rows (`rows`) that end at each row of a partition. Rows can be parted by any columns of single values, and ordered by a timestamp, a date or a number."},
		{Code: NotSelected, Title: "stages used out of order",
			Explain: "The parts of a feature set were opened or fed in the wrong order. This is a defect of featurehost: please report it."},
		{Code: LostRows, Title: "expression gave another number of rows",
			Explain: "The SQL engine answered a feature's expression with more or fewer values than there are rows. This is a defect of featurehost: please report it with the expression."},
		{Code: PluginRows, Title: "plugin gave another number of rows",
			Explain: "A plugin that makes a feature must answer each batch with as many rows as it was given, in their order. Use a plugin that leaves rows out as a [[stage]] before the feature set."},
		{Code: Overflow, Title: "result does not fit its type",
			Explain: "A function of one value has a result that its type cannot hold: the absolute value of the least integer. Cast the column to double, or set on_overflow = \"null\" for the feature."},
		{Code: RowTooLong, Title: "stacked row of more than 2 GiB",
			Explain: "`stack` makes several rows of one and repeats all its columns in each; of this row that is more than 2 GiB. Stack fewer columns, or leave columns of long texts out of the set."},
	}
}
