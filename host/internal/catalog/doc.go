// Package catalog finds the plugins that a pipeline's `use` may name: every
// plugins/*.wasm and plugins/*/*.wasm. It reads manifests without compiling
// or running anything.
//
//   - C1: a name and version stand for one file. Two files that claim the same
//     are an error, whichever of them was wanted.
//   - C2: a broken file harms nobody who does not use it: it is an entry with
//     an error, shown by a listing and raised by Find.
//   - C3: the order of entries, and which one Find picks, depend on names and
//     versions only, never on the file system.
//
// It does not load plugins: that is the work of package wasm.
package catalog
