package cast

// Overflow says what becomes of a number that its target type cannot hold.
type Overflow int

const (
	// Null makes it null and counts a failure; so does NaN as an integer.
	Null Overflow = iota
	// Wrap is the original's arithmetic: a float saturates at the ends of the
	// integer type and NaN is 0; a wider integer keeps its low bits.
	Wrap
)

// Rules are the choices that profiles make. The zero value is the default
// profile.
type Rules struct {
	Overflow Overflow
}
