// Package server2 runs statements on a HiveServer2 and gives their rows as
// Arrow batches, in the types that the server says the columns have.
//
// Its one idea: a result is fetched as it is asked for, one batch at a time, so
// that its size does not matter.
//
//   - Q1: memory holds one batch.
//   - Q2: a statement ends with its context: it is cancelled on the server, or
//     its session is, which the server closes with the connection.
//   - Q3: a value that is not of its column's type is an error, never a null.
//
// A TIMESTAMP has no zone in Hive: its digits are taken for UTC.
package server2
