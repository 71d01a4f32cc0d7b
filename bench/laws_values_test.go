package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// The values of the laws: those of the differential test, and these.
type (
	instant int64 // microseconds
	civil   int32 // a date, in days
	dec     struct {
		n     *big.Int
		scale int
	}
)

func (d dec) rat() *big.Rat {
	return new(big.Rat).SetFrac(d.n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.scale)), nil))
}

func (d dec) String() string { return d.rat().FloatString(d.scale) }

// decimalOf rounds half away from zero.
func decimalOf(r *big.Rat, scale int) dec {
	r = new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	n := new(big.Int).Abs(r.Num())
	q, rest := new(big.Int).QuoRem(n, r.Denom(), new(big.Int))
	if rest.Lsh(rest, 1).Cmp(r.Denom()) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	if r.Sign() < 0 {
		q.Neg(q)
	}
	return dec{q, scale}
}

// moreBytes gives canonical bytes of the values that are here alone (S-303).
func moreBytes(v any) []byte {
	switch v := v.(type) {
	case instant:
		return bytesOf(int64(v))
	case civil:
		return bytesOf(int32(v))
	case bool:
		if v {
			return []byte{1, 1}
		}
		return []byte{1, 0}
	case dec:
		b := make([]byte, 17)
		b[0] = 1
		new(big.Int).Add(v.n, new(big.Int).Lsh(big.NewInt(1), 127)).FillBytes(b[1:])
		return b
	case []any:
		b := []byte{1}
		for _, e := range v {
			b = append(append(b, 2), bytesOf(e)...)
		}
		return append(b, 0)
	}
	panic(fmt.Sprintf("%T", v))
}

// positive gives a value with +0.0 for each zero.
func positive(v any) any {
	switch x := v.(type) {
	case float64:
		if x == 0 {
			return 0.0
		}
	case float32:
		if x == 0 {
			return float32(0)
		}
	}
	return v
}

// asDouble gives a number as a double.
func asDouble(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case int32:
		return float64(v)
	case float32:
		return float64(v)
	case dec:
		return rounded(v.rat())
	}
	return v.(float64)
}

// showMore shows the values that are here alone, and those that only a
// database gives.
func showMore(v any) string {
	switch v := v.(type) {
	case bool:
		return fmt.Sprint("bool:", v)
	case instant:
		return fmt.Sprint("at:", int64(v))
	case civil:
		return fmt.Sprint("at:", int64(v)*day)
	case time.Time:
		return fmt.Sprint("at:", v.UnixMicro())
	case dec:
		return "dec:" + v.String()
	case duckdb.Decimal:
		return "dec:" + dec{v.Value, int(v.Scale)}.String()
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = show(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprintf("%T:%v", v, v)
}

// storedMore gives a value that is here alone as SQLite holds it (S-401).
func storedMore(v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case instant:
		return int64(v)
	case civil:
		return time.Unix(int64(v)*86400, 0).UTC().Format(time.DateOnly)
	case dec:
		return v.String()
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = inJSON(e)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return v
}

func inJSON(v any) string {
	number := func(f float64, bits int) string {
		switch {
		case f != f:
			return `"NaN"`
		case math.IsInf(f, 1):
			return `"Infinity"`
		case math.IsInf(f, -1):
			return `"-Infinity"`
		case f == 0 && math.Signbit(f):
			return "-0.0"
		}
		return strconv.FormatFloat(f, 'g', -1, bits)
	}
	switch v := v.(type) {
	case float64:
		return number(v, 64)
	case float32:
		return number(float64(v), 32)
	case bool:
		return strconv.FormatBool(v)
	case instant:
		return fmt.Sprint(int64(v))
	case civil, dec:
		return strconv.Quote(storedMore(v).(string))
	case string:
		b, _ := json.Marshal(v)
		return string(b)
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

// Types of the laws, as pipeline files name them.
const decimals = "decimal(12,2)"

func isFloatType(t string) bool { return t == "float" || t == "double" }
func isWholeType(t string) bool { return t == "bigint" || t == "integer" }
func isRealType(t string) bool  { return isFloatType(t) || isWholeType(t) }
func isNumberType(t string) bool {
	return isRealType(t) || strings.HasPrefix(t, "decimal")
}
func isListType(t string) bool { return strings.HasPrefix(t, "array<") }

func scaleOf(t string) int {
	_, s, _ := strings.Cut(strings.TrimSuffix(t, ")"), ",")
	n, _ := strconv.Atoi(s)
	return n
}

// readable is what the texts of numbers look like (S-407).
func readText(s, typ string) (v any, failed bool) {
	s = strings.TrimSpace(s)
	switch typ {
	case "string":
		return s, false
	case "boolean":
		switch strings.ToLower(s) {
		case "t", "true", "y", "yes", "1":
			return true, false
		case "f", "false", "n", "no", "0":
			return false, false
		}
		return nil, true
	}
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" || digits[0] < '0' || digits[0] > '9' {
		return nil, true
	}
	if typ == "double" {
		f, err := strconv.ParseFloat(s, 64)
		return f, err != nil
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.ContainsFunc(fraction, func(r rune) bool { return r < '0' || r > '9' }) {
		return nil, true
	}
	bits := map[string]int{"bigint": 64, "integer": 32}[typ]
	n, err := strconv.ParseInt(strings.TrimPrefix(whole, "+"), 10, bits)
	switch {
	case err != nil:
		return nil, true
	case bits == 32:
		return int32(n), false
	}
	return n, false
}

// sorted gives values in value order, each zero +0.0.
func inValueOrder(values []any) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = positive(v)
	}
	slices.SortStableFunc(out, compareValues)
	return out
}
