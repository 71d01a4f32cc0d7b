// Package hive talks to a Hive metastore: it is the catalogue that the
// historical store tells of its tables and Hive partitions, and the one that a
// reader of Hive tables asks. HiveServer2, for statements, is in server2.
//
// Its one idea: every change is written as the state that is wanted, not as a
// step, so that it may be made twice: after a lost answer the call is simply
// repeated.
//
//   - M1: every call ends with its context or its time limit; after a broken
//     connection it is repeated once on a fresh one.
//   - M2: only calls that both dialects of the metastore know are used, or the
//     newer is tried first and the older when the server says it does not know it.
//   - M3: a table is touched only when it is ours: external, Parquet, at the
//     store's own location, partitioned by year, month and day. No call ever
//     asks the metastore to delete data.
//   - M4: the days of a re-run change their locations in one call, which the
//     metastore makes in one transaction.
//
// It knows no files: what lies at a location is none of its business.
package hive
