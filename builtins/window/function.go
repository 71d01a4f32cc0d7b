package window

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

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
	// butterfree profile has them; no name finds them. Each value is the text
	// that Python's str gives of it. ModeText ignores nulls and NaN, ties go to
	// the smallest value; MostFrequentSetText counts nulls as a value, ties go to
	// the value seen first. Integers with a null in the window are doubles.
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
	case FirstNonNull:
		return []string{"first_non_null"}
	case LastNonNull:
		return []string{"last_non_null"}
	case VarPop:
		return []string{"var_pop"}
	case VarSamp:
		return []string{"var_samp", "variance"}
	case Skewness:
		return []string{"skewness"}
	case Kurtosis:
		return []string{"kurtosis"}
	case CollectList:
		return []string{"collect_list"}
	case CollectSet:
		return []string{"collect_set"}
	case CountDistinct:
		return []string{"count_distinct", "countDistinct"}
	case SumDistinct:
		return []string{"sum_distinct", "sumDistinct"}
	case ApproxCountDistinct:
		return []string{"approx_count_distinct"}
	case Mode, ModeText:
		return []string{"mode"}
	case MostFrequentSet, MostFrequentSetText:
		return []string{"most_frequent_set"}
	case Median:
		return []string{"median"}
	case Percentile:
		return []string{"percentile"}
	case TopK:
		return []string{"top_k"}
	case BottomK:
		return []string{"bottom_k"}
	case FirstK:
		return []string{"first_k"}
	case LastK:
		return []string{"last_k"}
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

// Functions lists all functions that have a name of their own: all but
// ModeText and MostFrequentSetText.
func Functions() []Function {
	var all []Function
	for f := Count; f < ModeText; f++ {
		all = append(all, f)
	}
	return all
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
