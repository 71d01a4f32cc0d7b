// Package mask reads times from text by a pattern, strictly and fast. A
// pattern with a % in it is read as strftime writes (%Y-%m-%dT%H:%M:%SZ);
// any other pattern as letters (yyyy-MM-dd'T'HH:mm:ss).
//
// Its one idea: a pattern is compiled once into a list of steps, and a text
// either matches all of it, from the first byte to the last, or is no time.
//
//   - M1: a field has the width that the pattern writes: %m takes two digits,
//     %-m and the letter M one or two, %f and a run of S the digits given.
//   - M2: what a pattern leaves out is that of 1970-01-01T00:00:00Z.
//   - M3: results are microseconds since the epoch in UTC, finer digits are
//     floored, years lie in 0001 to 9999.
//   - M4: a Mask is immutable and safe for any number of callers; Micros
//     allocates nothing.
//
// It is no formatter, knows no time zones but UTC and numeric offsets, and
// imports only the standard library.
package mask
