// Package staged holds what the online stores share: the file in which the
// rows of a run wait for Publish, and the values of a vector.
//
// Its one idea: what Prepare promised lies in one file whose digest the ledger
// keeps, an Arrow IPC stream of the feature table's columns and, last, the
// revision of every row's day. Any later process can publish it.
//
//   - ST1: a file is read only after its bytes were held against the digest.
//   - ST2: memory is that of one batch.
//
// The package knows no store.
package staged
