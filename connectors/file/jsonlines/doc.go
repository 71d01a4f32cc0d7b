// Package jsonlines decodes lines of JSON objects straight into Arrow columns,
// when they are plain: one object to a line, its wanted values of the kind that
// their column has.
//
// Its one idea: it need not understand everything. A line that is in any way
// out of the ordinary, or wrong, is Odd and left to whoever knows all the rules
// (the SQL engine); the rows before it stay good. So this decoder has no
// conversions and no error messages, and what it does take means the same
// there.
//
//   - L1: a line that is taken is JSON as RFC 8259 has it, in UTF-8, to its
//     last byte, values of columns that nobody wants included.
//   - L2: whole numbers are written without a fraction or an exponent and fit
//     their column; other numbers are rounded to the nearest; texts, booleans,
//     times and dates are written as such.
//   - L3: a field that is missing is null, as null is; a wanted field that
//     occurs twice makes the line odd.
//
// It does no I/O and knows no files.
package jsonlines
