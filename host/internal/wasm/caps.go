package wasm

import (
	"fmt"

	"github.com/featurehost/featurehost/host/internal/wasm/binary"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// Caps on a module (ABI-W-060, ABI-W-067).
const (
	maxModule   = 64 << 20
	maxFunction = 1 << 20
	maxTable    = fuel.MaxTable
	maxValues   = 1000 // parameters, and results, of a function type
	maxLocals   = 50_000
)

// part is something of which a module has a number. The engine makes far more
// of one than the bytes that it takes in the file, and limits.memory does not
// see it.
type part int

const (
	types part = iota
	typeValues
	imports
	functions
	tables
	globals
	exports
	elementSegments
	elements
	dataSegments
	names
	locals
	work
	parts
)

// cap gives the name of a part and how many of it a module may have.
func (p part) cap() (what string, most int) {
	switch p {
	case types:
		return "function types", 10_000
	case typeValues:
		return "parameters and results of function types", 100_000
	case imports:
		return "imports", 1000
	case functions:
		return "functions", 100_000
	case tables:
		return "tables", 100
	case globals:
		return "globals", 20_000
	case exports:
		return "exports", 20_000
	case elementSegments:
		return "element segments", 10_000
	case elements:
		return "elements in segments", 1 << 17
	case dataSegments: // Go's linker makes so many
		return "data segments", 100_000
	case names:
		return "names in its name section", 500_000
	case locals:
		return "locals in all functions", 2_000_000
	case work: // a few times what all of Go's standard library has
		return "units of work for the compiler", 100_000_000
	}
	return "", 0
}

// tally counts the parts of a module.
type tally [parts]int

// add counts n more of a part; over its cap c fails.
func (t *tally) add(c *binary.Cursor, p part, n int) {
	t[p] += n
	if what, most := p.cap(); t[p] > most {
		c.Fail(&tooMany{what, t[p], most})
	}
}

// tooMany is the error of a module, or of a function, that has too many of
// something.
type tooMany struct {
	what    string
	n, most int
}

func (e *tooMany) Error() string {
	return fmt.Sprintf("it has %d %s, at most %d are allowed", e.n, e.what, e.most)
}

// Caps on a function: the engine takes time by the square of some of these, and
// by products of others. Within them one takes about two seconds at most. A
// module that draws in all of Go's standard library stays below a fifth.
const (
	maxDepth  = 10_000
	maxPieces = 35_000
	maxLabels = 20_000
	maxMoved  = 250_000
	maxFollow = 1_000_000
)

// follow is how often the engine looks for the value of a local, at worst: for
// each that is read elsewhere than it is set, at each place where the function
// goes on elsewhere or comes together.
func (e effort) follow() int { return e.far * (e.pieces + e.labels) }

// work is about as many microseconds as the function takes to compile beyond
// what its length explains.
func (e effort) work() int {
	return e.pieces*e.pieces/600 + 17*e.labels + e.moved + e.follow()*17/10
}

// check holds a function against its caps.
func (e effort) check() error {
	for _, p := range []tooMany{
		{"blocks in each other", e.depth, maxDepth},
		{"pieces by its blocks and branches", e.pieces, maxPieces},
		{"labels in its br_table", e.labels, maxLabels},
		{"values taken and given by its calls, blocks and branches", e.moved, maxMoved},
		{"locals times pieces", e.follow(), maxFollow},
	} {
		if p.n > p.most {
			return &p
		}
	}
	return nil
}
