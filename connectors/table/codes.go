package table

import "github.com/featurehost/featurehost/host/fault"

// The codes of this room.
const (
	// BadConfig is a reader that cannot be made of its settings.
	BadConfig fault.Code = 7685
	// NotReadable is a table whose rows are not simply those of its files.
	NotReadable fault.Code = 7686
	// FormatUnknown is a table in a file format that is not read.
	FormatUnknown fault.Code = 7687
	// UnknownColumn is a column that the table has not.
	UnknownColumn fault.Code = 7688
	// TypeNotReadable is a column of a type that cannot be held.
	TypeNotReadable fault.Code = 7689
	// FileDiffers is a file whose columns do not fit the table.
	FileDiffers fault.Code = 7690
	// BadIncremental is an incremental strategy that does not fit the table.
	BadIncremental fault.Code = 7691
	// BadWhere is a condition that cannot choose partitions.
	BadWhere fault.Code = 7692
	// BadPartition is a value of a partition that is not of its column's type.
	BadPartition fault.Code = 7693
	// Replaced is a partition whose files ended while they were read.
	Replaced fault.Code = 7694
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadConfig, Title: "table reader cannot be made", Explain: "A reader of type \"table\" lacks a setting or has one that does not fit; the message says which."},
		{Code: NotReadable, Title: "table cannot be read from its files", Explain: "The table is a view, an ACID table, or kept by a storage handler (Iceberg, HBase, JDBC): its rows are not simply those of its files. Ask HiveServer2 for them with `sql = \"SELECT ...\"`."},
		{Code: FormatUnknown, Title: "file format of a table is not read", Explain: "Tables in Parquet, Avro and delimited text are read; the message names what was found. Ask HiveServer2 with `sql = \"SELECT ...\"`, or write the table as Parquet, for example with CREATE TABLE new STORED AS PARQUET AS SELECT * FROM old."},
		{Code: UnknownColumn, Title: "unknown column of a table", Explain: "A column is asked of a table that the metastore does not list for it. Correct the name; Hive keeps names in lower case."},
		{Code: TypeNotReadable, Title: "column type of a table cannot be read", Explain: "A column of the table has a type that featurehost cannot hold, for example a struct or a map. Leave the column out, or cast it in `sql = \"SELECT ...\"`."},
		{Code: FileDiffers, Title: "file does not fit its table", Explain: "A file of the table holds a column in a type that is not the table's and cannot be widened to it. The message names file, column and types. Write the file again, or correct the table."},
		{Code: BadIncremental, Title: "incremental strategy does not fit the table", Explain: "The column or the partitions that tell the day of a row are missing or of another type. A date or timestamp column stands alone, a number needs a unit (s, ms or us), a text needs a mask, and partitions name three partition columns: year, month, day."},
		{Code: BadWhere, Title: "condition on partitions is wrong", Explain: "`where` is a condition in SQL over partition columns that chooses which of them are read. It does not parse, is no condition, or names another column: conditions on other columns belong in a filter step."},
		{Code: BadPartition, Title: "value of a partition is wrong", Explain: "The metastore lists a partition with a value that is not of the type of its column. Drop that partition or repair it in Hive."},
		{Code: Replaced, Title: "partition replaced while it was read", Explain: "The files of a partition were removed or replaced while its rows were read, by a run that published it again or by another writer, and rows of both must not be mixed. Run again."},
	}
}
