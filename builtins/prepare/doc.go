// Package prepare holds the verbs that clean rows before a feature set sees
// them: one type and one file or a few per verb. A verb knows no other; what
// they share are small tools without a name of their own in a pipeline file:
// changes finds where groups begin, gather copies rows, filler fills a column.
//
//   - P1: every row that goes in comes out or is counted, except of a pivot,
//     which folds rows into groups and says so (flow.Folds).
//   - P2: a verb is row-wise (flow.Stateless) unless it says so, so that what
//     comes after it may be pushed below it. forward_fill and pivot are keyed:
//     they see their rows in the order of the exchange and hold one value or
//     one group.
//   - P3: what comes out depends on the rows alone, not on their order, their
//     batches or the number of partitions.
//   - P4: -0.0 and 0.0 are one value of a pivot's column, and two keys of
//     group_by and partition_by, as the exchange has them.
//
// jsonrows reads JSON texts for explode_json and for whoever else has some.
// Verbs that teams write themselves are plugins, not here.
package prepare
