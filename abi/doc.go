// Package abi is the contract between the host and plugins: the manifest, the
// kinds, versions, statuses and limits, where the manifest lies in a Wasm
// binary, and the layout of the structs that cross the border. SPEC.md says it
// in words; this package is the same in code.
//
// It imports only the standard library, so that an SDK or a foreign tool may
// use it. It runs and compiles nothing: reading a manifest costs a scan of
// section headers.
//
// Every error about a plugin is an *Error with the number of its code
// (codes.go); the host turns it into its own error type.
package abi
