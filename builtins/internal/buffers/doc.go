// Package buffers makes Arrow columns of buffers that a loop has filled.
//
//   - C1: what makes a column takes its buffers over: the caller releases the
//     column alone. Children are borrowed.
//   - C2: a bitmap begins at bit 0, and none stands for a column without nulls.
//
// It chooses no values and knows no types beyond their buffers.
package buffers
