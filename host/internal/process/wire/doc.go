// Package wire reads Arrow IPC messages that a plugin process has written:
// schemas and record batches. Its bytes are those of a stranger.
//
// Its one idea: no length that a message claims is believed before the bytes
// are there, so that reading costs no more than the message has. The Arrow
// library's own reader trusts its flatbuffers: one changed byte there makes it
// ask for more memory than any machine has, which ends a Go process.
//
// What a batch holds is not looked at here: cdata.Importer checks that.
package wire
