// Package runs copies chosen rows out of Arrow columns. Rows are chosen as
// runs, ascending and apart, because what filters, removes duplicates or cuts
// to an interval mostly keeps neighbours together.
//
//   - R1: rows keep their order.
//   - R2: all rows costs nothing, one run costs no copy (a slice).
//   - R3: several runs are copied once, column by column, never row by row
//     across columns.
package runs
