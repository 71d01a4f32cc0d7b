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
//   - C4: equal rows, cut into equal row groups, give equal bytes.
//
// Pages, page headers, indexes and the footer are laid down by arrow-go; only
// the encoding of values is done here, because that is where the time goes.
// The package knows no folders, days or runs.
package colfile
