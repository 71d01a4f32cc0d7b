// Package process runs plugins that are programs of their own. Such a plugin
// becomes a flow.Stage, like one that is a Wasm module: batches cross as
// messages of Arrow Flight over a unix socket.
//
// Its one idea: a process may end, hang or lie at any moment, and costs no more
// than the batch under way. What it answers is copied and checked by the code
// that takes in the answers of Wasm guests, so both give the same bytes; and a
// process that failed a batch is thrown away.
//
//   - R1: a plugin sees only the columns that its manifest names. The others
//     travel past it by reference.
//   - R2: a batch is answered whole, checked, and acknowledged, or an error with
//     a code comes out and nothing else.
//   - R3: every wait has a deadline, and no length that a process claims is
//     believed (packages wire and abi/cdata).
//   - R4: no process outlives the host, and none outlives its stage (package
//     launch).
//   - R5: what a keyed plugin knows lives and dies with one process, so nothing
//     that fails there is tried again.
//
// A process is not a sandbox: it may do what the host's user may do. It does
// not decide what a failed batch means: that is package crash.
package process
