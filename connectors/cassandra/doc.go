// Package cassandra is the online store on a Cassandra cluster: the newest row
// of every key, one table per feature set or per entity.
//
// Its one idea: newest wins, decided by the cluster itself from the write time
// of each row, which is the event time in milliseconds and the revision
// (S-1304). A row is written with all columns of its set under one write time,
// so whatever the order of writers, a reader finds whole rows.
//
//   - CA1: nothing is visible before Publish; a run's rows wait in a staged
//     file, {state}/pending/{run}/{sink}.arrow.
//   - CA2: Publish may fail or be killed anywhere and be called again: every
//     write is idempotent, and a mark beside the staged file says when it is
//     done.
//   - CA3: of the rows of a run with one key a single one is written, chosen by
//     exact time, revision and bytes (S-1302): two rows of one write time would
//     be mixed, cell by cell.
//   - CA4: there is no conditional write, which would take the server's time.
//   - CA5: what waits is bounded: a batch being read, and as many writes as
//     `concurrency` allows.
//   - CA6: a name, a type or a key of a table that exists is never changed by a
//     run; migrate does that.
//
// Only session.go, dial.go and errors.go know the driver. The room knows no
// ledger and no historical store. docs/connectors/cassandra.md describes the
// tables for those who read them with other tools.
package cassandra
