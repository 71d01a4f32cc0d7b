// Package plan binds a pipeline file to what its names stand for: readers,
// stages, plugins, the feature set. Front to back every part is told its
// input schema and answers with its output schema, so a wrong column, type or
// config is found before a row moves; back to front the columns that nobody
// reads are left out of the reading.
//
// Its one idea: binding runs twice. The first pass, over all columns, finds
// what is wrong and which columns are read; the second, over those columns
// only, opens the stages that the run will use.
//
// A stage whose schema depends on the rows (flow.Surveyor) is shown them before
// it is opened, through a plan that ends in front of it and that Parts.Rows
// runs; the second pass recalls what it learned.
//
//   - B1: rows of other days are left out by the reader only when every prepare
//     step works row by row and leaves the day as it is; else by a filter behind
//     the steps (S-501).
//   - B2: a keyed step gets all columns of its rows, since all have a say in
//     their order (S-303), unless it makes other rows of them and knows better.
//   - B3: stages of a sink work row by row and leave keys and timestamp as they
//     are; the newest row of a key is chosen behind them.
//
// It moves no row itself and knows no reader, stage or sink by name.
package plan
