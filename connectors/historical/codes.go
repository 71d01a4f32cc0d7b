package historical

import "github.com/featurehost/featurehost/host/fault"

// The codes of this room.
const (
	// SchemaChange is a table whose columns do not fit the feature set.
	SchemaChange fault.Code = 7510
	// LayoutChange is a table laid out in the other way.
	LayoutChange fault.Code = 7511
	// FlatInterval is an interval run over a table without days.
	FlatInterval fault.Code = 7512
	// BadColumn is a column that the table cannot have.
	BadColumn fault.Code = 7513
	// BadPlace is a path, entity or name that makes no folder.
	BadPlace fault.Code = 7514
	// DayTooLarge is a day on S3 that cannot be replaced in one step.
	DayTooLarge fault.Code = 7515
	// EmptyFullRun is a full run without rows.
	EmptyFullRun fault.Code = 7540
	// OutsideInterval is a row of a day that the run may not write.
	OutsideInterval fault.Code = 7541
	// RowsLost is a file whose footer counts other rows than were written.
	RowsLost fault.Code = 7542
	// DiskFull is a write that found no space.
	DiskFull fault.Code = 7580
	// NotWritable is a folder that this process may not write to.
	NotWritable fault.Code = 7581
	// WriteRefused is any other refusal of the disk.
	WriteRefused fault.Code = 7582
	// PendingLost is a prepared write whose files are gone or are not its own.
	PendingLost fault.Code = 7583
	// NoMemory is a share of the memory budget that holds no rows.
	NoMemory fault.Code = 7584
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: SchemaChange, Title: "table has another schema", Explain: "A column of the stored table is missing from the feature set or has another type there. New columns may be added; anything else would make old and new days disagree. Keep the old type, give the feature a new name, or write to a new path."},
		{Code: LayoutChange, Title: "table has another layout", Explain: "The table was written with layout \"flat\" and the pipeline says \"partitioned\", or the other way round. Set `layout` to what the table has, or write to a new path."},
		{Code: FlatInterval, Title: "interval run over a flat table", Explain: "A flat table is one file, so a run over some days cannot replace just them. Leave out --start, or use layout = \"partitioned\"."},
		{Code: BadColumn, Title: "column cannot be stored", Explain: "The table needs a column \"timestamp\" in microseconds UTC and types of the feature types table; a partitioned table cannot have columns named year, month or day, which are its folders, and a catalogue takes no rows without a timestamp. Rename or cast the column."},
		{Code: BadPlace, Title: "no place for the table", Explain: "The folders of the table are made from `path`, the entity and the name of the feature set; one of them cannot be a folder. `path` is a folder of this machine or s3://bucket/prefix. A catalogue (`hive`) needs layout = \"partitioned\"."},
		{Code: DayTooLarge, Title: "day too large for one object", Explain: "On S3 a day is one object, so that replacing it is one step, and a day's file is larger than is allowed for one. With a Hive metastore (`hive`) such days lie where only the metastore points; a plain listing of the table does not see them."},
		{Code: EmptyFullRun, Title: "full run without rows", Explain: "A full run replaces the whole table, and this one has no rows, so it would erase it. Look for a filter that drops everything or a wrong path; if an empty table is meant, set allow_empty = true."},
		{Code: OutsideInterval, Title: "row outside the interval", Explain: "An interval run may only write days of its interval, and a row of another day reached the store. This is a defect of featurehost: please report it with the pipeline file."},
		{Code: RowsLost, Title: "row count differs", Explain: "The footers of the new files count other rows than were written, so nothing was published. Run again; if it happens twice, check the disk."},
		{Code: DiskFull, Title: "disk full", Explain: "No space was left (or a quota or file size limit was reached) while writing aside. What was written is removed and the table is untouched. Free space: a run needs room for a second copy of the days it writes, and for a third one while it writes more days than memory holds."},
		{Code: NotWritable, Title: "folder not writable", Explain: "This process may not make files in the store's folder. Check the owner and mode of the folder and whether the file system is mounted read-only."},
		{Code: WriteRefused, Title: "disk refused", Explain: "The operating system refused a read, write or rename; the message holds its reason. Before publishing, the table is untouched; while publishing, the next run finishes the work from the ledger."},
		{Code: PendingLost, Title: "prepared files are gone", Explain: "The ledger names files of a prepared write that are not in _featurehost/.../pending, or that belong to another run. Someone removed, moved or replaced them. Compute the interval again."},
		{Code: NoMemory, Title: "too little memory for the table", Explain: "The share of --memory that is left for writing does not hold the rows of one batch. Give the run more memory, or make batches smaller with batch_rows."},
	}
}
