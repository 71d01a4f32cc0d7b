package hll

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed bias.txt
var biases string

// published gives raw estimates and their biases for a precision. The points
// are read when an estimator is made: a few hundred numbers.
func published(precision int) (raw, bias []float64) {
	return points("raw", precision), points("bias", precision)
}

func points(kind string, precision int) []float64 {
	_, rest, _ := strings.Cut(biases, "\n"+kind+" "+strconv.Itoa(precision)+": ")
	line, _, _ := strings.Cut(rest, "\n")
	var out []float64
	for _, text := range strings.Fields(line) {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(err) // bias.txt is part of the program
		}
		out = append(out, v)
	}
	return out
}

// threshold is the published number of values up to which linear counting
// does better.
func threshold(precision int) float64 {
	return [...]float64{10, 20, 40, 80, 220, 400, 900, 1800, 3100, 6500, 11500, 20000, 50000, 120000, 350000}[precision-LeastPrecision]
}
