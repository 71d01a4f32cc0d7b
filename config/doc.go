// Package config reads a pipeline file: TOML in, plain structs with the place
// of every key out.
//
// Its one idea: the text is checked against one declarative table of keys
// (Keys), and everything wrong with it is told at once, at its place, with the
// source line. BurntSushi/toml parses; it gives no lines for keys, so the
// package scans the source a second time to know where each key stands.
//
//   - C1: every problem that the text alone shows is found in one reading; a
//     value that is already known to be bad causes no second complaint.
//   - C2: a value that came from the environment, or that stands under a key
//     named like a secret, appears in no problem.
//   - C3: the environment is read after TOML was parsed, inside string values
//     only, so that it cannot add keys or tables.
//   - C4: a key of a later version is known: it is refused as not yet built,
//     never as unknown.
//
// The package is not the judge of plugins, columns or files: it opens nothing
// but the pipeline file, and, to know whether a time zone exists, the zone data
// of Go or the machine. The plan room binds names and reports with the
// places it asks for here (File.Span, File.Problem).
package config
