// Package flight makes a featurehost plugin of a Go program: one that the host
// starts as a process of its own, and that speaks Arrow Flight with it. It is
// for plugins that need what a Wasm module cannot have, such as files, a network
// or a library in C; a process is not a sandbox.
//
// Its whole use is
//
//	//go:embed manifest.json
//	var manifest []byte
//
//	func main() { flight.Serve(manifest, open) }
//
// where open makes a Transform of a config and an input schema. A Transform is
// called with one batch at a time and may be called with the rows cut in any
// way: f(a and b) must be f(a) followed by f(b). A Keyed keeps what it knows of
// its keys between batches, and gives the rest at the end.
//
// Errors are told apart: ConfigError, DataError and ErrMemory say what is at
// fault, and any other error, one of another gRPC server too, is a crash of the
// plugin's.
//
// Serve does what the protocol asks beside: the handshake, standard output moved
// to standard error, answers cut to the size of a message, panics turned into
// errors, and an end when the host is gone.
package flight
