// Package cdata moves batches into and out of a wasm32 guest: the structs of
// the Arrow C Data Interface, laid out in a plain []byte that is the guest's
// linear memory. It is pure and knows no Wasm engine.
//
// Its one idea: nothing that a guest wrote is believed. An import copies what
// the output claims to hold, then checks the copy, never memory that the guest
// may still change.
//
//   - C1: no byte outside mem is read, whatever the structs say.
//   - C2: an import copies at most ratio x input + slack bytes.
//   - C3: what an import answers is a valid record of the importer's schema;
//     its buffers are the host's and go back to a pool when it is released.
//   - C4: nothing in the bytes depends on how the record was sliced: an export
//     begins at offset 0, null slots of an import hold zeros.
//
// Export and import of a batch allocate nothing that grows with its rows once
// the pool is warm. Buffers are copied as they are, so the host must be little
// endian, as wasm32 is.
//
// A batch that comes as a message, from a plugin that is a process, is taken in
// by the same checks: see Parts.
//
// It is not the C Data Interface of the host's own process: no pointer leaves
// mem and no release callback is ever called.
package cdata
