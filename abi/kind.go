package abi

// Kind says what a plugin does to rows.
type Kind string

// The kinds of this version.
const (
	// Map gives one output row per input row, in order.
	Map Kind = "map"
	// Filter selects rows, and may add columns to them.
	Filter Kind = "filter"
)

// Names of the columns by which a filter says which rows stay.
const (
	KeepColumn = "fh_keep" // bool, one per input row
	RowsColumn = "fh_rows" // int32, the numbers of the rows that stay, ascending
	// ReservedPrefix begins column names that belong to the ABI.
	ReservedPrefix = "fh_"
)
