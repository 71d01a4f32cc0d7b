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
		StartGrid:               true,
		EmptyWindowNull:         true,
		BaseTableSlide:          "1 day",
		NullKeysLoseWindows:     true,
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
