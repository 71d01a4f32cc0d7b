// Command kernels_go is the Go side of kernels.c: what feature code spends its
// time on, for the cost of fuel. Build it as build.sh says.
package main

import (
	"math"
	"strings"
)

const rows, width = 8192, 64

// bench is what setup makes and the kernels work on.
type bench struct {
	x, y    []float64
	keys    []int32
	strings []string
}

var rowsOf bench

func main() {}

//go:wasmexport setup
func setup() {
	s, b := uint64(1), bench{make([]float64, rows), make([]float64, rows), make([]int32, rows), make([]string, rows)}
	for i := range rows {
		s = s*6364136223846793005 + 1442695040888963407
		b.x[i], b.y[i], b.keys[i] = float64(s>>40)/1000, float64(s>>20&0xFFFF), int32(s>>33)%997
		text := make([]byte, 8+(s>>50)%(width-8))
		for k := range text {
			text[k] = 'a' + byte((s>>(k&31))%26)
		}
		b.strings[i] = string(text)
	}
	rowsOf = b
}

//go:wasmexport axpy
func axpy() float64 {
	x, y := rowsOf.x, rowsOf.y
	for i := range x {
		y[i] = 1e-9*x[i] + y[i]
	}
	return y[rows/2]
}

//go:wasmexport zscore
func zscore() float64 {
	x, y := rowsOf.x, rowsOf.y
	var sum, squares, out float64
	for _, v := range x {
		sum += v
	}
	mean := sum / rows
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	deviation := math.Sqrt(squares / rows)
	for i, v := range x {
		if y[i] = (v - mean) / deviation; y[i] > 1 {
			out++
		}
	}
	return out
}

//go:wasmexport hash
func hash() float64 {
	var all uint64
	for _, s := range rowsOf.strings {
		h := uint64(14695981039346656037)
		for k := range len(s) {
			h = (h ^ uint64(s[k])) * 1099511628211
		}
		all ^= h
	}
	return float64(all >> 12)
}

//go:wasmexport groupby
func groupby() float64 {
	sums := map[int32]float64{}
	for i, k := range rowsOf.keys {
		sums[k] += rowsOf.x[i]
	}
	return float64(len(sums))
}

//go:wasmexport upper
func upper() float64 {
	n := 0
	for _, s := range rowsOf.strings {
		n += len(strings.ToUpper(s))
	}
	return float64(n)
}

//go:wasmexport levenshtein
func levenshtein() float64 {
	var row [width + 1]int32
	var all int32
	for i := range 256 {
		a, b := rowsOf.strings[i], rowsOf.strings[i+1]
		for k := range row {
			row[k] = int32(k)
		}
		for i := range len(a) {
			corner := row[0]
			row[0] = int32(i + 1)
			for k := range len(b) {
				best := corner
				if a[i] != b[k] {
					best++
				}
				corner = row[k+1]
				row[k+1] = min(best, corner+1, row[k]+1)
			}
		}
		all += row[len(b)]
	}
	return float64(all)
}
