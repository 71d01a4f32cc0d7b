// Package colfile writes rows as Parquet, column by column: it buffers the
// values of many open files in one bounded arena and encodes a row group of
// one file at a time, its columns in parallel.
//
// Its one idea: a value is copied once into a typed block when it arrives and
// encoded once when its row group is full. Nothing is boxed, no definition
// level is stored for a column without nulls, and a dictionary is built only
// where the column's own rows show that it pays.
//
//   - C1: rows keep the order in which they were appended.
//   - C2: the arena's blocks lie outside the garbage-collected heap, and Held
//     counts every one of them.
//   - C3: files use only what old readers know: V1 data pages, PLAIN and
//     RLE_DICTIONARY, snappy; every column is optional.
//   - C4: equal rows, put aside and cut into row groups alike, give equal
//     bytes.
//   - C5: a value is compressed once: what is put aside in a Spill comes back
//     as the pages it will be, or as numbers of a dictionary that the row group
//     has yet to settle.
//
// Pages, page headers, indexes and the footer are laid down by arrow-go; only
// the encoding of values is done here, because that is where the time goes.
// The package knows no folders, days or runs.
package colfile
