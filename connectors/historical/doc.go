// Package historical is the store of every value over time: Parquet files in
// Hive layout, one folder per UTC day, on the local disk or on S3.
//
// Its one idea: a run writes a whole new day aside, and publishing it is one
// step: on disk an exchange of two folders, on S3 a copy by the server onto the
// day's one object. What a crash leaves is told apart by looking: the footer of
// a day, and the metadata of its object, name the run that made it.
//
//   - H1: nothing pending, rejected or old ever lies under {path}/historical/.
//   - H2: a reader finds all of a day's old rows or all of its new ones
//     (S-1203); where the file system cannot exchange folders, the day is
//     absent for a moment instead. On S3 a day too large for one object lies
//     where only a catalogue points.
//   - H3: Publish may be killed at any operation and called again, by any
//     process: the table ends up the same.
//   - H4: what Prepare has returned stays until Publish or Discard: Close does
//     not remove it, since the ledger may already name it.
//   - H5: rows keep the order in which they came; they come sorted by
//     canonical key bytes, then timestamp, so each day's file is sorted too
//     (S-1201).
//   - H6: memory is bounded: when the open days outgrow their budget, the rows
//     of the largest one leave it. Where they are enough for a row group they
//     become one; else they are put aside, encoded, in a scratch file of the
//     run, and row groups are made of them in Prepare, a day at a time: every
//     key has rows on many days, so that all days of a table are open at once.
//   - H7: a catalogue is told after the files are in place and before old ones
//     go, so that it never points at nothing.
//   - H8: whoever publishes asks whether the run is still its own before it
//     moves, tells a catalogue or deletes; on S3 an old object goes only as it
//     was listed.
//
// It knows no Thrift, no ledger and no online store.
package historical
