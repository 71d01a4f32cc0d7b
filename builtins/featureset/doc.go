// Package featureset makes the feature table from source rows. It has three
// stages, of which the pipeline puts an exchange between the first two:
//
//	Select   keys, timestamp and what the features need, row by row
//	Fold     windows or plain features, declared types, duplicates, interval
//	Latest   the newest row of each key, for stores that keep only that
//
// Its one idea: everything is settled when a stage is opened. Names become
// slots, types become casts, consecutive SQL features become one evaluation;
// a batch then runs a list of column operations.
//
//   - FS1: every row that enters Select leaves it, is rejected with a reason,
//     or is counted.
//   - FS2: rows enter Fold grouped by key in total order; how they were cut
//     into batches changes no row of the result.
//   - FS3: what a profile changes is a named field of Profile; no other place
//     knows which profile runs.
//   - FS4: Select is opened before Fold, and Fold before Latest.
//
// The room computes no window itself (builtins/window) and reads no clock.
package featureset
