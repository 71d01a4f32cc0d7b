//go:build duckdb_arrow

package sql

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/featurehost/featurehost/abi/schema"
)

// duckType is a DuckDB type as far as this room tells types apart.
type duckType struct {
	id           mapping.Type
	alias        string // "JSON" for texts that are JSON
	width, scale uint8  // of a decimal
	elem         *duckType
}

func duckTypeOf(t mapping.LogicalType) duckType {
	d := duckType{id: mapping.GetTypeId(t), alias: mapping.LogicalTypeGetAlias(t)}
	switch d.id {
	case mapping.TypeDecimal:
		d.width, d.scale = mapping.DecimalWidth(t), mapping.DecimalScale(t)
	case mapping.TypeList, mapping.TypeArray:
		var child mapping.LogicalType
		if d.id == mapping.TypeList {
			child = mapping.ListTypeChildType(t)
		} else {
			child = mapping.ArrayTypeChildType(t)
		}
		elem := duckTypeOf(child)
		mapping.DestroyLogicalType(&child)
		d.elem = &elem
	}
	return d
}

// image says how a DuckDB type looks outside.
type image struct {
	arrow arrow.DataType
	sql   string // the DuckDB type that has exactly this image
	cast  bool   // whether values must be cast to it first
}

// imageOf gives the featurehost type of a DuckDB type. Whole numbers keep
// their value (narrow ones widen, those above 64 bits become decimals), texts
// of any kind become strings, times microseconds. zoned says what to make of
// times without a zone.
func imageOf(t duckType, naive arrow.DataType) (image, error) {
	keep := func(a arrow.DataType, sql string) (image, error) { return image{a, sql, false}, nil }
	cast := func(a arrow.DataType, sql string) (image, error) { return image{a, sql, true}, nil }
	switch t.id {
	case mapping.TypeBoolean:
		return keep(arrow.FixedWidthTypes.Boolean, "BOOLEAN")
	case mapping.TypeInteger:
		return keep(arrow.PrimitiveTypes.Int32, "INTEGER")
	case mapping.TypeTinyInt, mapping.TypeSmallInt, mapping.TypeUTinyInt, mapping.TypeUSmallInt, mapping.TypeSQLNull:
		return cast(arrow.PrimitiveTypes.Int32, "INTEGER")
	case mapping.TypeBigInt:
		return keep(arrow.PrimitiveTypes.Int64, "BIGINT")
	case mapping.TypeUInteger:
		return cast(arrow.PrimitiveTypes.Int64, "BIGINT")
	case mapping.TypeUBigInt:
		return cast(&arrow.Decimal128Type{Precision: 20}, "DECIMAL(20,0)")
	case mapping.TypeHugeInt:
		return cast(&arrow.Decimal128Type{Precision: 38}, "DECIMAL(38,0)")
	case mapping.TypeFloat:
		return keep(arrow.PrimitiveTypes.Float32, "FLOAT")
	case mapping.TypeDouble:
		return keep(arrow.PrimitiveTypes.Float64, "DOUBLE")
	case mapping.TypeDecimal:
		return keep(&arrow.Decimal128Type{Precision: int32(t.width), Scale: int32(t.scale)},
			fmt.Sprintf("DECIMAL(%d,%d)", t.width, t.scale))
	case mapping.TypeVarchar:
		return image{arrow.BinaryTypes.String, "VARCHAR", t.alias != ""}, nil
	case mapping.TypeEnum, mapping.TypeUUID:
		return cast(arrow.BinaryTypes.String, "VARCHAR")
	case mapping.TypeBlob:
		return keep(arrow.BinaryTypes.Binary, "BLOB")
	case mapping.TypeDate:
		return keep(arrow.FixedWidthTypes.Date32, "DATE")
	case mapping.TypeTimestamp:
		return keep(naive, "TIMESTAMP")
	case mapping.TypeTimestampS, mapping.TypeTimestampMS, mapping.TypeTimestampNS:
		return cast(naive, "TIMESTAMP")
	case mapping.TypeTimestampTZ:
		return keep(schema.Timestamp(), "TIMESTAMPTZ")
	case mapping.TypeList, mapping.TypeArray:
		elem, err := imageOf(*t.elem, naive)
		if err != nil || t.elem.id == mapping.TypeList || t.elem.id == mapping.TypeArray {
			return image{}, fmt.Errorf("a list of such values")
		}
		return image{arrow.ListOf(elem.arrow), elem.sql + "[]", elem.cast || t.id == mapping.TypeArray}, nil
	case mapping.TypeStruct:
		return image{}, fmt.Errorf("a struct: take one of its fields, or to_json of it")
	case mapping.TypeMap:
		return image{}, fmt.Errorf("a map: take one of its values, or to_json of it")
	case mapping.TypeInterval:
		return image{}, fmt.Errorf("an interval: take epoch(...) of it, which gives seconds")
	case mapping.TypeTime, mapping.TypeTimeTZ:
		return image{}, fmt.Errorf("a time of day: cast it to varchar, or take epoch(...) of it")
	}
	return image{}, fmt.Errorf("of a kind that no column can have: cast it")
}

// duckName gives the DuckDB type in which values of an Arrow type are read
// from text.
func duckName(t arrow.DataType) (string, error) {
	switch x := t.(type) {
	case *arrow.BooleanType:
		return "BOOLEAN", nil
	case *arrow.Int32Type:
		return "INTEGER", nil
	case *arrow.Int64Type:
		return "BIGINT", nil
	case *arrow.Float32Type:
		return "FLOAT", nil
	case *arrow.Float64Type:
		return "DOUBLE", nil
	case *arrow.StringType:
		return "VARCHAR", nil
	case *arrow.BinaryType:
		return "BLOB", nil
	case *arrow.Date32Type:
		return "DATE", nil
	case *arrow.Decimal128Type:
		return fmt.Sprintf("DECIMAL(%d,%d)", x.Precision, x.Scale), nil
	case *arrow.TimestampType:
		if x.TimeZone == "" {
			return "TIMESTAMP", nil
		}
		return "TIMESTAMPTZ", nil
	case *arrow.ListType:
		elem, err := duckName(x.Elem())
		return elem + "[]", err
	}
	return "", fmt.Errorf("type %s cannot be read from text", schema.TypeName(t))
}
