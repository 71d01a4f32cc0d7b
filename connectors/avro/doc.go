// Package avro makes columns of Avro data and Avro data of columns: messages
// of a schema registry, and object container files.
//
// Its one idea: a writer's schema is compiled against the columns wanted, once,
// into a chain of small functions; a row then is one walk over its bytes, which
// puts each value where it belongs and steps over the others. No row is ever a
// map or a tree.
//
//   - A1: bytes decide nothing about memory: a length, a count or a depth that
//     the bytes at hand cannot bear makes the row bad before anything is
//     allocated, and values that take no bytes are counted as they come. No
//     bytes panic. Nor does a schema: each of its types is compiled once.
//   - A2: a row is taken whole or not at all: a bad one leaves no value in any
//     column.
//   - A3: columns follow the reader's schema, by name or alias; a field that
//     the writer did not have takes its default, or null where none is given;
//     one that nobody asks for is stepped over. What a column holds depends on
//     the reader's type alone: values are resolved to it, branch by branch,
//     inside JSON as well.
//   - A4: what no column can hold (records, maps, unions of several types, and
//     lists of them) is a column of JSON text, as `explode_json` reads it.
//   - A5: what Encoder writes, Decoder reads back bit for bit.
//
// docs/formats/messages.md holds the table of types. The room does no I/O of its
// own and knows neither Kafka nor files.
package avro
