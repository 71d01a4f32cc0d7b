// Package cast converts Arrow columns between the types a pipeline file may
// name, by the rules of feature sets: which pairs exist, what a value becomes,
// and which values fail.
//
// Its one idea: a Cast is compiled once from a pair of types, so a pair that
// does not exist is an error before the first row, and each batch runs one
// typed loop per column.
//
//   - C1: a value that cannot be converted becomes null and is counted; a null
//     stays null and is not.
//   - C2: the result depends on the value alone, never on its neighbours, the
//     batch, the machine or its zone.
//   - C3: every timestamp and date that leaves is within years 0001-9999.
//
// It is not the place for masks (abi/mask) nor for SQL's own CAST.
package cast
