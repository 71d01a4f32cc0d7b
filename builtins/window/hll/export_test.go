package hll

// SumOf gives the sum of 2^-rank.
func SumOf(s Sums) float64 { return s.float() }

// Published gives the points of a precision.
func Published(precision int) (raw, bias []float64) { return published(precision) }
