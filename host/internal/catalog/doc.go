// Package catalog finds the plugins that a pipeline's `use` may name: every
// plugins/*.wasm and plugins/*/*.wasm, and the folders of process plugins,
// plugins/NAME with a manifest.json. It reads manifests without compiling or
// running anything, and holds plugins against plugins.lock.
//
//   - C1: a name and version stand for one file. Two files that claim the same
//     are an error, whichever of them was wanted. A link is the file or the folder
//     that it leads to.
//   - C2: a broken file harms nobody who does not use it: it is an entry with
//     an error, shown by a listing and raised by Find.
//   - C3: the order of entries, and which one Find picks, depend on names and
//     versions only, never on the file system.
//   - C4: where there is a lock, a plugin is used only if it is the very one that
//     was locked. The lock does not choose: Find does, and then the lock agrees
//     or refuses.
//
// It does not load plugins: that is the work of packages wasm and process.
package catalog
