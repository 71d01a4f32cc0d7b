// Package pipeline runs a bound plan: it moves batches from the source through
// stages, the exchange and the feature set into the sinks.
//
// Its one idea: the work is two lines of workers with an exchange between
// them. Before it, batches pass through copies of the stateless stages and
// come out in the order they went in; after it, ranges of keys pass through
// copies of the keyed stage and come out in key order. So the number of
// workers changes the time and nothing else.
//
//   - P1: what comes out is in the order of what went in.
//   - P2: a queue holds at most a few batches per worker; a slow sink slows
//     the reader.
//   - P3: an error or a cancelled context ends every goroutine before Run
//     returns.
//   - P4: every row that went in is accounted for, or the run fails before it
//     publishes.
//
// It knows no reader, stage or sink by name.
package pipeline
