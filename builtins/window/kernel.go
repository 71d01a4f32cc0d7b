package window

import "math"

// kernel computes output columns of one window over one input column.
//
// The schedule of a window is a list of moves. The rows from a move's to the
// next one's hold the input rows [lo, hi). Moves take both ends forward, or
// to rows after all rows before.
type kernel interface {
	// run computes output rows from to to. Those before the first move hold
	// what the last row of the call before held. It gives the number of a row
	// whose result does not fit its type, or -1.
	run(moves []move, from, to int) int
	// drop takes leave of the first n input rows, which no later move holds;
	// the others are renumbered. The rows are still there.
	drop(n int32)
	// feature names the output column that run's answer speaks of.
	feature() string
}

// move says what a window holds from an output row on.
type move struct{ row, lo, hi int32 }

// absent, as hi of a move, says that the window has no value; lo means
// nothing then.
const absent = math.MinInt32

// span is the run of input rows a kernel has taken in, and whether its value
// is shown.
type span struct {
	lo, hi int32
	hidden bool
}

// spare is how many slots behind the last row a column has room for.
const spare = 4

// repeat writes v to the slots from to to, and maybe to spare slots more.
// Most runs are shorter than that, and a constant number of stores is cheaper
// than a loop whose end is hard to foretell.
func repeat[T any](dst []T, from, to int, v T) {
	p := (*[spare]T)(dst[from:])
	p[0], p[1], p[2], p[3] = v, v, v, v
	for from += spare; from < to; from++ {
		dst[from] = v
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// until gives the row at which move i+1 takes over, or to.
func until(moves []move, i, to int) int {
	if i+1 < len(moves) {
		return int(moves[i+1].row)
	}
	return to
}
