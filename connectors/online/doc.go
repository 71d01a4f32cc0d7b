// Package online is the store of the newest row of every key: one SQLite file
// with a table per feature set, which any process may read while a run writes.
//
// Its one idea: newest wins, decided row by row inside the database. A row
// takes effect when its version (timestamp, revision) is greater than the
// stored one, or equal and its canonical row bytes are greater (S-1302). So
// writes may come in any order, twice, or from several processes, and the
// table ends up the same.
//
//   - O1: nothing is visible before Publish; a run's rows wait in a staged
//     file, {state}/pending/{run}/{sink}.arrow, with their revisions.
//   - O2: Publish may be killed at any moment and called again, by any process
//     that has the Pending: the last transaction records the publication, and
//     only then does the staged file go.
//   - O3: a reader sees whole rows of one version, never a mixture: a row is
//     written with all its columns, those the run does not know as null.
//   - O4: what is read is bit for bit what was written, apart from the bits of
//     a NaN, of which there is one.
//   - O5: what Prepare returned stays until Publish or Discard; Close removes
//     only what was never prepared, since the ledger may name the rest.
//   - O6: memory does not grow with the number of rows.
//
// docs/formats/online.md describes the file for those who read it with other
// tools. The room knows no ledger and no historical store.
package online
