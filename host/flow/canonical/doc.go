// Package canonical gives rows the byte order of S-303: every value has one
// encoding, and comparing encodings byte by byte is the order of the pipeline.
// Keys are grouped by it, ties are broken by it, and versions of
// online rows are compared by it.
//
//   - C1: one value, one encoding, whatever array, slice or batch holds it.
//   - C2: Compare gives the sign of bytes.Compare of the encodings,
//     without making them.
//   - C3: no encoding is a proper prefix of another of the same type, so
//     encodings of columns may be joined without separators.
//
// It is an order of bytes, not of values: -0.0 and +0.0 are different here,
// and equal in the value order of S-305. The only values that share an
// encoding are the many NaNs.
package canonical
