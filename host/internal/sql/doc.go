// Package sql is the only room that knows DuckDB. It computes row-wise
// expressions over Arrow batches, turns text files into Parquet, and runs
// the one source query of a pipeline. No DuckDB type leaves it.
//
// Its one idea: what users write is read as a parse tree before it runs, and
// what the tree does not plainly allow is refused. The engine's own fence
// (no files, no extensions, locked settings) is the second line, not the
// first.
//
//   - Q1: an expression gives one value per row, in the rows' order, from
//     that row alone.
//   - Q2: nothing reads the clock, draws random numbers, or asks the engine
//     about itself.
//   - Q3: the source query reads registered relations and nothing else, and
//     writes only the file it is told to.
//   - Q4: x/0 and x%0 are null for every numeric type; the zone is UTC.
//   - Q5: a text that does not fit its type fails with file and line. It
//     never becomes null, and a number is never rounded to fit.
//
// Three databases keep these powers apart: one for expressions, with no
// access to files at all; one for text files, which runs only statements of
// this package; one for the query, locked before the user's text runs.
//
// The package needs cgo and the build tag duckdb_arrow.
package sql
