// Package hostile holds plugins that do one thing wrong each, with the code in
// which it must end. A host that runs them all, ends each with its code, and
// goes on with the next batch as if nothing had happened, can be given plugins
// of people it does not know.
//
// A Guest is a module: a mode of one program in C, guests/hostile.c, or put
// together by hand, for what no compiler emits.
//
// A Program is a process plugin: a mode of folder program, which is written
// without the SDK, or a script of folder scripts. Its tests run from here, by the
// door that host.Bench is; the same folder program serves the tests of
// host/internal/process, which look at the engine from within, and at what is left
// when the host itself is killed (TestHost_Killed_NoOrphan there).
//
// Each is followed by a batch that must be served, and a test repeats them all
// and looks for what is left: goroutines, files, memory, and of programs their
// processes and private folders.
package hostile
