//go:build !wasip1

package sdk

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unsafe"
)

// Run runs the plugin outside a host: it decodes config, hands rows over as
// one batch, and gives the output columns and rows. A row holds a value for
// each column of in: nil, bool, any number, string or []byte. Package sdktest
// is the comfortable way to it.
func (p *Plugin) Run(config []byte, in []Field, rows [][]any) (columns []Field, out [][]any, err error) {
	cols := make([]column, len(in))
	for c, f := range in {
		if cols[c], err = columnOf(f, c, rows); err != nil {
			return nil, nil, err
		}
	}
	if err := p.open(config, in); err != nil {
		return nil, nil, err
	}
	if err := p.process(Batch{rows: len(rows), cols: cols}); err != nil {
		return nil, nil, err
	}
	return p.out.Fields(), p.out.made(), nil
}

// KeyedRows is what a keyed plugin made: rows of each batch, then of the flush.
type KeyedRows struct {
	Columns      []Field
	Batches      [][][]any
	FlushColumns []Field
	Flushed      [][]any
}

// RunKeyed is Run for a keyed plugin: it hands over batches, then flushes.
func (p *Plugin) RunKeyed(config []byte, in []Field, batches ...[][]any) (got KeyedRows, err error) {
	if !p.keyed {
		return got, errors.New("the plugin is not keyed")
	}
	if err := p.open(config, in); err != nil {
		return got, err
	}
	got.Columns, got.FlushColumns = p.out.Fields(), p.flushed.Fields()
	most := 1 << 16
	for _, rows := range batches {
		cols := make([]column, len(in))
		for c, f := range in {
			if cols[c], err = columnOf(f, c, rows); err != nil {
				return got, err
			}
		}
		if err := p.process(Batch{rows: len(rows), cols: cols}); err != nil {
			return got, err
		}
		got.Batches = append(got.Batches, p.out.made())
		most += 4 * len(rows)
	}
	for {
		if err := p.end(); err != nil || p.flushed.rows == 0 {
			return got, err
		}
		got.Flushed = append(got.Flushed, p.flushed.made()...)
		if len(got.Flushed) > most {
			return got, fmt.Errorf("the flush has made %d rows and does not end", len(got.Flushed))
		}
	}
}

// made gives the rows of a builder.
func (b *Builder) made() (out [][]any) {
	made := Batch{rows: b.rows}
	for _, c := range b.cols {
		made.cols = append(made.cols, c.view())
	}
	for i := range b.rows {
		row := make([]any, len(made.cols))
		for c, f := range made.cols {
			row[c] = made.value(f, i)
		}
		out = append(out, row)
	}
	return out
}

// columnOf makes a column of the values of all rows at place at.
func columnOf(f Field, at int, rows [][]any) (column, error) {
	b, err := newBuilder([]Field{{f.Name, f.Type, true}})
	if err != nil {
		return column{}, err
	}
	b.reset(len(rows))
	for i, r := range rows {
		if len(r) <= at {
			return column{}, fmt.Errorf("row %d has %d values, column %q is number %d", i, len(r), f.Name, at)
		}
		if err := b.put(i, r[at]); err != nil {
			return column{}, fmt.Errorf("row %d, column %q: %w", i, f.Name, err)
		}
	}
	c := b.cols[0].view()
	c.Nullable = f.Nullable
	return c, nil
}

// view reads an output column as if it were input.
func (c *outColumn) view() column {
	v := column{Field: c.Field, width: c.width, data: unsafe.Pointer(unsafe.SliceData(c.data)), offsets: c.offsets}
	if c.nulls > 0 {
		v.valid = c.valid
	}
	return v
}

// put gives row i of the only column a value.
func (b *Builder) put(i int, v any) error {
	c := b.cols[0]
	switch {
	case c.width < 0:
		t := OutTexts{c, b.rows}
		switch x := v.(type) {
		case nil:
			t.AppendNull()
		case string:
			t.Append(x)
		case []byte:
			t.AppendBytes(x)
		default:
			return errors.New("want a text or bytes")
		}
		return nil
	case v == nil:
		c.setNull(i, b.rows)
		return nil
	case c.width == 0:
		x, ok := v.(bool)
		if !ok {
			return errors.New("want a bool")
		}
		OutBools{c.data, c, b.rows}.Set(i, x)
		return nil
	}
	cell := reflect.NewAt(goType(c.Type), unsafe.Pointer(&c.data[i*c.width])).Elem()
	x := reflect.ValueOf(v)
	if !x.CanConvert(cell.Type()) || x.Kind() == reflect.String {
		return fmt.Errorf("%v is no %s", v, c.Type)
	}
	y := x.Convert(cell.Type())
	if cell.Kind() != reflect.Float32 && fmt.Sprint(y) != fmt.Sprint(v) {
		if f, ok := v.(float64); !ok || y.Convert(x.Type()).Float() != f && !math.IsNaN(f) {
			return fmt.Errorf("%v does not fit %s", v, c.Type)
		}
	}
	cell.Set(y)
	return nil
}

func (b Batch) value(c column, i int) any {
	if (Nulls{c.valid, 0}).IsNull(i) {
		return nil
	}
	switch c.width {
	case 0:
		return b.Bool(c.Name).Value(i)
	case -1:
		if c.Type == "utf8" {
			return string(b.String(c.Name).Bytes(i))
		}
		return append([]byte{}, b.Binary(c.Name).Bytes(i)...)
	}
	return reflect.NewAt(goType(c.Type), unsafe.Add(c.data, i*c.width)).Elem().Interface()
}

// goType is the Go type of a column's values.
func goType(name string) reflect.Type {
	types := map[string]any{"int8": int8(0), "int16": int16(0), "int32": int32(0), "int64": int64(0),
		"uint8": uint8(0), "uint16": uint16(0), "uint32": uint32(0), "uint64": uint64(0),
		"float32": float32(0), "float64": float64(0), "date32": int32(0), "timestamp": int64(0)}
	v, ok := types[family(name)]
	if !ok {
		panic("sdk: no Go type for " + strconv.Quote(name))
	}
	return reflect.TypeOf(v)
}
