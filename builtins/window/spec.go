package window

import "time"

// Length is a length of time: exactly one of its fields is set. Days and months
// are those of the calendar of Spec.Zone (S-907).
type Length struct {
	Micros int64 // microseconds
	Days   int
	Months int
}

// Grid says where labels may stand (S-906).
type Grid int

const (
	// EndsOnMultiples puts every label on a whole multiple of the slide since
	// 1970-01-01T00:00Z, or on the local midnight of every so many days or
	// months counted from 1970-01-01: one grid for all windows.
	EndsOnMultiples Grid = iota
	// StartsOnMultiples puts the start of every window on such a multiple, so
	// its labels stand at start + width. At a label of another window's grid a
	// window has no value: its columns are null. Not for lengths of a calendar.
	StartsOnMultiples
)

// Rows says which labels give a row.
type Rows int

const (
	// Changes gives, for each key, every label after its first row (S-910).
	Changes Rows = iota
	// WithData gives only labels at which a window has a row (S-910, S-913).
	WithData
	// EveryLabel gives, for each key, every label from the midnight that
	// begins the day of the first row of all keys (S-912). The slide must be
	// one day; a window whose labels are no midnights is null throughout.
	EveryLabel
)

// NullKeys says what becomes of keys with a null part.
type NullKeys int

const (
	// NullIsEqual treats null as a value that equals itself.
	NullIsEqual NullKeys = iota
	// NullNeverMatches does as a join on the key would (S-918): EveryLabel
	// rows have null features; WithData rows of several windows come apart,
	// one for each window with data.
	NullNeverMatches
)

// Spec says what to aggregate.
type Spec struct {
	// Keys are the key columns of the input; none makes all rows one key.
	Keys []string
	// Time is the timestamp[us, UTC] column of the input. Sweep refuses nulls
	// in it; for Group null is a time that equals itself.
	Time string
	// Aggregates give the output columns, in order.
	Aggregates []Aggregate
	// Distinct keeps one row of each tuple inside every window or group, before
	// Aggregate.Where (S-917); nil keeps all.
	Distinct *Distinct

	// The rest is Sweep's alone.

	// Windows are the lengths of the rolling windows; at least one, none
	// shorter than the slide. Some may be equal.
	Windows []Length
	// Slide is the distance of labels.
	Slide Length
	// Zone is that of calendar lengths; nil is UTC. To load it, and to have zone
	// data in the program (time/tzdata), is the caller's part.
	Zone *time.Location
	// Grid says where labels stand.
	Grid Grid
	// Rows says which labels give a row.
	Rows Rows
	// OnlyChanges leaves out labels at which no window changed. It is for
	// callers that drop a row equal to the row before it anyway.
	OnlyChanges bool
	// EmptyNull makes every column of a window without rows null, counts and
	// lists too (S-914, compat); with Aggregate.Where, where none of the
	// window's rows takes part.
	EmptyNull bool
	// NullKeys says what becomes of keys with a null part.
	NullKeys NullKeys
	// FirstLabel leaves out the rows of labels before it, without visiting the
	// labels at which nothing changes; with OnlyChanges the first label from it
	// on is never left out. Nil: all labels.
	FirstLabel *int64
	// LastLabel is the greatest label allowed. Nil: the first label of each
	// grid after the last row of all keys, from the extent (S-909).
	LastLabel *int64
}

// Aggregate is one function over one column.
type Aggregate struct {
	Column   string
	Function Function
	Params   Params
	// Where names a boolean column: rows in which it is not true take no part
	// (S-916, S-931). "" takes all rows.
	Where string
	// OverflowNull gives null where the result does not fit its type, in place
	// of an error (S-941).
	OverflowNull bool
	// Outputs names the columns made: one for each window in the order of
	// Spec.Windows, or of EventSpec.Frames, or a single one for Group.
	Outputs []string
}

// Params are what functions take beside their column; zero for those that take
// none.
type Params struct {
	P   float64 // Percentile: 0 to 1
	K   int     // TopK, BottomK, FirstK, LastK: at least 1
	RSD float64 // ApproxCountDistinct: relative standard deviation; 0 is 0.05
}

// Distinct keeps of all rows with one tuple of values, null equal to null, the
// last in total order, or the first.
type Distinct struct {
	Columns []string // at least one
	First   bool
}

// EventSpec says what Events computes: windows that end at each row (section 8).
type EventSpec struct {
	// Partition are the columns that tell partitions apart, null equal to null;
	// none puts all rows into one.
	Partition []string
	// Order is the timestamp[us], date, integer, float or double column that
	// fixed frames range over.
	Order string
	// Frames are the windows of each row; at least one.
	Frames []Frame
	// Aggregates give the columns added, in order.
	Aggregates []Aggregate
}

// Frame is a window that ends at a row. Exactly one of Rows and Span is set.
type Frame struct {
	// Rows is the number of rows: the present one and those right before it.
	Rows int64
	// Span reaches back from the present row's value of EventSpec.Order, which
	// for columns of numbers counts in seconds (S-805). Its Days and Months are
	// those of the UTC calendar, and only for timestamps and dates (S-802).
	Span Length
	// Bounds tell which ends of a span are in the window.
	Bounds Bounds
	// WholeSeconds floors timestamps to seconds before they are compared
	// (S-803, compat).
	WholeSeconds bool
}

// Bounds says which ends of a span are in a window.
type Bounds int

const (
	// OpenClosed is (t-w, t].
	OpenClosed Bounds = iota
	// ClosedClosed is [t-w, t].
	ClosedClosed
	// ClosedOpen is [t-w, t).
	ClosedOpen
	// OpenOpen is (t-w, t).
	OpenOpen
)
