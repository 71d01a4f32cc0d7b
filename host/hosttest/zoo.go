package hosttest

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/flow"
)

// ZooTypes are the types that the plugin SDKs read and write, by the names of
// manifests.
func ZooTypes() []string {
	return []string{
		"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "utf8", "binary", "date32",
		"timestamp[s]", "timestamp[ms,UTC]", "timestamp[us,UTC]", "timestamp[ns]",
	}
}

// Zoo makes n rows of all types; nulls is the share of nulls in tenths.
func Zoo(t testing.TB, n, nulls int) flow.Batch {
	t.Helper()
	names := ZooTypes()
	fields := make([]arrow.Field, len(names))
	for i, name := range names {
		typ, err := cdata.TypeOf(name)
		if err != nil {
			t.Fatal(err)
		}
		fields[i] = arrow.Field{Name: string(rune('a' + i)), Type: typ, Nullable: true}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	r := rand.New(rand.NewPCG(3, uint64(n)))
	for range n {
		for _, f := range b.Fields() {
			if r.IntN(10) < nulls {
				f.AppendNull()
				continue
			}
			switch x := f.(type) {
			case *array.BooleanBuilder:
				x.Append(r.IntN(2) == 0)
			case *array.StringBuilder:
				x.Append(strings.Repeat("ü", r.IntN(20)))
			case *array.BinaryBuilder:
				x.Append([]byte{byte(r.IntN(256)), 0}[:r.IntN(3)])
			case *array.Float64Builder:
				x.Append(r.NormFloat64())
			case *array.Float32Builder:
				x.Append(float32(r.NormFloat64()))
			case *array.Date32Builder:
				x.Append(arrow.Date32(r.Int32()))
			case *array.TimestampBuilder:
				x.Append(arrow.Timestamp(r.Int64()))
			default:
				if err := f.AppendValueFromString(strconv.Itoa(r.IntN(128))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return flow.Batch{Record: b.NewRecordBatch()}
}
