// Package file reads stored files: Parquet, CSV and JSON lines, as one file,
// a glob, or a folder with or without Hive partitions, on disk or on S3.
//
// Its one idea: everything is read as Parquet, row group by row group. Text
// files are first turned into a Parquet file in the scratch folder by the SQL
// engine, which refuses rows that do not fit; it goes when it is read, before
// the next one is made. JSON lines that are plain (jsonlines) are decoded without
// that detour; from the first line on that is not, the engine reads the file, and
// the rows already given are passed over.
//
//   - F1: what the interval cannot need is not read: files by their partition
//     columns, row groups by their statistics. What is left is filtered row by
//     row, so pruning never decides what a row's day is.
//   - F2: a value arrives as it was stored, in the widened types of S-402, or
//     the column is refused. Nothing is rounded but times finer than a
//     microsecond, which are floored.
//   - F3: all files of a reader have the same columns; a file that has not is
//     an error that names it.
//   - F4: a damaged file is an error that names it, never a panic and never
//     fewer rows.
//   - F5: memory is bounded by a batch and the compressed columns of one row
//     group, whatever the size of the files. Of objects on S3 only ranges are
//     fetched, ahead of need within a share of memory.
//   - F6: who decoded a JSON line cannot be told from its row.
//   - F7: the bytes of an object on S3 are all of the version that was opened,
//     whoever decodes them.
//   - F8: a JSON line that is put aside (S-513) is told with its place, and takes
//     no other line along.
//
// It knows nothing of features or stores, and never writes but to scratch.
package file
