// Package prepare holds the verbs that clean rows before a feature set sees
// them: one type and one file per verb. A verb knows no other.
//
//   - P1: every row that goes in comes out or is counted.
//   - P2: a verb is row-wise unless it says so, so that what comes after it may
//     be pushed below it.
//
// Verbs that teams write themselves are plugins, not here.
package prepare
