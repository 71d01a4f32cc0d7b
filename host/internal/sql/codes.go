package sql

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room: 7100-7129 usage, 7130-7169 data, 7170-7199 system.
const (
	BadSyntax       fault.Code = 7100
	UnknownColumn   fault.Code = 7101
	NotRowWise      fault.Code = 7102
	NotRepeatable   fault.Code = 7103
	UnknownFunction fault.Code = 7104
	BadTypes        fault.Code = 7105
	NotOneThing     fault.Code = 7106
	Fenced          fault.Code = 7107
	UnknownTable    fault.Code = 7108
	OrderDependent  fault.Code = 7109
	BadRelation     fault.Code = 7110
	ColumnsDiffer   fault.Code = 7111
	BadOptions      fault.Code = 7112
	NotMapped       fault.Code = 7113

	ComputationFailed fault.Code = 7130
	BadRow            fault.Code = 7131
	BadFile           fault.Code = 7132
	RowsDiffer        fault.Code = 7133

	OutOfMemory  fault.Code = 7170
	FileTrouble  fault.Code = 7171
	EngineFailed fault.Code = 7172
	EngineClosed fault.Code = 7173
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadSyntax, Title: "sql does not parse", Explain: "An SQL expression or query has a syntax error. The message shows the place; correct the text there."},
		{Code: UnknownColumn, Title: "unknown column in sql", Explain: "An SQL expression names a column that its input does not have. Columns come from the reader, from prepare steps and from features listed earlier; correct the name."},
		{Code: NotRowWise, Title: "expression looks at more than its row", Explain: "A row-wise expression holds an aggregate, a window function, a subquery or a function that makes several rows. Use an aggregate feature or the [query] of the pipeline for that."},
		{Code: NotRepeatable, Title: "sql is not repeatable", Explain: "SQL of a pipeline may not read the clock, draw random numbers or ask the engine about itself, because the same input must give the same output. Use a column of the data instead."},
		{Code: UnknownFunction, Title: "unknown function in sql", Explain: "The SQL engine has no function of this name. Correct the name; functions are those of DuckDB."},
		{Code: BadTypes, Title: "types do not fit in sql", Explain: "An operator or function does not take arguments of these types, or the result has a type that a column cannot have. Add a cast."},
		{Code: NotOneThing, Title: "not one expression or query", Explain: "Where one expression is expected stands something else: several expressions, a name given with AS, a star, a FROM, a parameter, a semicolon. A query is one SELECT."},
		{Code: Fenced, Title: "sql reaches outside", Explain: "SQL of a pipeline reads the rows of declared readers and nothing else: no files, no table functions, no statements but SELECT. Declare a reader and use its id as a table."},
		{Code: UnknownTable, Title: "unknown table in the query", Explain: "The query names a table that is no reader of the pipeline. Tables are named by the id of a reader."},
		{Code: OrderDependent, Title: "query depends on the order of rows", Explain: "Source rows have no order, so LIMIT, DISTINCT ON, row_number, first, last, any_value, list and the like need an ORDER BY, and samples and positional joins are refused. Add ORDER BY over a unique key, or use min, max or arg_max."},
		{Code: BadRelation, Title: "reader cannot be used in the query", Explain: "The files of a reader cannot be opened as a table: a file is missing or unreadable, two columns have one name, or two readers have one id."},
		{Code: ColumnsDiffer, Title: "file and declared columns differ", Explain: "A text file lacks a declared column, has another number of columns, or differs from the first file of the reader. Correct the schema of the reader or the file."},
		{Code: BadOptions, Title: "bad option of the sql engine", Explain: "A limit given to the SQL engine cannot be used, for example a memory limit that is too small."},
		{Code: NotMapped, Title: "sql without a meaning in this profile", Explain: "In the butterfree profile only functions with the same meaning in both dialects are known. Use one of those named, or the featurehost profile."},
		{Code: ComputationFailed, Title: "sql failed on a value", Explain: "A value made an SQL expression or query fail: an overflow, a text that is no number in a cast, an argument outside a function's range. Use try_cast, or guard the value with a case."},
		{Code: BadRow, Title: "malformed row", Explain: "A row of a CSV or JSON lines file cannot be read: a text that is no number, a missing or further column, broken JSON. Correct the line that the message names, or declare another type."},
		{Code: BadFile, Title: "file cannot be read as declared", Explain: "A file is no CSV, JSON lines or Parquet file, or is compressed in another way than its name says."},
		{Code: RowsDiffer, Title: "expression gave a wrong number of rows", Explain: "The SQL engine returned another number of rows than it was given. This is a defect of featurehost; please report the expression."},
		{Code: OutOfMemory, Title: "sql is out of memory", Explain: "The SQL engine reached its share of --memory and could not spill. Give more memory, or let the query keep fewer columns and rows."},
		{Code: FileTrouble, Title: "sql cannot read or write a file", Explain: "A file or the scratch folder could not be read or written: a full disk, a permission. Make room, or name another folder."},
		{Code: EngineFailed, Title: "sql engine failed", Explain: "The SQL engine could not start or broke down. This is a defect; please report what the message says."},
		{Code: EngineClosed, Title: "sql engine is closed", Explain: "The SQL engine was used after it was closed. This is a defect of featurehost; please report it."},
	}
}
