package file

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room: 7500-7509 usage, 7530-7539 data, 7570-7579 system.
const (
	Missing         fault.Code = 7500
	BadConfig       fault.Code = 7501
	UnknownColumn   fault.Code = 7502
	BadIncremental  fault.Code = 7503
	ColumnsDiffer   fault.Code = 7504
	NotReadableType fault.Code = 7505

	Corrupt  fault.Code = 7530
	BadRow   fault.Code = 7531
	BadText  fault.Code = 7532
	NotValue fault.Code = 7533

	CannotRead fault.Code = 7570
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: Missing, Title: "no such file", Explain: "The path of a reader names no file. Relative paths start from the folder of the pipeline file; correct the path, or create the file. Files and folders whose names begin with _ or . are ignored in folders and globs."},
		{Code: BadConfig, Title: "reader cannot be set up", Explain: "The settings of a file reader do not fit together, for example an unknown format, a pattern that is no glob, or a type that does not exist. Correct the [[reader]] table."},
		{Code: UnknownColumn, Title: "unknown column of a reader", Explain: "A column is asked of a reader whose files do not have it. Correct the name."},
		{Code: BadIncremental, Title: "incremental strategy does not fit", Explain: "The column or the partitions that tell the day of a row are missing or of another type. A date or timestamp column stands alone, a number needs a unit (s, ms or us), a text needs a mask, and partitions name three partition columns: year, month, day."},
		{Code: ColumnsDiffer, Title: "files of a reader differ", Explain: "All files of a reader must have the same columns with the same types. The message names the first file that differs; give it a reader of its own, or write it again."},
		{Code: NotReadableType, Title: "column of a type that cannot be read", Explain: "A column has a type that featurehost cannot hold without loss, for example a struct, a time of day, or a decimal of more than 38 digits. Leave the column out, or store it in another type."},
		{Code: Corrupt, Title: "damaged file", Explain: "A file cannot be decoded: it is cut off, bytes were changed, or it is of another format than its reader says. Restore it from its source."},
		{Code: BadRow, Title: "malformed row", Explain: "A row of a CSV or JSON lines file cannot be read: a text that is no number, a missing or further column, broken JSON. The message names file, line and column."},
		{Code: BadText, Title: "text is not UTF-8", Explain: "A text column of a file holds bytes that are no UTF-8. Store the column as binary, or repair the text."},
		{Code: NotValue, Title: "value out of range", Explain: "A stored value cannot be held by its widened type. Repair the value, or store the column in another type."},
		{Code: CannotRead, Title: "file cannot be opened", Explain: "The operating system refuses to open or read a file: a permission, a lost mount, a failing disk. Repair that and run again."},
	}
}
