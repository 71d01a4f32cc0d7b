// Package days tells which rows belong to the days of an interval, by the
// columns that a reader's incremental strategy names (S-508).
//
// Its one idea: a reader leaves rows out while it reads when it may, and a
// Filter behind its prepare steps leaves the same rows out when it may not
// (S-501); both ask one Clock, so that they cannot differ.
//
//   - D1: a null, and a text that is no time, belong to no interval.
//   - D2: whether a row belongs does not depend on the rows beside it.
//
// It does not prune files: that is the reader's own knowledge.
package days
