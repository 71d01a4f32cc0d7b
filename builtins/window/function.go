package window

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Function is an aggregate function of docs/semantics.md, 9.4.
type Function int

// The functions.
const (
	Count Function = iota + 1
	Sum
	Avg
	Min
	Max
	First
	Last
	StddevPop
	StddevSamp
	FirstNonNull
	LastNonNull
	VarPop
	VarSamp
	Skewness
	Kurtosis
	CollectList
	CollectSet
	CountDistinct
	SumDistinct
	ApproxCountDistinct
	Mode
	MostFrequentSet
	Median
	Percentile
	TopK
	BottomK
	FirstK
	LastK
	// ModeText and MostFrequentSetText are mode and most_frequent_set as the
	// butterfree profile has them. No name finds them.
	ModeText
	MostFrequentSetText
)

// names lists what each function may be called, its own name first.
func (f Function) names() []string {
	switch f {
	case Count:
		return []string{"count"}
	case Sum:
		return []string{"sum"}
	case Avg:
		return []string{"avg", "mean"}
	case Min:
		return []string{"min"}
	case Max:
		return []string{"max"}
	case First:
		return []string{"first"}
	case Last:
		return []string{"last"}
	case StddevPop:
		return []string{"stddev_pop"}
	case StddevSamp:
		return []string{"stddev_samp", "stddev", "std"}
	}
	return nil
}

// String gives the function's own name.
func (f Function) String() string {
	if n := f.names(); n != nil {
		return n[0]
	}
	return "unknown function"
}

// Functions lists all functions.
func Functions() []Function {
	return []Function{Count, Sum, Avg, Min, Max, First, Last, StddevPop, StddevSamp}
}

// FunctionByName finds a function by a name or alias of it; case does not
// matter.
func FunctionByName(name string) (Function, bool) {
	for _, f := range Functions() {
		for _, n := range f.names() {
			if strings.EqualFold(n, name) {
				return f, true
			}
		}
	}
	return 0, false
}

// ResultType gives the type of f over a column of type in.
func ResultType(f Function, in flow.DataType) (flow.DataType, error) {
	refuse := func(expected string) (flow.DataType, error) {
		return nil, fault.New(BadAggregate, "%s of a %s column: expected %s", f, schema.TypeName(in), expected).
			WithHint("cast it in [query], or, where a text file leaves the type open, declare it in the schema of the reader")
	}
	if kindOf(in) == unusable {
		return refuse("a type that a pipeline file can name")
	}
	d, isDecimal := in.(*arrow.Decimal128Type)
	switch f {
	case Count:
		return arrow.PrimitiveTypes.Int64, nil
	case First, Last:
		return in, nil
	case Min, Max:
		if kindOf(in) == nested {
			return refuse("numbers, texts, binaries, booleans, dates or timestamps")
		}
		return in, nil
	case Sum:
		switch {
		case isDecimal:
			return &arrow.Decimal128Type{Precision: 38, Scale: d.Scale}, nil
		case isInteger(in):
			return arrow.PrimitiveTypes.Int64, nil
		case isFloat(in):
			return arrow.PrimitiveTypes.Float64, nil
		}
		return refuse("numbers")
	case Avg:
		switch {
		case isDecimal && d.Scale > 34:
			return refuse("a scale of at most 34, since an average has four more digits")
		case isDecimal:
			return &arrow.Decimal128Type{Precision: 38, Scale: d.Scale + 4}, nil
		case isInteger(in), isFloat(in):
			return arrow.PrimitiveTypes.Float64, nil
		}
		return refuse("numbers")
	case StddevPop, StddevSamp:
		if isInteger(in) || isFloat(in) {
			return arrow.PrimitiveTypes.Float64, nil
		}
		return refuse("integer, bigint, float or double")
	}
	return nil, fault.New(BadAggregate, "function number %d is unknown", int(f))
}

func isInteger(t flow.DataType) bool { return t.ID() == arrow.INT32 || t.ID() == arrow.INT64 }

func isFloat(t flow.DataType) bool { return t.ID() == arrow.FLOAT32 || t.ID() == arrow.FLOAT64 }

// kind is how values of a type lie in memory.
type kind int

const (
	unusable kind = iota
	four          // int32, date32, float32
	eight         // int64, timestamp, float64
	sixteen       // decimal128
	boolean
	bytes // string, binary
	nested
)

func kindOf(t flow.DataType) kind {
	switch t.ID() {
	case arrow.INT32, arrow.DATE32, arrow.FLOAT32:
		return four
	case arrow.INT64, arrow.TIMESTAMP, arrow.FLOAT64:
		return eight
	case arrow.DECIMAL128:
		return sixteen
	case arrow.BOOL:
		return boolean
	case arrow.STRING, arrow.BINARY:
		return bytes
	case arrow.LIST, arrow.STRUCT:
		return nested
	}
	return unusable
}
