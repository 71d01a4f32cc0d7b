// Package featureset makes the feature table from source rows. Its stages, with
// an exchange before those that are keyed:
//
//	Select   keys, timestamp and what the features need, row by row
//	Events   keyed: windows of plain features that are not over the keys in
//	         order of time, and the features that read them; mostly there is none
//	Stack    rows made of columns that those windows made
//	Fold     keyed: windows, declared types, duplicates, interval
//	Latest   keyed: the newest row of each key, for stores that keep only that
//
// Its one idea: everything is settled when Select is opened. Names become slots,
// types become casts, consecutive SQL features become one evaluation; a batch
// then runs a list of column operations. Windows part that list into segments,
// since what reads them must wait for all rows; a step runs in the first segment
// that has its columns, and rows carry from one to the next only what is needed
// further on. Which windows share an exchange is found from names alone before
// that (schedule).
//
//   - FS1: every row that enters Select leaves it, is rejected with a reason,
//     or is counted.
//   - FS2: rows enter Fold grouped by key in total order; how they were cut
//     into batches changes no row of the result.
//   - FS3: what a profile changes is a named field of Profile; no other place
//     knows which profile runs.
//   - FS4: Select is opened before the other stages, and those in order.
//   - FS5: segments change when a column is computed, never what: a set means
//     its features one after another over the whole table (S-603).
//
// The room computes no window itself (builtins/window) and reads no clock.
package featureset
