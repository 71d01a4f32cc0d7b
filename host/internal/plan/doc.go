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
// It moves no row and knows no reader, stage or sink by name.
package plan
