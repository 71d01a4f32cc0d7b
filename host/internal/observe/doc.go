// Package observe counts what happens in a run: rows and time per stage, named
// counts, warnings. Metrics, log lines and progress are read from it.
//
// Its one idea: counting is by batch, never by row, and costs two atomic adds.
// It does not decide anything and does not print.
package observe
