package online

import (
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
)

// The codes of this room.
const (
	// BadPlace is a store or path that this version cannot open.
	BadPlace fault.Code = 7520
	// NoDatabase is a store that no run has written yet.
	NoDatabase fault.Code = 7521
	// NoTable is a feature set that no run has published yet.
	NoTable fault.Code = 7522
	// BadKey is a key text that does not fit the key's columns.
	BadKey fault.Code = 7523
	// BadColumn is a column that the table cannot have.
	BadColumn fault.Code = 7524
	// SchemaChange is a table whose columns do not fit the feature set.
	SchemaChange fault.Code = 7525
	// NotOurs is a file or table that featurehost did not make.
	NotOurs fault.Code = 7526
	// Damaged is a database or value that cannot be read back.
	Damaged fault.Code = 7550
	// BadText is text that is not UTF-8 inside a list.
	BadText fault.Code = 7551
	// WrongBatch is a batch that does not fit the schema the sink was opened with.
	WrongBatch = staged.WrongBatch
	// DiskFull is a write that found no space.
	DiskFull = staged.DiskFull
	// NotWritable is a file or folder that this process may not write to.
	NotWritable = staged.NotWritable
	// Busy is a database that another process held for too long.
	Busy fault.Code = 7592
	// DiskRefused is any other refusal of the disk or of SQLite.
	DiskRefused = staged.DiskRefused
	// PendingLost is a prepared write whose staged file is gone or altered.
	PendingLost = staged.PendingLost
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadPlace, Title: "no place for the online store", Explain: "The embedded online store (store = \"local\") is one SQLite file on the local disk. Write a file name for `path`, or leave it out to use online.db in the state folder."},
		{Code: NoDatabase, Title: "online store is empty", Explain: "The SQLite file of the online store does not exist, so nothing was published to it yet. Run the pipeline first; if it was run, check `path` of the online sink and `state` of the pipeline."},
		{Code: NoTable, Title: "feature set not published", Explain: "The online store has no table of this feature set. Run the pipeline first, or check the entity and the name of the set."},
		{Code: BadKey, Title: "key does not fit", Explain: "A vector is asked for by one text per key column, in the form of the column's type: 17 for a bigint, true or false for a boolean, 2026-01-31 for a date, 2026-01-31T10:00:00Z for a timestamp, base64 for binary. Vectors whose key holds a null are found by reading all."},
		{Code: BadColumn, Title: "column cannot be stored", Explain: "The online table needs key columns, then a column \"timestamp\" in microseconds UTC, then features, all of types of the feature types table. Names are unique without regard to case, do not start with fh_, and there are at most 1,900 of them. Rename or cast the column."},
		{Code: SchemaChange, Title: "online table has another schema", Explain: "A column of the stored table is missing from the feature set, has another type there, or the keys differ. New columns may be added; anything else would make old and new rows disagree. Keep the old column, give the feature or the set a new name, or write to a new file."},
		{Code: NotOurs, Title: "not made by featurehost", Explain: "The file is no SQLite database, the table was made by something else or by a newer featurehost, or its name belongs to another entity and set. Nothing was changed. Use another `path`, or move the file away."},
		{Code: Damaged, Title: "online store damaged", Explain: "SQLite finds the file damaged, or a stored value is not of its column's type, which means that another program wrote to it. Move the file away and run the pipeline over the whole time: the online store can always be computed again."},
		{Code: BadText, Title: "text is not UTF-8", Explain: "A list holds text that is not UTF-8 and has no form in JSON. Clean the text in a stage, or declare the feature as binary."},
		{Code: WrongBatch, Title: "batch does not fit", Explain: "Rows reached the online sink with other columns than it was opened with. This is a defect of featurehost: please report it with the pipeline file."},
		{Code: DiskFull, Title: "disk full", Explain: "No space was left, or a quota or file size limit was reached. Before publishing, nothing changed. While publishing, the rows already loaded are whole and the next run loads the rest. Free space and run again."},
		{Code: NotWritable, Title: "online store not writable", Explain: "This process may not write to the database, its folder (SQLite needs to make files beside it), or the state folder. Check owner and mode, and whether the file system is mounted read-only."},
		{Code: Busy, Title: "database held by another process", Explain: "Another process held the database's write lock longer than the time allowed. Runs of featurehost hold it for one transaction of 1,000 rows only; look for a tool that left a transaction open. Run again."},
		{Code: DiskRefused, Title: "disk refused", Explain: "The operating system or SQLite refused a read or write; the message holds its reason. The next run finishes from the ledger what was prepared."},
		{Code: PendingLost, Title: "staged rows are gone", Explain: "The ledger names a staged file of rows that is not there, or is not as it was written, and the database holds no record of its publication. Someone removed or changed it. Compute the interval again."},
	}
}
