package abi

// Kind says what a plugin does to rows.
type Kind string

// The kinds of this version.
const (
	// Map gives one output row per input row, in order.
	Map Kind = "map"
	// Filter selects rows, and may add columns to them.
	Filter Kind = "filter"
	// Keyed sees all rows of a key, in order, and may keep state between them.
	Keyed Kind = "keyed"
)

// Names of the columns by which a filter says which rows stay.
const (
	KeepColumn = "fh_keep" // bool, one per input row
	RowsColumn = "fh_rows" // int32, the numbers of the rows that stay, ascending; of a keyed plugin the row that each output row goes with
	// KeyColumn and TimeColumn are what a keyed plugin sees before its own columns:
	// fh_key_0, fh_key_1 and so on, then fh_time.
	KeyColumn  = "fh_key_"
	TimeColumn = "fh_time"
	// ReservedPrefix begins column names that belong to the ABI.
	ReservedPrefix = "fh_"
)
