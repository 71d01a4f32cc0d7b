//go:build duckdb_arrow

package sql

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// hiveNull is how Hive writes a null in a path.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// hiveColumn is a column that the folders of the paths hold.
type hiveColumn struct {
	name  string
	whole bool // every value is a whole number of 64 bits
}

func (h hiveColumn) field() arrow.Field {
	if h.whole {
		return arrow.Field{Name: h.name, Type: arrow.PrimitiveTypes.Int64, Nullable: true}
	}
	return arrow.Field{Name: h.name, Type: arrow.BinaryTypes.String, Nullable: true}
}

// hiveColumns finds the key=value folders of paths, in the order of the first
// path.
func hiveColumns(paths []string) []hiveColumn {
	var out []hiveColumn
	at := map[string]int{}
	for _, p := range paths {
		parts := strings.Split(filepath.ToSlash(filepath.Dir(p)), "/")
		for _, part := range parts {
			key, value, ok := strings.Cut(part, "=")
			if !ok || key == "" {
				continue
			}
			i, known := at[key]
			if !known {
				i = len(out)
				at[key] = i
				out = append(out, hiveColumn{name: key, whole: true})
			}
			if value == hiveNull {
				continue
			}
			if v, err := url.PathUnescape(value); err == nil {
				value = v
			}
			if _, err := strconv.ParseInt(value, 10, 64); err != nil || value[0] == '+' {
				out[i].whole = false
			}
		}
	}
	return out
}

// hiveOptions are the arguments of a reading function for hive columns.
func hiveOptions(columns []hiveColumn) string {
	if len(columns) == 0 {
		return ", hive_partitioning=false"
	}
	types := make([]string, len(columns))
	for i, h := range columns {
		t := "VARCHAR"
		if h.whole {
			t = "BIGINT"
		}
		types[i] = quoteText(h.name) + ": " + t
	}
	return ", hive_partitioning=true, hive_types={" + strings.Join(types, ", ") + "}"
}
