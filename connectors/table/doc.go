// Package table reads Hive tables: what a table is comes from the metastore,
// its rows come straight from disk or S3, through the room that reads files.
// With `sql` the rows are those of a statement that HiveServer2 runs.
//
// Its one idea: partitions are chosen by their names, which one call of the
// metastore tells; only of those that are needed anything more is asked, listed
// or read.
//
//   - T1: columns are those of the metastore, by name and without case. A file
//     that lacks one gives nulls for it (the table got it later); one that has
//     further ones is not asked for them; a value of another type is widened
//     without loss, or the file is refused by name.
//   - T2: `where` and the interval never decide more than which partitions are
//     read, unless the interval's column is stored in the files: then rows
//     outside of it are left out while the file is read.
//   - T3: what cannot be read so that the rows are Hive's (views, ACID tables,
//     ORC and other formats) is refused by name, never read in part.
//   - T4: memory is that of reading one file, or of one batch of HiveServer2.
//   - T5: a partition that is published again while it is read gives its old
//     rows or its new ones, or the read fails: none is lost and none is mixed.
//     Only files that go one by one, listed halfway, are not noticed.
//   - T6: text files have the rows that Hive reads in them, by place and by
//     line, or the file is refused for a text that is no value of its column.
package table
