// Package spill owns the scratch folder of a run: batches written there as
// Parquet for the query engine, and the folder's own life. What a killed run
// left behind is removed by the next one.
package spill
