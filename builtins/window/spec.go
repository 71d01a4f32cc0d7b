package window

// Width is the length of a rolling window.
type Width struct {
	Micros int64 // microseconds, at least the slide
}

// Grid says where labels may stand (S-906).
type Grid int

const (
	// EndsOnMultiples puts every label on a whole multiple of the slide since
	// 1970-01-01T00:00Z: one grid for all windows.
	EndsOnMultiples Grid = iota
	// StartsOnMultiples puts the start of every window on such a multiple, so
	// its labels stand at start + width. At a label of another window's grid a
	// window has no value: its columns are null.
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

	// The rest is Sweep's alone.

	// Windows are the rolling windows; at least one, no two alike.
	Windows []Width
	// Slide is the distance of labels in microseconds.
	Slide int64
	// Grid says where labels stand.
	Grid Grid
	// Rows says which labels give a row.
	Rows Rows
	// OnlyChanges leaves out labels at which no window changed. It is for
	// callers that drop a row equal to the row before it anyway.
	OnlyChanges bool
	// EmptyNull makes every column of a window without rows null, counts too
	// (S-914, compat).
	EmptyNull bool
	// NullKeys says what becomes of keys with a null part.
	NullKeys NullKeys
	// LastLabel is the greatest label allowed. Nil: the first label of each
	// grid after the last row of all keys, from the extent (S-909).
	LastLabel *int64
}

// Aggregate is one function over one column.
type Aggregate struct {
	Column   string
	Function Function
	// Outputs names the columns made: one for each window in the order of
	// Spec.Windows, or a single one for Group.
	Outputs []string
}
