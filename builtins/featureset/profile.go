package featureset

import (
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/host/fault"
)

// NullPolicy says what happens to a row that has a null where it must not.
type NullPolicy int

const (
	// Reject sends the row to the dead letter.
	Reject NullPolicy = iota
	// Keep lets it pass.
	Keep
)

// Profile is every choice of meaning in which feature sets differ. The two
// profiles run on the same code; S-201 in docs/semantics.md is the table of
// this struct.
type Profile struct {
	// NullKeys: S-602. A set may also ask to keep them.
	NullKeys NullPolicy
	// NullTimestamps: S-606. Rolling windows have no place for such rows: where
	// they are kept elsewhere, windows drop and count them.
	NullTimestamps NullPolicy
	// FloatKeys allows float and double keys, NaN equal to NaN and -0.0 to
	// +0.0 (S-601).
	FloatKeys bool
	// Overflow of numbers in casts: S-405.
	Overflow cast.Overflow
	// DeclaredTypeOnSQL applies the declared type to SQL features: S-404.
	DeclaredTypeOnSQL bool
	// CompatSQL reads function names in SQL as the original did: S-703.
	CompatSQL bool
	// TimestampReplacesSource turns the timestamp's source column into the
	// timestamp for the features after it: S-605.
	TimestampReplacesSource bool
	// WholeSeconds is how fixed windows of the original reach: whole seconds,
	// both ends in, a year of 336 days and no month (S-802, S-803).
	WholeSeconds bool
	// StackEnds is how patterns of the original choose columns: without a star a
	// pattern is a prefix and a suffix, and "!" spares neither keys nor timestamp
	// (S-1005).
	StackEnds bool
	// ZeroIsNoPlace gives no cell where a coordinate is 0 (S-1003).
	ZeroIsNoPlace bool
	// StartGrid puts window starts, not ends, on multiples of the slide: S-906.
	StartGrid bool
	// EmptyWindowNull gives null for every column of a window without rows,
	// in place of the function's value over no rows: S-914.
	EmptyWindowNull bool
	// BaseTableSlide is the slide, as written, for which rows of a windowed set
	// are all keys x midnights (S-912); for any other slide they are the labels
	// with data (S-913). Empty: all labels from a key's first event (S-910).
	BaseTableSlide string
	// NullKeysLoseWindows: windows are joined by keys, and null joins nothing
	// (S-918).
	NullKeysLoseWindows bool
	// NoCalendar refuses months and years in rolling windows: S-907.
	NoCalendar bool
	// WhereMakesNull turns values into null where a feature's `where` is not
	// true, in place of leaving the row out of its aggregates: S-916.
	WhereMakesNull bool
	// TextModes makes mode and most_frequent_set texts: table 9.4.
	TextModes bool
	// CutBeforeDedup cuts an aggregated set to the interval before duplicates
	// are removed (S-1105).
	CutBeforeDedup bool
}

// Default is the profile "featurehost".
func Default() Profile {
	return Profile{DeclaredTypeOnSQL: true}
}

// Butterfree is the profile of the original.
func Butterfree() Profile {
	return Profile{
		NullKeys:                Keep,
		NullTimestamps:          Keep,
		FloatKeys:               true,
		Overflow:                cast.Wrap,
		CompatSQL:               true,
		TimestampReplacesSource: true,
		WholeSeconds:            true,
		StackEnds:               true,
		ZeroIsNoPlace:           true,
		StartGrid:               true,
		EmptyWindowNull:         true,
		BaseTableSlide:          "1 day",
		NullKeysLoseWindows:     true,
		NoCalendar:              true,
		WhereMakesNull:          true,
		TextModes:               true,
		CutBeforeDedup:          true,
	}
}

// profileOf gives the profile a set names by `semantics`.
func profileOf(semantics string) (Profile, error) {
	switch semantics {
	case "", "featurehost":
		return Default(), nil
	case "butterfree":
		return Butterfree(), nil
	}
	return Profile{}, fault.New(UnknownProfile, "unknown semantics %q", semantics).At("feature_set.semantics").
		WithHint(`write "featurehost" or "butterfree"`)
}
