package flow

import "context"

// Folds is told by keyed stages that may hand on other rows than they got, as
// a pivot does. A keyed stage without it hands on one row for each it got, and
// the run fails when the counts differ (S-1608).
type Folds interface{ Folds() bool }

// Surveyor is a stage that must look at rows before its schema can be settled:
// a pivot whose columns are the values found in the data.
//
// It is asked before Open: Survey once, then, when rows are needed, either
// Learn, or Recall from another copy of the stage that has learned.
type Surveyor interface {
	Stage
	// Survey names the input columns to look at, and tells whether that is
	// needed.
	Survey() (columns []string, needed bool)
	// Learn looks at all rows that will reach the stage, cut down to those
	// columns, in no promised order. next gives batches, which Learn releases,
	// until it has Ended.
	Learn(ctx context.Context, next func(context.Context) (Batch, error)) error
	// Recall takes over what another copy has learned; that one may be closed.
	Recall(from Surveyor)
}
