// Package bench holds the benchmark against other engines (run.sh), and the
// test that its rows are those of the original.
package bench
