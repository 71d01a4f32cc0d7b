package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// PivotName is the part of a column's name that tells the pivot value: its
// text with every character outside A-Z, a-z, 0-9 and _ made _ (S-932).
// Booleans are True and False with semantics "butterfree".
func PivotName(value any, semantics string) string {
	var name string
	switch v := value.(type) {
	case string:
		name = v
	case float64:
		name = doubleText(v)
	case bool:
		name = strconv.FormatBool(v)
		if semantics == semanticsCompat {
			name = strings.ToUpper(name[:1]) + name[1:]
		}
	default:
		name = fmt.Sprint(v)
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}

// doubleText writes a number as casts to text do (S-409).
func doubleText(v float64) string {
	if a := math.Abs(v); a == 0 || a >= 1e-3 && a < 1e7 {
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'E', -1, 64), "E")
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return digits + "E" + strconv.Itoa(n)
}
