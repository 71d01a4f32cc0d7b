// Package blob keeps objects under keys with slashes: in a local folder, or, by
// s3store, in an object store behind the same Store.
//
// Its one idea: every change is one primitive operation (Op) announced before
// it is done, so that a test can record, fail or stop a publication at any of
// them.
//
//   - B1: Put and PutIfAbsent are atomic and durable: a reader, and a reader
//     after a crash, finds the old object or the whole new one.
//   - B2: PutIfAbsent has exactly one winner per key, also between machines
//     that share the folder.
//   - B3: what Folders renames or exchanges is durable once SyncDir was called
//     on the folders it left and entered.
//   - B4: a crash may leave files named ".tmp-*"; List never shows them, and
//     they are harmless.
//   - B5: of several PutIf that name the same version one wins, also between
//     machines that share the folder, and one that comes late loses. A key that
//     is changed so is changed by no Put.
//
// It knows no formats: not Parquet, not the ledger.
package blob
