package window_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/builtins/window/hll"
)

// oracleOf is one aggregate by table 9.4, the slow and obvious way.
func oracleOf(a window.Aggregate, rows []event) string {
	var vals []any
	for _, r := range rows {
		if v := r.v[a.Column]; v != nil {
			vals = append(vals, v)
		}
	}
	show := func(vals []any) string {
		var parts []string
		for _, v := range vals {
			parts = append(parts, text(a.Column, v))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	// The values in order, each +0.0 or -0.0 being one; and the distinct ones.
	sorted := slices.Clone(vals)
	for i, v := range sorted {
		if x, ok := v.(float64); ok && x == 0 {
			sorted[i] = 0.0
		}
	}
	slices.SortStableFunc(sorted, compare)
	distinct := slices.CompactFunc(slices.Clone(sorted), func(a, b any) bool { return compare(a, b) == 0 })
	var times []int
	for i, v := range sorted {
		if i == 0 || compare(sorted[i-1], v) != 0 {
			times = append(times, 0)
		}
		times[len(times)-1]++
	}
	var often []any
	for n := slices.Max(append(times, 0)); n > 0; n-- {
		for i, v := range distinct {
			if times[i] == n {
				often = append(often, v)
			}
		}
	}
	k := min(a.Params.K, len(vals))

	switch a.Function {
	case window.FirstNonNull, window.LastNonNull, window.Mode, window.SumDistinct, window.Median, window.Percentile, window.Skewness, window.Kurtosis,
		window.VarPop, window.VarSamp:
		if len(vals) == 0 {
			return "null"
		}
	}
	switch a.Function {
	case window.FirstNonNull:
		return text(a.Column, vals[0])
	case window.LastNonNull:
		return text(a.Column, vals[len(vals)-1])
	case window.CollectList:
		return show(vals)
	case window.FirstK:
		return show(vals[:k])
	case window.LastK:
		newest := slices.Clone(vals)
		slices.Reverse(newest)
		return show(newest[:k])
	case window.TopK:
		slices.Reverse(sorted)
		return show(sorted[:k])
	case window.BottomK:
		return show(sorted[:k])
	case window.CollectSet:
		return show(distinct)
	case window.MostFrequentSet:
		return show(often)
	case window.CountDistinct:
		return strconv.Itoa(len(distinct))
	case window.ApproxCountDistinct:
		return sketch(a.Column, distinct)
	case window.Mode:
		return text(a.Column, often[0])
	case window.ModeText:
		return pandasMode(a.Column, rows)
	case window.MostFrequentSetText:
		return pandasMostFrequent(a.Column, rows)
	case window.SumDistinct:
		var rows []event
		for _, v := range distinct {
			rows = append(rows, event{v: map[string]any{a.Column: v}})
		}
		return fitting(oracle(window.Sum, a.Column, rows), a)
	case window.Median, window.Percentile:
		p := a.Params.P
		if a.Function == window.Median {
			p = 0.5
		}
		r := float64(p * float64(len(sorted)-1))
		i := int(math.Floor(r))
		x := double(sorted[i])
		if part := r - float64(i); part > 0 {
			if y := double(sorted[i+1]); y != x {
				x += (y - x) * part
			}
		}
		return float(x)
	case window.Skewness, window.Kurtosis:
		if len(distinct) == 1 {
			return "null"
		}
		var m2, m3, m4 float64
		mean, err := strconv.ParseFloat(oracle(window.Avg, a.Column, rows), 64)
		if err != nil {
			panic(err)
		}
		for _, v := range vals {
			d := double(v) - mean
			m2 += float64(d * d)
			m3 += float64(float64(d*d) * d)
			m4 += float64(float64(float64(d*d)*d) * d)
		}
		n := float64(len(vals))
		if a.Function == window.Skewness {
			return float(float64(math.Sqrt(n)*m3) / float64(m2*math.Sqrt(m2)))
		}
		return float(float64(float64(n*m4)/float64(m2*m2)) - 3)
	case window.VarPop, window.VarSamp:
		return variance(a, vals)
	}
	return fitting(oracle(a.Function, a.Column, rows), a)
}

// fitting is null for an integer beyond 64 bits.
func fitting(v string, a window.Aggregate) string {
	if _, err := strconv.ParseInt(v, 10, 64); errors.Is(err, strconv.ErrRange) && a.OverflowNull && (a.Column == "i" || a.Column == "n") {
		return "null"
	}
	return v
}

// sketch is S-944 with registers of nine bits, made anew.
func sketch(column string, vals []any) string {
	ranks := make([]uint8, 512)
	for _, v := range vals {
		var b []byte
		switch x := v.(type) {
		case string:
			b = []byte(x)
		case bool:
			b = []byte{0, 0, 0, 0}
			if x {
				b[0] = 1
			}
		case int64:
			b = binary.LittleEndian.AppendUint64(nil, uint64(x))
			if column == "n" {
				b = b[:4]
			}
		case float64:
			switch {
			case math.IsNaN(x) && column == "g":
				b = []byte{0, 0, 0xC0, 0x7F}
			case math.IsNaN(x):
				b = []byte{0, 0, 0, 0, 0, 0, 0xF8, 0x7F}
			case column == "g":
				b = binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(x)))
			default:
				b = binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))
			}
		}
		d := xxhash.NewWithSeed(42)
		d.Write(b)
		h := d.Sum64()
		r := h >> 55
		ranks[r] = max(ranks[r], uint8(bits.LeadingZeros64(h<<9|1<<8)+1))
	}
	e := hll.NewEstimator(9)
	sums := e.Empty()
	for _, r := range ranks {
		sums.Change(0, r)
	}
	return strconv.FormatInt(e.Estimate(sums), 10)
}

// variance is S-942 by math/big.
func variance(a window.Aggregate, vals []any) string {
	n := int64(len(vals))
	d := n
	if a.Function == window.VarSamp {
		d--
	}
	if d == 0 {
		return "null"
	}
	s1, s2 := new(big.Rat), new(big.Rat)
	for _, v := range vals {
		r := new(big.Rat)
		switch x := v.(type) {
		case int64:
			r.SetInt64(x)
		case float64:
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return float(math.NaN())
			}
			r.SetFloat64(x)
		}
		s1.Add(s1, r)
		s2.Add(s2, r.Mul(r, r))
	}
	v := s2.Sub(s2.Mul(s2, big.NewRat(n, 1)), s1.Mul(s1, s1))
	f, _ := v.Quo(v, new(big.Rat).Mul(big.NewRat(n, 1), big.NewRat(d, 1))).Float64()
	return float(f)
}

func double(v any) float64 {
	if i, ok := v.(int64); ok {
		return float64(i)
	}
	return v.(float64)
}

// pandasText is str of a value of a column, as pandas holds it in a window
// with or without nulls.
func pandasText(column string, v any, nulls bool) string {
	python := func(x float64, bits int) string {
		switch {
		case math.IsNaN(x):
			return "nan"
		case math.IsInf(x, 1):
			return "inf"
		case math.IsInf(x, -1):
			return "-inf"
		case x != 0 && (math.Abs(x) < 1e-4 || math.Abs(x) >= 1e16):
			return strconv.FormatFloat(x, 'e', -1, bits)
		}
		s := strconv.FormatFloat(x, 'f', -1, bits)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	switch x := v.(type) {
	case nil:
		if column == "f" || column == "g" || column == "i" || column == "n" {
			return "nan"
		}
		return "None"
	case bool:
		if x {
			return "True"
		}
		return "False"
	case int64:
		switch {
		case column == "d":
			return new(big.Rat).SetFrac64(x, 100).FloatString(2)
		case nulls:
			return python(float64(x), 64)
		}
	case float64:
		if x == 0 {
			x = 0 // -0.0 is 0.0
		}
		if column == "g" {
			return python(x, 32)
		}
		return python(x, 64)
	}
	return fmt.Sprint(v)
}

// pandasMode is Series.mode()[0] as text.
func pandasMode(column string, rows []event) string {
	nulls := slices.ContainsFunc(rows, func(r event) bool { return r.v[column] == nil })
	var vals []any
	for _, r := range rows {
		v := r.v[column]
		if i, ok := v.(int64); ok && nulls && column != "d" {
			v = float64(i)
		}
		if x, ok := v.(float64); v == nil || ok && math.IsNaN(x) {
			continue
		}
		vals = append(vals, v)
	}
	if len(vals) == 0 {
		return "null"
	}
	slices.SortStableFunc(vals, compare)
	best, most := 0, 0
	for i := 0; i < len(vals); {
		j := i
		for j < len(vals) && compare(vals[i], vals[j]) == 0 {
			j++
		}
		if j-i > most {
			best, most = i, j-i
		}
		i = j
	}
	return pandasText(column, vals[best], nulls)
}

// pandasMostFrequent is Series.astype(str).value_counts().index, ties in order.
func pandasMostFrequent(column string, rows []event) string {
	nulls := slices.ContainsFunc(rows, func(r event) bool { return r.v[column] == nil })
	counts, order := map[string]int{}, []string{}
	for _, r := range rows {
		t := pandasText(column, r.v[column], nulls)
		if counts[t] == 0 {
			order = append(order, t)
		}
		counts[t]++
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	return "[" + strings.Join(order, ", ") + "]"
}
