// Package deadletter keeps the rows that stages turned down, one Parquet file
// per stage. (Being built.)
package deadletter
