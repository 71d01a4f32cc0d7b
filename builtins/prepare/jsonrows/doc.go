// Package jsonrows makes Arrow columns of the fields of JSON texts: one text
// is one row, a schema names the fields wanted and their types.
//
// Its one idea: a text is scanned once, without a tree. The scanner checks
// every byte against the grammar, notes where the wanted values lie and steps
// over the others; when the text was good to its end the values are copied,
// as text, into their columns, and a whole column at a time is cast to its
// type by the rules of builtins/cast.
//
//   - J1: a text is JSON as RFC 8259 has it, in UTF-8, nested at most 1,000
//     deep. Of any other text no field is taken, however far it was good.
//   - J2: a name with a dot descends: a.b is the field b of the object a. A
//     name of a struct's field does not. Of a name that occurs twice in an
//     object the first counts.
//   - J3: a text gives its characters, a number or boolean its literal, an
//     object or array its text without the space between its parts; null and a
//     missing field give null. That text is then cast to the declared type,
//     and one that cannot be is null and counted.
//   - J4: a declared struct takes objects and a declared array takes arrays;
//     any other value but null is null and counted. Fields that are missing are
//     null, others are passed over, elements are cast one by one.
//   - J5: half of a surrogate pair in an escape is U+FFFD.
//
// It does not know where texts come from, nor what becomes of bad ones: it
// tells which they are.
package jsonrows
