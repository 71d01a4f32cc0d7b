// Package kafka reads topics into batches and writes rows to topics.
//
// Its one idea: the bytes that a broker sends are looked at once. A partition's
// record batches are walked where they lie, the values of some thousand messages
// stand side by side in one buffer, and a decoder makes columns of them; no
// message is ever an object.
//
//   - K1: a run that ends reads a range that was fixed when it began: the
//     messages that were there and committed. What is written later is not
//     waited for.
//   - K2: every message of the range is a row, or lies in the dead letter with
//     topic, partition, offset and reason, or the run fails. Offsets that hold
//     no message (compacted away, marks of transactions, transactions that were
//     given up) are steps of the way and nothing else.
//   - K3: memory is bounded by the fetches under way, whatever a topic holds.
//   - K4: waiting is bounded: a broker that does not answer, and a partition
//     that does not get on, end the read with an error that names them.
//   - K5: a stream's offsets are committed for portions that have ended, and
//     never beyond them; the offsets at which a group begins, before anything
//     is read.
//   - K6: the sink writes at least once: rows that were published may be
//     repeated after a crash, never lost.
//
// The room knows nothing of features. Its values are read by connectors/avro
// and by the reader of JSON texts of builtins/prepare.
package kafka
