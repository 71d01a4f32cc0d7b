// Package pipeline runs a bound plan: it moves batches from the source through
// stages, exchanges and the feature set into the sinks.
//
// Its one idea: the work is a line of segments with an exchange between each
// two. In a segment batches pass through copies of the stateless stages and
// come out in the order they went in; out of an exchange, ranges of keys pass
// through copies of a keyed stage and come out in key order, which is the order
// that the next segment gets. So the number of workers changes the time and
// nothing else.
//
//   - P1: what comes out is in the order of what went in; behind a keyed stage,
//     in the order that the stage asked for.
//   - P2: a queue holds at most a few batches per worker; a slow sink slows
//     the reader, or the exchange that is being emptied.
//   - P3: an error or a cancelled context ends every goroutine before Run
//     returns.
//   - P4: every row that went in is accounted for, or the run fails before it
//     publishes.
//   - P5: at most two exchanges are alive at once, one emptied and one filling,
//     and they share the budget.
//   - P6: steps of one output stand behind the feature table; what they do is
//     seen by that output alone.
//
// It knows no reader, stage or sink by name.
package pipeline
