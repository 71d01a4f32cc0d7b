// Package contract holds a plugin's manifest against the stage that uses it:
// which columns the plugin sees, what it may answer, and how its answer joins
// the batch. It is the same for a Wasm module and a process.
//
//   - K1: a plugin sees the columns that its manifest names, under those names,
//     and no others.
//   - K2: columns that it never saw travel by reference; a filter's selection
//     cuts all alike.
//   - K3: what cannot be bound is refused before data flows (FH-20xx).
package contract
