// Package deadletter keeps the rows that stages turned down, so that a person
// can see which they were and why, and put them through again.
//
// Its one idea: a letter is a row of any shape in a file of one shape. The row
// itself is an Arrow IPC stream in a binary column; the reason and where it
// came from are columns beside it, to be filtered with any Parquet reader.
//
//   - D1: one file per stage, {dir}/{stage}.parquet, is there whole or not at
//     all: it is written as .tmp and renamed by Close.
//   - D2: a run that rejects nothing leaves no folder.
//   - D3: memory does not grow with the number of letters.
//   - D4: letters of a stage lie in the order in which they arrived, which with
//     several workers is no order of the source; object and source_row are.
//   - D5: a file that was damaged is an error: it never reads as fewer letters, and
//     no size that it claims is believed.
//
// It does not choose what happens to a run that rejects rows. docs/formats/
// dead-letter.md describes the file.
package deadletter
