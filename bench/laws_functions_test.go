package bench

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// fun is a function as written, with its parameters and the type of its column.
type fun struct {
	name, typ string
	p, rsd    float64
	k         int
}

// plain gives the name that a function has in table 9.4.
func (f fun) plain() string {
	n := strings.ToLower(f.name)
	if of, ok := map[string]string{"mean": "avg", "stddev": "stddev_samp", "std": "stddev_samp", "variance": "var_samp",
		"countdistinct": "count_distinct", "sumdistinct": "sum_distinct"}[n]; ok {
		return of
	}
	return n
}

// part is the part of a column's name that tells the function (S-930).
func (f fun) part() string {
	number := func(v float64) string {
		return "_" + strings.ReplaceAll(strconv.FormatFloat(v, 'f', -1, 64), ".", "_")
	}
	switch {
	case f.plain() == "percentile":
		return f.name + number(f.p)
	case f.k > 0:
		return f.name + "_" + strconv.Itoa(f.k)
	case f.rsd > 0:
		return f.name + number(f.rsd)
	}
	return f.name
}

func (f fun) toml() string {
	s := fmt.Sprintf("function = %q", f.name)
	if f.plain() == "percentile" {
		s += fmt.Sprintf(", p = %v", strconv.FormatFloat(f.p, 'f', -1, 64))
		if f.p == math.Trunc(f.p) {
			s += ".0"
		}
	}
	if f.k > 0 {
		s += fmt.Sprintf(", k = %d", f.k)
	}
	if f.rsd > 0 {
		s += fmt.Sprintf(", rsd = %v", f.rsd)
	}
	if f.typ != "" {
		s += fmt.Sprintf(", type = %q", f.typ)
	}
	return "{ " + s + " }"
}

// takes tells whether a function is of columns of a type (9.4).
func takes(name, typ string) bool {
	switch name {
	case "count", "first", "last", "first_non_null", "last_non_null":
		return true
	case "sum", "avg", "sum_distinct":
		return isNumberType(typ)
	case "var_pop", "var_samp", "stddev_pop", "stddev_samp", "skewness", "kurtosis", "median", "percentile":
		return isRealType(typ)
	}
	return !isListType(typ)
}

// resultOf gives the type of a function over a column, before a declared one.
func resultOf(name, typ string, compat bool) string {
	switch name {
	case "count", "count_distinct", "approx_count_distinct":
		return "bigint"
	case "sum", "sum_distinct":
		switch {
		case isWholeType(typ):
			return "bigint"
		case isFloatType(typ):
			return "double"
		}
		return fmt.Sprintf("decimal(38,%d)", scaleOf(typ))
	case "avg":
		if isRealType(typ) {
			return "double"
		}
		return fmt.Sprintf("decimal(38,%d)", scaleOf(typ)+4)
	case "var_pop", "var_samp", "stddev_pop", "stddev_samp", "skewness", "kurtosis", "median", "percentile":
		return "double"
	case "collect_list", "collect_set", "top_k", "bottom_k", "first_k", "last_k":
		return "array<" + typ + ">"
	case "mode":
		if compat {
			return "string"
		}
	case "most_frequent_set":
		if compat {
			return "array<string>"
		}
		return "array<" + typ + ">"
	}
	return typ
}

// compute is a function over rows in total order (section 9.4); typ is the
// column's type.
func compute(f fun, typ string, all []any, compat bool) any {
	var values []any
	for _, v := range all {
		if v != nil {
			values = append(values, v)
		}
	}
	name, n := f.plain(), len(values)
	ascending := inValueOrder(values)
	distinct := slices.CompactFunc(slices.Clone(ascending), func(a, b any) bool { return compareValues(a, b) == 0 })
	k := min(f.k, n)
	list := func(v []any) any { return append([]any{}, v...) }
	switch name {
	case "first_non_null":
		if n > 0 {
			return values[0]
		}
		return nil
	case "last_non_null":
		if n > 0 {
			return values[n-1]
		}
		return nil
	case "collect_list":
		return list(values)
	case "collect_set":
		return list(distinct)
	case "first_k":
		return list(values[:k])
	case "last_k":
		newest := slices.Clone(values)
		slices.Reverse(newest)
		return list(newest[:k])
	case "bottom_k":
		return list(ascending[:k])
	case "top_k":
		slices.Reverse(ascending)
		return list(ascending[:k])
	case "count_distinct":
		return int64(len(distinct))
	case "approx_count_distinct":
		return sketched(f.rsd, distinct)
	case "sum_distinct":
		return compute(fun{name: "sum"}, typ, distinct, compat)
	case "mode", "most_frequent_set":
		if compat {
			return asPandas(name, typ, all)
		}
		often := byCount(ascending)
		switch {
		case name == "most_frequent_set":
			return list(often)
		case n == 0:
			return nil
		}
		return often[0]
	case "median", "percentile":
		if n == 0 {
			return nil
		}
		p := f.p
		if name == "median" {
			p = 0.5
		}
		r := p * float64(n-1)
		i := int(math.Floor(r))
		x := asDouble(ascending[i])
		if part := r - float64(i); part > 0 {
			if y := asDouble(ascending[i+1]); x != y {
				x += float64((y - x) * part)
			}
		}
		return x
	case "skewness", "kurtosis":
		if len(distinct) < 2 {
			return nil
		}
		mean := apply("avg", values).(float64)
		var m2, m3, m4 float64
		for _, v := range values {
			d := asDouble(v) - mean
			square := float64(d * d)
			cube := float64(square * d)
			m2 += square
			m3 += cube
			m4 += float64(cube * d)
		}
		if name == "skewness" {
			return float64(math.Sqrt(float64(n))*m3) / float64(m2*math.Sqrt(m2))
		}
		return float64(float64(float64(n)*m4)/float64(m2*m2)) - 3
	case "var_pop", "var_samp":
		return variance(values, name == "var_samp")
	case "sum", "avg":
		if _, ok := first(values).(dec); ok {
			sum := new(big.Rat)
			for _, v := range values {
				sum.Add(sum, v.(dec).rat())
			}
			scale := scaleOf(typ)
			if name == "avg" {
				sum.Quo(sum, new(big.Rat).SetInt64(int64(n)))
				scale += 4
			}
			return decimalOf(sum, scale)
		}
	}
	return apply(name, all)
}

func first(values []any) any {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// variance is S-942.
func variance(values []any, sample bool) any {
	n := int64(len(values))
	d := n
	if sample {
		d--
	}
	if n == 0 || d == 0 {
		return nil
	}
	s1, s2 := new(big.Rat), new(big.Rat)
	for _, v := range values {
		r, _ := number(v)
		if r == nil {
			return math.NaN()
		}
		s1.Add(s1, r)
		s2.Add(s2, new(big.Rat).Mul(r, r))
	}
	v := s2.Sub(s2.Mul(s2, new(big.Rat).SetInt64(n)), s1.Mul(s1, s1))
	return rounded(v.Quo(v, new(big.Rat).SetInt64(n*d)))
}

// byCount gives the distinct values of ascending ones by how often they are
// there, descending, then ascending.
func byCount(ascending []any) []any {
	var out []any
	counts := map[int]int{}
	for i, v := range ascending {
		if i == 0 || compareValues(ascending[i-1], v) != 0 {
			out = append(out, v)
		}
		counts[len(out)-1]++
	}
	places := make([]int, len(out))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(counts[b], counts[a]) })
	sorted := make([]any, len(out))
	for i, at := range places {
		sorted[i] = out[at]
	}
	return sorted
}

// sketched is S-944 while few values are there: linear counting of registers.
func sketched(rsd float64, distinct []any) any {
	if rsd == 0 {
		rsd = 0.05
	}
	p := int(math.Ceil(2 * math.Log2(1.106/rsd)))
	m := 1 << p
	taken := map[uint64]bool{}
	for _, v := range distinct {
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
		case instant:
			b = binary.LittleEndian.AppendUint64(nil, uint64(x))
		case int32:
			b = binary.LittleEndian.AppendUint32(nil, uint32(x))
		case civil:
			b = binary.LittleEndian.AppendUint32(nil, uint32(x))
		case float64:
			u := math.Float64bits(x)
			if x != x {
				u = 0x7FF8 << 48
			}
			b = binary.LittleEndian.AppendUint64(nil, u)
		case float32:
			u := math.Float32bits(x)
			if x != x {
				u = 0x7FC0 << 16
			}
			b = binary.LittleEndian.AppendUint32(nil, u)
		default:
			panic(fmt.Sprintf("%T", v))
		}
		d := xxhash.NewWithSeed(42)
		_, _ = d.Write(b)
		taken[bits.RotateLeft64(d.Sum64(), p)&uint64(m-1)] = true
	}
	return int64(math.Round(float64(m) * math.Log(float64(m)/float64(m-len(taken)))))
}

// asPandas is mode and most_frequent_set of the original: str of what pandas
// makes of the values.
func asPandas(name, typ string, all []any) any {
	nulls := slices.Contains(all, nil)
	values := slices.Clone(all)
	for i, v := range values {
		if v != nil && nulls && isWholeType(typ) {
			values[i] = asDouble(v)
		}
	}
	if name == "mode" {
		values = slices.DeleteFunc(values, func(v any) bool {
			switch x := v.(type) {
			case nil:
				return true
			case float64:
				return x != x
			case float32:
				return x != x
			}
			return false
		})
		if len(values) == 0 {
			return nil
		}
		return python(typ, byCount(inValueOrder(values))[0])
	}
	counts, order := map[string]int{}, []string{}
	for _, v := range values {
		t := python(typ, positive(v))
		if counts[t] == 0 {
			order = append(order, t)
		}
		counts[t]++
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	out := []any{}
	for _, t := range order {
		out = append(out, t)
	}
	return out
}

// python is str of a value.
func python(typ string, v any) string {
	float := func(x float64, bits int) string {
		switch {
		case math.IsNaN(x):
			return "nan"
		case math.IsInf(x, 0):
			return strings.ToLower(strings.TrimPrefix(fmt.Sprint(x), "+"))
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
		switch {
		case isRealType(typ):
			return "nan"
		case typ == "timestamp":
			return "NaT"
		}
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[x]
	case float64:
		return float(x, 64)
	case float32:
		return float(float64(x), 32)
	case civil:
		return storedMore(x).(string)
	case instant:
		at := time.UnixMicro(int64(x)).UTC()
		if at.Nanosecond() == 0 {
			return at.Format(time.DateTime)
		}
		return at.Format("2006-01-02 15:04:05.000000")
	}
	return fmt.Sprint(v)
}
