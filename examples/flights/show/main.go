// Command show reads the historical store of the example as any program may:
// Parquet files under year=/month=/day=. It prints some rows of one aircraft,
// and with -svg draws its delays over the year.
//
//	show TABLE TAILNUM ROWS
//	show -svg picture.svg TABLE TAILNUM
package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// row is one row of the table: columns by name.
type row struct {
	when   arrow.Timestamp
	values map[string]string
}

func main() {
	svg := flag.String("svg", "", "draw into this file instead of printing")
	flag.Parse()
	if err := run(*svg, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(svg string, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: show [-svg FILE] TABLE TAILNUM [ROWS]")
	}
	rows, columns, err := load(args[0], args[1])
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("no rows of %s in %s", args[1], args[0])
	}
	if svg != "" {
		return draw(svg, args[1], rows)
	}
	n := 5
	if len(args) > 2 {
		if n, err = strconv.Atoi(args[2]); err != nil {
			return err
		}
	}
	printRows(rows[max(0, len(rows)-n):], columns)
	return nil
}

// load reads the rows of one aircraft, oldest first, and the columns' order.
func load(table, tailnum string) (rows []row, columns []string, err error) {
	err = filepath.WalkDir(table, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		t, err := read(path)
		if err != nil {
			return err
		}
		defer t.Release()
		columns = nil
		for _, f := range t.Schema().Fields() {
			columns = append(columns, f.Name)
		}
		tr := array.NewTableReader(t, t.NumRows())
		defer tr.Release()
		for tr.Next() {
			rec := tr.RecordBatch()
			keys := rec.Column(rec.Schema().FieldIndices("tailnum")[0])
			when := rec.Column(rec.Schema().FieldIndices("timestamp")[0]).(*array.Timestamp)
			for i := range int(rec.NumRows()) {
				if keys.ValueStr(i) != tailnum {
					continue
				}
				r := row{when: when.Value(i), values: map[string]string{}}
				for c, name := range columns {
					r.values[name] = rec.Column(c).ValueStr(i)
				}
				rows = append(rows, r)
			}
		}
		return tr.Err()
	})
	sort.Slice(rows, func(i, j int) bool { return rows[i].when < rows[j].when })
	return rows, columns, err
}

func read(path string) (arrow.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return pqarrow.ReadTable(context.Background(), f, parquet.NewReaderProperties(memory.DefaultAllocator),
		pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
}

func printRows(rows []row, columns []string) {
	for _, c := range columns {
		fmt.Printf("%-52s", c)
		for _, r := range rows {
			fmt.Printf(" %12s", short(r.values[c]))
		}
		fmt.Println()
	}
}

// short keeps a number to six digits, and of an instant what a table needs.
func short(s string) string {
	if s == array.NullValueStr {
		return "null"
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && strings.Contains(s, ".") {
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	return strings.TrimSuffix(s, "T00:00:00Z")
}
