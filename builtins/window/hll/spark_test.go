package hll_test

import (
	_ "embed"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins/window/hll"
)

//go:embed testdata/spark.txt
var spark string

// Estimates are those of Spark but where it counts linearly beyond the
// published threshold: up to a raw estimate of 2.5 values for each register.
// Rule: S-944.
func TestEstimate_SameAsSpark(t *testing.T) {
	hashes := []func(n int) uint64{
		func(n int) uint64 { return hll.Hash8(uint64(n)) },
		func(n int) uint64 { return hll.Hash4(uint32(n)) },
		func(n int) uint64 { return hll.HashText("text-" + strconv.Itoa(n) + "-of-a-rather-long-value-") },
		func(n int) uint64 { return hll.HashText(strconv.Itoa(n)) },
		func(n int) uint64 { return hll.Hash8(math.Float64bits(float64(n) / 8)) },
		func(n int) uint64 { return hll.Hash4(math.Float32bits(float32(n) / 8)) },
		func(n int) uint64 { return hll.Hash8(uint64(n) * 100) },
	}
	precisions := map[string]int{"0.05": 9, "0.02": 12, "0.2": 5}
	sketches := map[string][]*sketch{}
	done := map[string]int{}
	same := 0
	for _, line := range strings.Split(strings.TrimSpace(spark), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		rsd := f[0]
		n, _ := strconv.Atoi(f[1])
		p := precisions[rsd]
		for i, hash := range hashes {
			if len(sketches[rsd]) <= i {
				sketches[rsd] = append(sketches[rsd], newSketch(p))
			}
			s := sketches[rsd][i]
			for v := done[rsd]; v < n; v++ {
				s.add(hash(v))
			}
			want, _ := strconv.ParseInt(f[2+i], 10, 64)
			if got := s.estimate(); got == want {
				same++
				continue
			}
			m := float64(len(s.ranks))
			linear := m * math.Log(m/float64(s.sums.Zeros))
			if raw := alpha(p) * m * m / hll.SumOf(s.sums); s.sums.Zeros == 0 || raw > 2.5*m || int64(math.Round(linear)) != want {
				t.Errorf("rsd %s, %d values of kind %d: %d, Spark %d", rsd, n, i, s.estimate(), want)
			}
		}
		done[rsd] = n
	}
	if same < 500 {
		t.Errorf("%d estimates are the same", same)
	}
}

func alpha(precision int) float64 {
	if precision == 5 {
		return 0.697
	}
	return 0.7213 / (1 + 1.079/float64(int(1)<<precision))
}
