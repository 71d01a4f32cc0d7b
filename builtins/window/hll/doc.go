// Package hll estimates how many distinct values there are: HyperLogLog++ in
// its dense form, as S-944 says.
//
// Its one idea: the estimate is a function of the registers alone, in exact
// integers until the last step. Who keeps the registers, and takes the maximum
// of panes or of the rows of a window, is the caller's.
//
//   - H1: a register holds the greatest rank of the hashes that chose it, so
//     registers of parts merge by maximum.
//   - H2: the estimate does not depend on the order of hashes, nor on what was
//     in before.
//
// Sources: Heule, Nunkesser, Hall, "HyperLogLog in Practice" (2013) and its
// published appendix of thresholds and biases, here in bias.txt; the hash is
// XXH64 by Yann Collet. Neighbours, rounding and hashed bytes are those of
// Apache Spark's HyperLogLogPlusPlusHelper, but for the choice of linear
// counting: Spark counts linearly up to 2.5 registers' worth of values as well,
// we up to the published threshold alone.
package hll
