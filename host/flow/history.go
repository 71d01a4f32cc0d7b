package flow

import (
	"context"
	"errors"
)

// ErrNeedsHistory is in the tree of the error of a run over part of the rows,
// when only the older ones can tell what its rows are. The run must be given
// them.
var ErrNeedsHistory = errors.New("only older rows can tell whether a key had rows before the interval")

// History knows which keys had rows in the feature table before the interval
// of a run that does not read far enough back to see for itself. It is safe for
// use by several goroutines.
type History interface {
	// Had reports whether the key of a row of the feature table had rows before
	// the interval, or fails with ErrNeedsHistory.
	Had(r Record, row int) (bool, error)
}

// Historian is a feature set that asks a History about keys whose first row it
// cannot place (S-1105).
type Historian interface {
	// Remember is called after Open and before the first row, and only when
	// rows from before the look-back are left out.
	Remember(h History)
}

// Estimator is a reader that can tell what a request would cost.
type Estimator interface {
	// Estimate tells what a read would touch, without reading rows. Rows is
	// their number before any is left out, -1 where only reading them tells.
	Estimate(ctx context.Context, r Request) (ReadStats, error)
}
