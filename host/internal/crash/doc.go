// Package crash decides what becomes of a batch that a plugin fails on: it is
// tried again, cut down to the rows at fault, and these are rejected, or the
// run fails. What a plugin is, a Wasm module or a process, it does not know.
//
// Its one idea: a batch is done whole or not at all, so it can be done again in
// parts, and what the parts give, one after the other, is what the whole would
// have given (ABI-M-016).
//
//   - C1: every row that comes in goes out, is filtered by the plugin, is
//     rejected, or is skipped and counted.
//   - C2: rows go out in the order in which they came in.
//   - C3: the errors of what comes after the stage are not the plugin's: they
//     pass through untouched, and nothing is tried again.
//   - C4: which rows of a batch are rejected depends on the plugin and the batch
//     alone, as long as the plugin is deterministic. When a circuit opens may
//     depend on which worker is first.
package crash
