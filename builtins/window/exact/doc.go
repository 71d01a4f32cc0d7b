// Package exact sums numbers without error. A value may be taken out of a sum
// again, and what is left is as if it had never been in: the accumulators are
// wide integers, and only a result is rounded, once, to the nearest double,
// ties to even.
//
//   - E1: a result depends on the multiset of values in the accumulator, not
//     on the order in which they came or on values that have left.
//   - E2: a result is the mathematically exact one, rounded once.
//   - E3: nothing uses fused multiply-add; amd64 and arm64 give the same bits.
//
// A double in [2^-48, 2^60) goes into a fixed-point integer of three words,
// which costs a few additions. Any other double goes into a second, wide
// accumulator that is made when first needed and dropped when it is empty.
//
// The package does not know windows, nulls or Arrow. Taking out a value that
// is not in is a bug of the caller and is not detected.
package exact
