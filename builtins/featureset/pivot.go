package featureset

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

const pivotColumnPlace = "feature_set.pivot.column"

func pivotValuePlace(i int) string { return fmt.Sprintf("feature_set.pivot.values[%d]", i) }

// typedValues gives the values of a pivot as a column of type to. A value that
// the type cannot hold exactly is refused: it could equal nothing.
func typedValues(p *config.Pivot, to arrow.DataType) (arrow.Array, error) {
	mem := memory.DefaultAllocator
	parts := make([]arrow.Array, 0, len(p.Values))
	defer func() {
		for _, a := range parts {
			a.Release()
		}
	}()
	for i, v := range p.Values {
		a := typedValue(v, to)
		if a == nil {
			e := fault.New(BadPivot, "%s is no value of column %q, which is %s", shown(v), p.Column, schema.TypeName(to)).
				At("%s", pivotValuePlace(i))
			switch to.ID() {
			case arrow.STRING, arrow.BINARY, arrow.DATE32, arrow.TIMESTAMP:
				return nil, e.WithHint(`write it as a text, as in "a" or "2026-01-31"`)
			case arrow.BOOL:
				return nil, e.WithHint("write true or false")
			case arrow.LIST, arrow.STRUCT:
				return nil, e.WithHint("pivot by a column of single values")
			}
			return nil, e.WithHint("write a number that the type can hold")
		}
		parts = append(parts, a)
	}
	return array.Concatenate(parts, mem)
}

func shown(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

// typedValue gives v as a column of one row of type to; nil when it cannot be.
func typedValue(v any, to arrow.DataType) arrow.Array {
	from, text := arrow.DataType(arrow.BinaryTypes.String), fmt.Sprint(v)
	switch to.ID() {
	case arrow.STRING, arrow.BINARY, arrow.DATE32, arrow.TIMESTAMP:
		if _, ok := v.(string); !ok {
			return nil
		}
	case arrow.BOOL:
		if _, ok := v.(bool); !ok {
			return nil
		}
	case arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128:
		switch v.(type) {
		case int64:
			from = arrow.PrimitiveTypes.Int64
		case float64:
			from = arrow.PrimitiveTypes.Float64
		default:
			return nil
		}
	default:
		return nil
	}
	one := convert(oneValue(from, v, text), to)
	if one == nil || one.IsNull(0) {
		return nil
	}
	// What cannot come back is not the same value; a float may be rounded to
	// float32, as the column's values were.
	if from.ID() != arrow.STRING && !(from.ID() == arrow.FLOAT64 && to.ID() == arrow.FLOAT32) {
		one.Retain()
		back := convert(one, from)
		defer back.Release()
		again := oneValue(from, v, text)
		defer again.Release()
		if !array.Equal(back, again) {
			one.Release()
			return nil
		}
	}
	return one
}

func oneValue(typ arrow.DataType, v any, text string) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, typ)
	defer b.Release()
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Float64Builder:
		b.Append(canonical(v.(float64)))
	case *array.StringBuilder:
		b.Append(text)
	}
	return b.NewArray()
}

// convert casts a and releases it; nil when the pair of types has no cast.
func convert(a arrow.Array, to arrow.DataType) arrow.Array {
	defer a.Release()
	c, err := cast.New(a.DataType(), to, cast.Rules{})
	if err != nil {
		return nil
	}
	out, _ := c.Apply(memory.DefaultAllocator, a)
	return out
}

// finder gives, for rows of a column, the number of the pivot value that each
// holds, -1 for none.
type finder func(a arrow.Array, into []int32)

// newFinder compares by value equality (S-305) with values, which must all
// differ.
func newFinder(values arrow.Array) (finder, error) {
	switch x := values.(type) {
	case *array.String:
		return finderOf(texts(x), texts)
	case *array.Binary:
		return finderOf(binaries(x), binaries)
	case *array.Boolean:
		return finderOf(flags(x), flags)
	case *array.Int32:
		return finderOf(x.Int32Values(), func(a arrow.Array) []int32 { return a.(*array.Int32).Int32Values() })
	case *array.Int64:
		return finderOf(x.Int64Values(), func(a arrow.Array) []int64 { return a.(*array.Int64).Int64Values() })
	case *array.Float32:
		return finderOf(x.Float32Values(), func(a arrow.Array) []float32 { return a.(*array.Float32).Float32Values() })
	case *array.Float64:
		return finderOf(x.Float64Values(), func(a arrow.Array) []float64 { return a.(*array.Float64).Float64Values() })
	case *array.Date32:
		return finderOf(x.Date32Values(), func(a arrow.Array) []arrow.Date32 { return a.(*array.Date32).Date32Values() })
	case *array.Timestamp:
		return finderOf(x.TimestampValues(), func(a arrow.Array) []arrow.Timestamp { return a.(*array.Timestamp).TimestampValues() })
	default: // typedValues lets no other type pass
		return finderOf(x.(*array.Decimal128).Values(), func(a arrow.Array) []decimal128.Num { return a.(*array.Decimal128).Values() })
	}
}

func texts(a arrow.Array) []string {
	x := a.(*array.String)
	out := make([]string, x.Len())
	for i := range out {
		out[i] = x.Value(i)
	}
	return out
}

func binaries(a arrow.Array) []string {
	x := a.(*array.Binary)
	out := make([]string, x.Len())
	for i := range out {
		out[i] = x.ValueString(i)
	}
	return out
}

func flags(a arrow.Array) []bool {
	x := a.(*array.Boolean)
	out := make([]bool, x.Len())
	for i := range out {
		out[i] = x.Value(i)
	}
	return out
}

// few is up to how many values a search through all of them beats a map.
const few = 6

// finderOf finds among values those that rows gives of a column. What rows
// gives for nulls does not matter.
func finderOf[T comparable](values []T, rows func(arrow.Array) []T) (finder, error) {
	list, numbers := slices.Clone(values), make(map[T]int32, len(values))
	for i, v := range list {
		if before, taken := numbers[v]; taken {
			return nil, fault.New(BadPivot, "it is the same value as the one numbered %d", before+1).At("%s", pivotValuePlace(i)).WithHint("remove one")
		}
		numbers[v] = int32(i)
	}
	return func(a arrow.Array, into []int32) {
		for i, v := range rows(a) {
			into[i] = -1
			if len(list) > few {
				if k, ok := numbers[v]; ok {
					into[i] = k
				}
				continue
			}
			for k := range list {
				if list[k] == v {
					into[i] = int32(k)
					break
				}
			}
		}
		if a.NullN() > 0 {
			for i := range into {
				if a.IsNull(i) {
					into[i] = -1
				}
			}
		}
	}, nil
}
