package config

import "github.com/featurehost/featurehost/host/fault"

// Codes of the pipeline file.
const (
	SyntaxError     fault.Code = 101
	WrongType       fault.Code = 102
	UnknownKey      fault.Code = 103
	MissingKey      fault.Code = 104
	BadValue        fault.Code = 105
	DuplicateName   fault.Code = 106
	BadDuration     fault.Code = 107
	UnknownType     fault.Code = 108
	BadEnvironment  fault.Code = 109
	NotYetBuilt     fault.Code = 110
	UnknownFunction fault.Code = 111
	Contradiction   fault.Code = 112
	UnreadableFile  fault.Code = 113
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: SyntaxError, Title: "not TOML",
			Explain: "The pipeline file is not valid TOML at the place shown: a quote, bracket or equals sign is missing, a key is written twice, or tables nest too deeply. Nothing else is checked until the file can be read."},
		{Code: WrongType, Title: "wrong type",
			Explain: "The value of a key has another type than the key takes, such as a number in place of a string. The message says what was expected; a table that may occur several times is written with double brackets, [[reader]]."},
		{Code: UnknownKey, Title: "unknown key",
			Explain: "No such key exists at this place. Check the spelling and the table it stands in; docs/reference/pipeline.md lists all keys. Settings of a plugin go into config = { ... }."},
		{Code: MissingKey, Title: "missing key",
			Explain: "A key or table that the pipeline cannot do without is not there. Add it to the table shown."},
		{Code: BadValue, Title: "bad value",
			Explain: "The value has the right type but is none of those allowed here, or is out of range. The message names what is allowed."},
		{Code: DuplicateName, Title: "duplicate name",
			Explain: "Two things that must be told apart have the same name: two readers, two columns of the feature set, one function or window given twice, or two pivot values whose names come out the same. Names that differ only in upper and lower case count as the same, since the stores do not tell them apart. Rename one."},
		{Code: BadDuration, Title: "bad length of time",
			Explain: "A length of time is a positive whole number, a space and a unit: seconds, minutes, hours, days, weeks, months or years, as in \"7 days\". A short time, as limits.timeout of a stage takes, is a number and ms, s, m or h without a space: \"500ms\", \"2s\", \"1m\". A number of rows is a positive whole number, a space and any word, as in \"3 events\". The butterfree profile has no months, and years only in fixed windows."},
		{Code: UnknownType, Title: "unknown type",
			Explain: "The text names no type. Types are timestamp, timestamp_ntz, date, boolean, integer, bigint, float, double, decimal(p,s), string, binary, and array<...> of one of these. A struct is a type only in the schema of explode_json."},
		{Code: BadEnvironment, Title: "environment variable",
			Explain: "A string names an environment variable that is not set, or the reference is malformed. Set the variable, or give a default: ${NAME:-default}. A literal ${ is written $${."},
		{Code: NotYetBuilt, Title: "not yet built",
			Explain: "The key or value is part of featurehost's design but this version does not implement it. Remove it, or use a later version."},
		{Code: UnknownFunction, Title: "unknown aggregate function",
			Explain: "No aggregate function has this name. docs/reference/pipeline.md lists them; case does not matter. Functions of one value, such as cos, belong to features without a window."},
		{Code: Contradiction, Title: "contradiction",
			Explain: "Two settings cannot both hold, or one makes no sense with another: plain and aggregated features in one set, two descriptions of one feature, a parameter that its function does not take, a slide longer than a window, two ways to read incrementally, a key that belongs to another kind of table. Keep one of them."},
		{Code: UnreadableFile, Title: "pipeline file cannot be read",
			Explain: "The pipeline file does not exist, may not be read, or is larger than a pipeline file can be. Check the path given on the command line."},
	}
}
