// Package wasm runs plugins that are WebAssembly modules. A module becomes a
// flow.Stage; the rest of the host cannot tell it from a built-in.
//
// Its one idea: a guest is never trusted twice. A module is checked before it
// is compiled; what it answers is copied out and checked before it is used;
// and an instance that trapped, or whose answer failed a check, is thrown
// away, so that the next batch meets a fresh one.
//
//   - P1: a guest sees only the columns that its manifest names. The others
//     travel past it by reference.
//   - P2: nothing that a guest does, in any call, panics or blocks the host: a
//     loop without an end is stopped by fuel, and what fuel does not see by the
//     clock.
//   - P3: the date and the random numbers that a guest is given are the same
//     in every call, so a plugin that computes with nothing else gives the same
//     rows on any worker. The monotonic clock is the exception: it counts its
//     readings and runs on from call to call of one instance.
//   - P4: no type of the engine (wazero) leaves this package.
//   - P5: the compile cache holds native code: its folder is private to the
//     user who runs the host, and a file that is not what was written is not run.
//   - P6: what the engine makes of a module, and how long it takes, is bounded by
//     counts that are held before it sees the module.
//
// It does not decide what a failed batch means for the run, and it does not
// find plugins: that is the catalog's work.
package wasm
