// Package flow holds the nouns that move through a pipeline and the small
// interfaces between its parts: reader, stage, sink, and what the host lends
// to the parts it builds. It does no I/O and starts no goroutine.
//
// Ownership of batches, everywhere:
//   - F1: whoever receives a Batch as an argument borrows it until the call
//     returns; to keep it longer, Retain.
//   - F2: whoever is returned a Batch, or is handed one by Emit, owns one
//     reference and must Release it.
//   - F3: an Emit that returns an error has still taken ownership.
package flow
