// Package hostile holds plugins that do one thing wrong each, with the code in
// which it must end. A host that runs them all, ends each with its code, and
// goes on with the next batch as if nothing had happened, can be given plugins
// of people it does not know.
//
// Guests are either modes of one program in C, guests/hostile.c, or modules put
// together by hand, for what no compiler emits.
package hostile
