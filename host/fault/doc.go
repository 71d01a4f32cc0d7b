// Package fault holds the one error type of featurehost: a stable code, the
// place where it happened, what was wrong and what to do about it.
//
// Every error that reaches a person is a *fault.Error, or wraps one. Callers
// match by code (fault.Is) and never by text. The class of an error, which
// decides the exit status of the command line, follows from its code alone:
//
//	FH-01xx, 02xx, 10xx, 20xx          Usage: pipeline file, flags, plugins at load
//	FH-30xx, 40xx, 50xx, 60xx          Data: something after the first row
//	FH-70xx, 71xx, 75xx                 by the hundred's sub-range: 00-29 Usage,
//	                                    30-69 Data, 70-99 System
//	FH-76xx                             by room: S3, Avro, Kafka, Cassandra, Hive
//	FH-80xx                             System: ledger, publishing, disk, permission
//
// The package knows nothing of who raises an error: each room lists its codes
// in a codes.go of its own.
package fault
