package window

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/host/flow"
)

// textForm says how ModeText and MostFrequentSetText write keys of a type: as
// Python's str writes what pandas makes of the column.
type textForm[K any] struct {
	// text writes a key; nulls tells that the window has a null, with which
	// integers become doubles.
	text func(k K, nulls bool) string
	// null is what MostFrequentSetText writes for a null.
	null string
	// merges reports a key whose text, beside a null, may be that of another
	// key or of null.
	merges func(k K) bool
	// isNull reports a key that pandas takes for null; nil: none.
	isNull func(k K) bool
	// rounded gives an integer as the double that it becomes; nil: no integers.
	rounded func(k K) float64
}

// wholeForm is the form of types whose keys are int64.
func wholeForm(t flow.DataType) textForm[int64] {
	switch t.ID() {
	case arrow.FLOAT32, arrow.FLOAT64:
		bits := 64
		if t.ID() == arrow.FLOAT32 {
			bits = 32
		}
		return textForm[int64]{
			null:   "nan",
			text:   func(k int64, _ bool) string { return floatText(floatOf(k), bits) },
			merges: func(k int64) bool { return k == canonicalNaN },
			isNull: func(k int64) bool { return k == canonicalNaN },
		}
	case arrow.BOOL:
		return textForm[int64]{null: "None", text: func(k int64, _ bool) string {
			if k == 1 {
				return "True"
			}
			return "False"
		}}
	case arrow.DATE32:
		return textForm[int64]{null: "None", text: func(k int64, _ bool) string {
			return time.Unix(k*86400, 0).UTC().Format(time.DateOnly)
		}}
	case arrow.TIMESTAMP:
		return textForm[int64]{null: "NaT", text: func(k int64, _ bool) string {
			at := time.UnixMicro(k).UTC()
			if at.Nanosecond() == 0 {
				return at.Format(time.DateTime)
			}
			return at.Format("2006-01-02 15:04:05.000000")
		}}
	default:
		return textForm[int64]{
			null: "nan",
			text: func(k int64, nulls bool) string {
				if nulls {
					return floatText(float64(k), 64)
				}
				return strconv.FormatInt(k, 10)
			},
			merges:  func(k int64) bool { return k <= -1<<53 || k >= 1<<53 },
			rounded: func(k int64) float64 { return float64(k) },
		}
	}
}

func stringForm() textForm[string] {
	return textForm[string]{
		null:   "None",
		text:   func(k string, _ bool) string { return k },
		merges: func(k string) bool { return k == "None" },
	}
}

func decimalForm(t flow.DataType) textForm[decimal128.Num] {
	scale := t.(*arrow.Decimal128Type).Scale
	return textForm[decimal128.Num]{null: "None", text: func(k decimal128.Num, _ bool) string { return k.ToString(scale) }}
}

// floatText writes a float as Python does: the shortest digits that read back,
// with an exponent below 1e-4 and from 1e16 on.
func floatText(v float64, bits int) string {
	switch {
	case v != v:
		return "nan"
	case math.IsInf(v, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+"))
	}
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, bits)
	}
	s := strconv.FormatFloat(v, 'f', -1, bits)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// modeText answers ModeText.
func (s *bagged[T, K, R]) modeText(w textForm[K]) (v string, ok, fits bool) {
	if s.total == 0 {
		return "", false, true
	}
	k, nulls := s.bag.mode(), s.nulls > 0
	if w.rounded != nil && nulls && s.anyAtEnds(w.merges) || w.isNull != nil && w.isNull(k) {
		k, ok = s.modeAsPandas(w)
		if !ok {
			return "", false, true
		}
	}
	return w.text(k, nulls), true, true
}

// modeAsPandas is mode without the keys that are nulls to pandas, and with
// integers that become one double taken together. It walks all distinct keys.
func (s *bagged[T, K, R]) modeAsPandas(w textForm[K]) (best K, ok bool) {
	var one K
	most, n := 0, 0
	for i := range s.blocks {
		x := &s.blocks[i]
		for j, k := range x.keys {
			if w.isNull != nil && w.isNull(k) {
				continue
			}
			if n == 0 || w.rounded == nil || w.rounded(k) != w.rounded(one) {
				one, n = k, 0
			}
			if n += int(x.counts[j]); n > most {
				best, most = one, n
			}
		}
	}
	return best, most > 0
}

// anyAtEnds reports whether the least or the greatest key of a bag is such.
func (b *bag[K, O]) anyAtEnds(such func(k K) bool) bool {
	last := b.blocks[len(b.blocks)-1].keys
	return such(b.firsts[0]) || such(last[len(last)-1])
}
