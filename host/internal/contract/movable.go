package contract

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/flow"
)

// movable tells whether the host can give some rows of a column: the library
// has no way for views, unions, runs and a few others.
func movable(t flow.DataType) bool {
	switch x := t.(type) {
	case *arrow.StructType:
		for _, f := range x.Fields() {
			if !movable(f.Type) {
				return false
			}
		}
		return true
	case *arrow.DictionaryType:
		return movable(x.ValueType)
	case *arrow.ListType:
		return movable(x.Elem())
	case *arrow.LargeListType:
		return movable(x.Elem())
	case *arrow.FixedSizeListType:
		return movable(x.Elem())
	case *arrow.MapType:
		return movable(x.Elem())
	case arrow.ExtensionType:
		return movable(x.StorageType())
	case *arrow.NullType, *arrow.StringType, *arrow.BinaryType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		return true
	case *arrow.MonthDayNanoIntervalType, *arrow.Decimal32Type, *arrow.Decimal64Type:
		return false
	}
	_, fixed := t.(arrow.FixedWidthDataType)
	return fixed
}

// bindMoved refuses columns of which a plugin that chooses rows could not be
// given the rows it chose: better now than in the first batch.
func (b *Binding) bindMoved(kind abi.Kind) error {
	if kind == abi.Map {
		return nil
	}
	for _, f := range b.In.Fields() {
		if !movable(f.Type) {
			return Refusal(abi.CodeInputSchema, "column %q is of type %s, of which a %s plugin cannot choose rows", f.Name, typeName(f.Type), kind).
				WithHint("cast it before, as in [query], or leave it out there")
		}
	}
	return nil
}
