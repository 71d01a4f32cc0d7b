package pipelinetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

const (
	timeLayout = "2006-01-02T15:04:05.999999Z"
	dateLayout = "2006-01-02"
)

// actual turns one value of a column into what JSON would hold for it: nil,
// bool, json.Number, string, []any, or map{"float": ...} for NaN and infinity.
func actual(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch x := a.(type) {
	case *array.Boolean:
		return x.Value(i)
	case *array.Int32:
		return json.Number(strconv.FormatInt(int64(x.Value(i)), 10))
	case *array.Int64:
		return json.Number(strconv.FormatInt(x.Value(i), 10))
	case *array.Float32:
		return float(float64(x.Value(i)))
	case *array.Float64:
		return float(x.Value(i))
	case *array.Timestamp:
		return time.UnixMicro(int64(x.Value(i))).UTC().Format(timeLayout)
	case *array.Date32:
		return x.Value(i).ToTime().Format(dateLayout)
	case *array.List:
		from, to := x.ValueOffsets(i)
		list := []any{}
		for k := from; k < to; k++ {
			list = append(list, actual(x.ListValues(), int(k)))
		}
		return list
	case *array.Struct:
		fields := map[string]any{}
		for k, f := range x.DataType().(*arrow.StructType).Fields() {
			fields[f.Name] = actual(x.Field(k), i)
		}
		return fields
	default:
		return a.ValueStr(i)
	}
}

func float(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return map[string]any{"float": strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+")}
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}

// same compares an expected value with an actual one of the given type.
func same(want, got any, t arrow.DataType, tolerance float64) bool {
	if want == nil || got == nil {
		return want == nil && got == nil
	}
	switch t.ID() {
	case arrow.FLOAT32, arrow.FLOAT64:
		w, ok1 := number(want)
		g, ok2 := number(got)
		return ok1 && ok2 && near(w, g, tolerance)
	case arrow.TIMESTAMP:
		w, ok1 := instant(want)
		g, ok2 := instant(got)
		return ok1 && ok2 && w.Equal(g)
	case arrow.LIST:
		w, ok1 := want.([]any)
		g, ok2 := got.([]any)
		if !ok1 || !ok2 || len(w) != len(g) {
			return false
		}
		for i := range w {
			if !same(w[i], g[i], t.(*arrow.ListType).Elem(), tolerance) {
				return false
			}
		}
		return true
	case arrow.STRUCT:
		w, ok1 := want.(map[string]any)
		g, ok2 := got.(map[string]any)
		if !ok1 || !ok2 || len(w) != len(g) {
			return false
		}
		for _, f := range t.(*arrow.StructType).Fields() {
			if _, named := w[f.Name]; !named || !same(w[f.Name], g[f.Name], f.Type, tolerance) {
				return false
			}
		}
		return true
	default:
		return fmt.Sprint(want) == fmt.Sprint(got)
	}
}

// sorted gives rows whose lists in the named columns are in the order of their
// elements' text.
func sorted(rows []row, columns []string) []row {
	if len(columns) == 0 {
		return rows
	}
	out := make([]row, len(rows))
	for i, r := range rows {
		out[i] = maps.Clone(r)
		for _, c := range columns {
			if list, ok := r[c].([]any); ok {
				list = slices.Clone(list)
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
				out[i][c] = list
			}
		}
	}
	return out
}

// number reads a JSON number or {"float": "NaN"}.
func number(v any) (float64, bool) {
	switch x := v.(type) {
	case json.Number:
		f, err := x.Float64()
		return f, err == nil
	case map[string]any:
		f, err := strconv.ParseFloat(fmt.Sprint(x["float"]), 64)
		return f, err == nil
	}
	return 0, false
}

// near compares to a relative tolerance; 0 asks for the same bits, all NaN
// being one.
func near(a, b, tolerance float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	if tolerance == 0 {
		return math.Float64bits(a) == math.Float64bits(b)
	}
	return a == b || math.Abs(a-b) <= tolerance*math.Max(math.Abs(a), math.Abs(b))
}

func instant(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, dateLayout} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// jsonValue turns a value of a vector into what JSON would hold for it.
func jsonValue(v any) any {
	switch x := v.(type) {
	case int64:
		return json.Number(strconv.FormatInt(x, 10))
	case float64:
		return float(x)
	case []byte:
		return string(x)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = jsonValue(x[i])
		}
		return out
	default:
		return v
	}
}
