package featureset

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// The functions that compute one value from one value (S-704). Null gives null.
//
// Numbers enter the functions of real numbers as doubles. Where a function has
// no value there are two answers, as in Spark: a logarithm of what is not above
// its domain is null, anything else NaN. Cases of letters are Unicode's simple
// ones; characters are code points; trim takes spaces away, U+0020 alone.

// realFunction gives a function of real numbers, and the greatest argument for
// which it is null.
func realFunction(name string) (f func(float64) float64, nullUpTo float64) {
	none := math.Inf(-1) // only -inf is as low
	switch name {
	case "cos":
		f = math.Cos
	case "sin":
		f = math.Sin
	case "tan":
		f = math.Tan
	case "acos":
		f = math.Acos
	case "asin":
		f = math.Asin
	case "atan":
		f = math.Atan
	case "cosh":
		f = math.Cosh
	case "sinh":
		f = math.Sinh
	case "tanh":
		f = math.Tanh
	case "exp":
		f = math.Exp
	case "expm1":
		f = math.Expm1
	case "sqrt":
		f = math.Sqrt
	case "cbrt":
		f = math.Cbrt
	case "degrees":
		f = func(v float64) float64 { return v * (180 / math.Pi) }
	case "radians":
		f = func(v float64) float64 { return v * (math.Pi / 180) }
	case "signum", "sign":
		f = func(v float64) float64 {
			switch {
			case v > 0:
				return 1
			case v < 0:
				return -1
			}
			return v
		}
	case "log", "ln":
		return math.Log, 0
	case "log10":
		return math.Log10, 0
	case "log2":
		return math.Log2, 0
	case "log1p":
		return math.Log1p, -1
	}
	return f, none
}

// scalarNames lists the functions by the names they are found by.
func scalarNames() []string {
	return []string{"abs", "upper", "lower", "length", "trim", "ltrim", "rtrim", "reverse", "ceil", "floor", "round",
		"cos", "sin", "tan", "acos", "asin", "atan", "cosh", "sinh", "tanh", "exp", "expm1", "sqrt", "cbrt",
		"degrees", "radians", "signum", "sign", "log", "ln", "log10", "log2", "log1p"}
}

// isScalar tells whether a function computes one value from one value; case
// does not matter.
func isScalar(name string) bool {
	for _, n := range scalarNames() {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// compileFunctions adds a feature of functions without a window: a column for
// each, named {feature}__{function}.
func (s *Set) compileFunctions(sc *scope, f config.Feature, path string) ([]column, error) {
	in, err := sc.resolve(source(f), sourcePlace(f, path))
	if err != nil {
		return nil, err
	}
	var cols []column
	for n, fn := range f.Function {
		place := functionPlace(path, n)
		name := f.Name + "__" + fn.Name
		at, err := s.compileFunction(sc, in, f, fn, name, place)
		if err != nil {
			return nil, err
		}
		if at, err = s.declare(sc, at, fn.Type, name, place); err != nil {
			return nil, err
		}
		cols = append(cols, column{name, at})
	}
	for _, c := range cols {
		sc.define(c.name, c.at)
	}
	return cols, nil
}

// compileFunction adds one function of the column at slot in.
func (s *Set) compileFunction(sc *scope, in int, f config.Feature, fn config.Function, name, place string) (int, error) {
	typ := sc.slots[in].typ
	refuse := func(expected string) (int, error) {
		return 0, fault.New(BadFunction, "%s of a column of type %s: expected %s", fn.Name, schema.TypeName(typ), expected).At("%s", place).
			WithHint("cast it in [query], or by a feature before this one")
	}
	st := scalarStep{name: name, source: source(f), from: in, overflowNull: f.OnOverflow == "null"}
	out := typ
	lower := strings.ToLower(fn.Name)
	switch lower {
	case "upper", "lower", "trim", "ltrim", "rtrim", "reverse":
		if typ.ID() != arrow.STRING {
			return refuse("string")
		}
		st.kernel = textKernel(lower)
	case "length":
		switch typ.ID() {
		case arrow.STRING:
			st.kernel = characters
		case arrow.BINARY:
			st.kernel = octets
		default:
			return refuse("string or binary")
		}
		out = arrow.PrimitiveTypes.Int64
	case "abs":
		if st.kernel = absolute(typ); st.kernel == nil {
			return refuse("numbers")
		}
	case "ceil", "floor", "round":
		switch typ.ID() {
		case arrow.INT32, arrow.INT64:
			return in, nil
		case arrow.FLOAT32, arrow.FLOAT64:
			st.kernel = rounded(lower)
		case arrow.DECIMAL128:
			d := typ.(*arrow.Decimal128Type)
			if d.Scale <= 0 {
				return in, nil
			}
			to := &arrow.Decimal128Type{Precision: min(38, d.Precision-d.Scale+1)}
			out, st.kernel = to, wholeDecimal(lower, d.Scale, to)
		default:
			return refuse("numbers")
		}
	default:
		f, nullUpTo := realFunction(lower)
		if f == nil {
			return 0, unknownScalar(fn.Name, place)
		}
		switch typ.ID() {
		case arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128:
		default:
			return refuse("numbers")
		}
		out = arrow.PrimitiveTypes.Float64
		at, err := sc.convert(in, out, s.rules(), name, place)
		if err != nil {
			return 0, err
		}
		st.from, st.kernel = at, realKernel(f, nullUpTo)
	}
	st.to = sc.add(slot{typ: out})
	sc.do(st, []int{st.from}, st.to)
	return st.to, nil
}

func unknownScalar(name, place string) error {
	if _, ok := window.FunctionByName(name); ok {
		return fault.New(BadFunction, "%s is a function of many rows", name).At("%s", place).
			WithHint(`add the rows it is of, as in window = { fixed = ["7 days"] }, or make it an aggregate of a set of its own`)
	}
	e := fault.New(BadFunction, "unknown function %q", name).At("%s", place)
	if near := fault.Suggest(name, scalarNames()); near != "" {
		return e.WithHint("did you mean %q?", near)
	}
	return e.WithHint("the functions are %s", strings.Join(scalarNames(), ", "))
}

// scalarStep computes a function of one column.
type scalarStep struct {
	kernel       scalarKernel
	name, source string
	from, to     int
	overflowNull bool
}

func (s scalarStep) run(_ context.Context, f *frame) error {
	out, bad := s.kernel(f.mem, f.slots[s.from], s.overflowNull)
	f.slots[s.to] = out
	if bad < 0 {
		return nil
	}
	e := fault.New(Overflow, "feature %q of %s in column %q does not fit its type", s.name, f.slots[s.from].ValueStr(bad), s.source).
		WithHint(`cast the column to double before, or set on_overflow = "null"`)
	if at := f.position; at.Object != "" {
		at.Row += int64(bad)
		e.Place = fmt.Sprint(at)
	}
	return e
}
