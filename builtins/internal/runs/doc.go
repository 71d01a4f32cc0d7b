// Package runs copies chosen rows out of Arrow columns. Rows are chosen as runs
// of neighbours, because what filters, removes duplicates or cuts to an interval
// mostly keeps neighbours together.
//
//   - R1: the result has the rows of the runs in the order of the runs. Of and
//     True give runs that are ascending and apart; a caller may also repeat runs
//     or go back, as stacking does.
//   - R2: all rows costs nothing, one run costs no copy (a slice).
//   - R3: several runs are copied once, column by column, never row by row
//     across columns.
package runs
