// Package window aggregates rows that arrive grouped by key and, inside a key,
// in total order.
//
// Its one idea: a schedule says, for every output row and every window, which
// run of input rows [lo, hi) the window holds; kernels, one for each input
// column, window and kind of function, walk the schedule and fill output
// columns. Both ends of the runs of a key only move forward, so a kernel adds
// the rows that entered and takes out the rows that left, and does nothing
// where neither moved. Sweep makes schedules of rolling windows, Group one of
// (key, timestamp) groups, Events one of windows that end at each row; no
// kernel knows which.
//
// What does not fit the idea is made to fit, so that kernels stay as they are:
//
//   - Conditions are lanes: inputs of only the rows that take part, and a count
//     of them before each row, which makes runs of open rows runs of the lane.
//
//   - Distinct lays the rows it keeps out in runs of their own, one for each
//     move. So every change costs the rows kept in the window.
//
//   - Where a calendar takes the start of a window back, by less than a day and
//     only on days cut to a month's end or near a change of the clocks,
//     kernels start anew at that move.
//
//   - State is rows: Keep hands out those that a later run must see again.
//
//   - W1: a row at t counts in [end-width, end), so in no window with
//     end <= t (S-905).
//
//   - W2: the result does not depend on how rows were cut into batches
//     (S-1601).
//
//   - W3: a value depends on the rows of its window alone, bit for bit, not on
//     what left it before (S-915, S-940).
//
//   - W4: only labels at which a window changes are visited, unless the caller
//     asks for all labels (S-910).
//
//   - W5: the rows held are those of one key that are still in its longest
//     window, plus at most as many dead ones, plus one batch.
//
// What a row costs a window: counts, sums, variances, ends, extremes and
// sketches O(1) amortised; functions of ordered values (percentiles, modes,
// sets, top_k, distinct ones) O(sqrt n) of n distinct values in the window;
// lists their length besides; skewness and kurtosis, which are folds in order
// by definition, the rows in the window (S-943). A window that did not move
// costs the copying of its answer.
//
// The package reads no clock, does no I/O, names no column and casts no
// result: names, declared types, the removal of duplicates and the cut to an
// interval are the caller's.
package window
