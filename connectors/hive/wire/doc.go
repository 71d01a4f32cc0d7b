// Package wire opens the connections over which a Hive metastore and a
// HiveServer2 are spoken to: Thrift's binary protocol, plain or behind SASL.
//
// Its one idea: a connection is used for one call at a time, and every call
// ends with its context or its time limit, whatever the server does.
//
//   - C1: no call outlives its context; a cancelled one ends at once.
//   - C2: a connection on which anything went wrong but an answer of the
//     service is closed and never used again: what is left on it cannot be told.
//   - C3: what a server sends is not trusted with memory before its length was
//     looked at; a decoder that panics breaks the connection, not the process.
//   - C4: a password is sent only to a server that asks for it, and never shown.
//
// It knows no tables and no statements.
package wire
