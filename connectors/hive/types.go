package hive

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// TypeOf gives Hive's name of a type (S-401). Hive has one type for instants
// and for times without a zone.
func TypeOf(t arrow.DataType) (string, error) {
	switch x := t.(type) {
	case *arrow.TimestampType:
		if x.Unit == arrow.Microsecond {
			return "timestamp", nil
		}
	case *arrow.Date32Type:
		return "date", nil
	case *arrow.BooleanType:
		return "boolean", nil
	case *arrow.Int32Type:
		return "int", nil
	case *arrow.Int64Type:
		return "bigint", nil
	case *arrow.Float32Type:
		return "float", nil
	case *arrow.Float64Type:
		return "double", nil
	case *arrow.StringType:
		return "string", nil
	case *arrow.BinaryType:
		return "binary", nil
	case *arrow.Decimal128Type:
		if x.Precision >= 1 && x.Precision <= 38 && x.Scale >= 0 && x.Scale <= x.Precision {
			return fmt.Sprintf("decimal(%d,%d)", x.Precision, x.Scale), nil
		}
	case *arrow.ListType:
		e, err := TypeOf(x.Elem())
		if err == nil {
			return "array<" + e + ">", nil
		}
	}
	return "", fault.New(BadType, "type %s has no type of Hive", schema.TypeName(t))
}

// ArrowOf gives the type in which values of a Hive type enter a pipeline; ok is
// false when there is none. A timestamp of Hive is taken for an instant in UTC.
func ArrowOf(hive string) (t arrow.DataType, ok bool) {
	hive = strings.ToLower(strings.TrimSpace(hive))
	if inner, is := strings.CutPrefix(hive, "array<"); is {
		if !strings.HasSuffix(inner, ">") {
			return nil, false
		}
		e, ok := ArrowOf(inner[:len(inner)-1])
		if !ok || e.ID() == arrow.LIST {
			return nil, false
		}
		return arrow.ListOf(e), true
	}
	name, rest, more := strings.Cut(hive, "(")
	args := strings.Split(strings.TrimSuffix(rest, ")"), ",")
	if more && !strings.HasSuffix(rest, ")") {
		return nil, false
	}
	switch name = strings.TrimSpace(name); name {
	case "varchar", "char":
		return arrow.BinaryTypes.String, true
	case "decimal", "numeric", "dec":
		d := &arrow.Decimal128Type{Precision: 10}
		if more {
			p, err := strconv.Atoi(strings.TrimSpace(args[0]))
			if err != nil || p < 1 || p > 38 || len(args) > 2 {
				return nil, false
			}
			d.Precision = int32(p)
			if len(args) == 2 {
				s, err := strconv.Atoi(strings.TrimSpace(args[1]))
				if err != nil || s < 0 || s > p {
					return nil, false
				}
				d.Scale = int32(s)
			}
		}
		return d, true
	}
	if more {
		return nil, false
	}
	switch name {
	case "timestamp", "timestamp with local time zone":
		return schema.Timestamp(), true
	case "date":
		return arrow.FixedWidthTypes.Date32, true
	case "boolean":
		return arrow.FixedWidthTypes.Boolean, true
	case "tinyint", "smallint", "int", "integer":
		return arrow.PrimitiveTypes.Int32, true
	case "bigint":
		return arrow.PrimitiveTypes.Int64, true
	case "float":
		return arrow.PrimitiveTypes.Float32, true
	case "double", "double precision":
		return arrow.PrimitiveTypes.Float64, true
	case "string":
		return arrow.BinaryTypes.String, true
	case "binary":
		return arrow.BinaryTypes.Binary, true
	}
	return nil, false
}

// sameType compares names of types as Hive writes them.
func sameType(a, b string) bool {
	plain := func(s string) string {
		s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
		if s == "integer" {
			return "int"
		}
		return s
	}
	return plain(a) == plain(b)
}
