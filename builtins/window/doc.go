// Package window aggregates rows that arrive grouped by key and, inside a key,
// in total order.
//
// Its one idea: a schedule says, for every output row and every window, which
// run of input rows [lo, hi) the window holds; kernels, one for each input
// column, window and kind of function, walk the schedule and fill output
// columns. Both ends of the runs of a key only move forward, so a kernel adds
// the rows that entered and takes out the rows that left, and does nothing
// where neither moved. Sweep makes schedules of rolling windows, Group one of
// (key, timestamp) groups; no kernel knows which.
//
//   - W1: a row at t counts in [end-width, end), so in no window with
//     end <= t (S-905).
//   - W2: the result does not depend on how rows were cut into batches
//     (S-1601).
//   - W3: a value depends on the rows of its window alone, bit for bit, not on
//     what left it before (S-915, S-940).
//   - W4: only labels at which a window changes are visited, unless the caller
//     asks for all labels (S-910).
//   - W5: the rows held are those of one key that are still in its longest
//     window, plus at most as many dead ones, plus one batch.
//
// The package reads no clock, does no I/O, names no column and casts no
// result: names, declared types, the removal of duplicates and the cut to an
// interval are the caller's.
package window
