package window

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// ResultType gives the type of f over a column of type in.
func ResultType(f Function, in flow.DataType) (flow.DataType, error) {
	refuse := func(expected string) (flow.DataType, error) {
		return nil, fault.New(BadAggregate, "%s of a column of type %s: expected %s", f, schema.TypeName(in), expected).
			WithHint("cast it in [query], or, where a text file leaves the type open, declare it in the schema of the reader")
	}
	if f.names() == nil {
		return nil, fault.New(BadAggregate, "function number %d is unknown", int(f))
	}
	if kindOf(in) == unusable {
		return refuse("a type that a pipeline file can name")
	}
	d, isDecimal := in.(*arrow.Decimal128Type)
	binary := isInteger(in) || isFloat(in) // numbers that are no decimals
	nested := kindOf(in) == nested
	switch f {
	case Count:
		return arrow.PrimitiveTypes.Int64, nil
	case First, Last, FirstNonNull, LastNonNull:
		return in, nil
	case Min, Max, Mode, CountDistinct, ApproxCountDistinct, CollectList, CollectSet, MostFrequentSet, TopK, BottomK, FirstK, LastK:
		if nested {
			return refuse("numbers, texts, binaries, booleans, dates or timestamps")
		}
		switch f {
		case Min, Max, Mode:
			return in, nil
		case CountDistinct, ApproxCountDistinct:
			return arrow.PrimitiveTypes.Int64, nil
		}
		return arrow.ListOf(in), nil
	case ModeText, MostFrequentSetText:
		if nested || in.ID() == arrow.BINARY {
			return refuse("numbers, texts, booleans, dates or timestamps")
		}
		if f == ModeText {
			return arrow.BinaryTypes.String, nil
		}
		return arrow.ListOf(arrow.BinaryTypes.String), nil
	case Sum, SumDistinct:
		switch {
		case isDecimal:
			return &arrow.Decimal128Type{Precision: 38, Scale: d.Scale}, nil
		case isInteger(in):
			return arrow.PrimitiveTypes.Int64, nil
		case binary:
			return arrow.PrimitiveTypes.Float64, nil
		}
		return refuse("numbers")
	case Avg:
		switch {
		case isDecimal && d.Scale > 34:
			return refuse("a scale of at most 34, since an average has four more digits")
		case isDecimal:
			return &arrow.Decimal128Type{Precision: 38, Scale: d.Scale + 4}, nil
		case binary:
			return arrow.PrimitiveTypes.Float64, nil
		}
		return refuse("numbers")
	default: // StddevPop, StddevSamp, VarPop, VarSamp, Skewness, Kurtosis, Median, Percentile
		if binary {
			return arrow.PrimitiveTypes.Float64, nil
		}
		return refuse("integer, bigint, float or double")
	}
}
