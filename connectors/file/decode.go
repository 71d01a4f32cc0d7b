package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/host/fault"
)

// stored is an open Parquet file.
type stored struct {
	name   string // for messages and positions: the file the user named
	src    source
	text   int64 // bytes of the text file that it was made of
	raw    *pqfile.Reader
	arrow  *pqarrow.FileReader
	fields []storedField
	group  int   // next row group
	first  int64 // row number of its first row
}

// storedField is a column of the file that can be read.
type storedField struct {
	name   string
	stored arrow.DataType
	typ    arrow.DataType // widened
	index  int            // among the file's fields
	leaves []int          // its Parquet columns
}

// guard turns a panic of the decoder, which damaged files can cause, into an
// error.
func guard(name string, err *error) {
	if r := recover(); r != nil {
		*err = fault.New(Corrupt, "the file is damaged: the decoder gave up with %q", fmt.Sprint(r)).At("%s", name)
	}
}

// damaged makes the error of a file that cannot be decoded. Its cause is never
// io.EOF, which would read as the regular end of the rows.
func damaged(err error, format string, args ...any) *fault.Error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fault.Wrap(err, Corrupt, format, args...)
}

// openStored reads the footer of a Parquet file, which it takes over. skipped
// names columns of types that cannot be read.
func openStored(src source, name string, batchRows int) (f *stored, skipped []arrow.Field, err error) {
	f = &stored{name: name, src: src}
	defer func() {
		if err != nil {
			err = cmp.Or(src.trouble(), err)
			f.close()
			f = nil
		}
	}()
	defer guard(name, &err)
	props := parquet.NewReaderProperties(memory.DefaultAllocator)
	props.BufferedStreamEnabled, props.BufferSize = true, 1<<18
	f.raw, err = pqfile.NewParquetReader(f.src, pqfile.WithReadProps(props))
	if err != nil {
		return f, nil, damaged(err, "the file is no Parquet file, or it is damaged").At("%s", name)
	}
	// The Arrow schema that some writers leave beside Parquet's own adds only
	// types that would be widened again, and a damaged one makes its decoder ask
	// for more memory than there is, which nothing recovers from.
	f.raw.MetaData().FileMetaData.KeyValueMetadata = nil
	f.arrow, err = pqarrow.NewFileReader(f.raw, pqarrow.ArrowReadProperties{BatchSize: int64(batchRows)}, memory.DefaultAllocator)
	if err != nil {
		return f, nil, damaged(err, "the schema of the file cannot be read").At("%s", name)
	}
	if err = f.checkCounts(); err != nil {
		return f, nil, err
	}
	skipped, err = f.readFields()
	return f, skipped, err
}

// checkCounts refuses footers that contradict themselves about the number of
// rows, so that a damaged count cannot lose any.
func (f *stored) checkCounts() error {
	meta := f.raw.MetaData()
	total := int64(0)
	for n := range f.raw.NumRowGroups() {
		g := meta.RowGroup(n)
		for i := range g.NumColumns() {
			chunk, err := g.ColumnChunk(i)
			if err != nil {
				return damaged(err, "the footer is damaged").At("%s", f.groupName(n))
			}
			flat := meta.Schema.Column(i).MaxRepetitionLevel() == 0
			if rows := chunk.NumValues(); flat && rows != g.NumRows() || rows < 0 {
				return fault.New(Corrupt, "the footer counts %d rows and %d values of column %q", g.NumRows(), rows, meta.Schema.Column(i).Path()).At("%s", f.groupName(n))
			}
		}
		total += g.NumRows()
	}
	if total != f.raw.NumRows() {
		return fault.New(Corrupt, "the footer counts %d rows, its row groups %d", f.raw.NumRows(), total).At("%s", f.name)
	}
	return nil
}

// readFields lists the columns.
func (f *stored) readFields() (skipped []arrow.Field, err error) {
	seen := map[string]bool{}
	for i := range f.arrow.Manifest.Fields {
		m := &f.arrow.Manifest.Fields[i]
		if seen[m.Field.Name] {
			return nil, fault.New(ColumnsDiffer, "the file has two columns %q", m.Field.Name).At("%s", f.name)
		}
		seen[m.Field.Name] = true
		w, ok := widened(m.Field.Type)
		if !ok {
			skipped = append(skipped, *m.Field)
			continue
		}
		one := storedField{name: m.Field.Name, stored: m.Field.Type, typ: w, index: i}
		collectLeaves(m, &one.leaves)
		f.fields = append(f.fields, one)
	}
	return skipped, nil
}

func collectLeaves(m *pqarrow.SchemaField, out *[]int) {
	if m.IsLeaf() {
		*out = append(*out, m.ColIndex)
	}
	for i := range m.Children {
		collectLeaves(&m.Children[i], out)
	}
}

// field finds a column by name.
func (f *stored) field(name string) *storedField {
	for i := range f.fields {
		if f.fields[i].name == name {
			return &f.fields[i]
		}
	}
	return nil
}

func (f *stored) close() {
	if f.raw != nil {
		f.raw.Close() // closes the file as well
	}
	f.src.Close()
}

// group decodes one row group, batch by batch.
type group struct {
	f       *stored
	number  int
	columns []*storedField
	readers []*pqarrow.ColumnReader
	left    int64
	row     int64 // number of the next row in the file
}

// openGroup starts on row group n.
func (f *stored) openGroup(ctx context.Context, n int, columns []*storedField) (g *group, err error) {
	defer func() {
		if err != nil {
			err = cmp.Or(f.src.trouble(), err)
		}
	}()
	defer guard(f.groupName(n), &err)
	meta := f.raw.MetaData().RowGroup(n)
	g = &group{f: f, number: n, columns: columns, left: meta.NumRows(), row: f.first}
	if g.left < 0 {
		return nil, fault.New(Corrupt, "the footer counts %d rows", g.left).At("%s", f.groupName(n))
	}
	for _, c := range columns {
		leaves := map[int]bool{}
		for _, l := range c.leaves {
			leaves[l] = true
		}
		r, err := f.arrow.GetFieldReader(ctx, c.index, leaves, []int{n})
		if err != nil {
			g.close()
			return nil, damaged(err, "column %q is damaged", c.name).At("%s", f.groupName(n))
		}
		g.readers = append(g.readers, r)
	}
	return g, nil
}

func (f *stored) groupName(n int) string { return fmt.Sprintf("%s, row group %d", f.name, n) }

func (g *group) close() {
	for _, r := range g.readers {
		r.Release()
	}
	g.readers = nil
	if r, ok := g.f.src.(*remote); ok {
		r.drop(g.number)
	}
}

// next decodes up to n rows; the arrays are of the widened types. bad counts,
// by column, times that became null. No rows are left when it gives nil.
func (g *group) next(ctx context.Context, n int) (arrays []arrow.Array, rows int, bad []int64, err error) {
	if int64(n) > g.left {
		n = int(g.left)
	}
	if n == 0 {
		return nil, 0, nil, nil
	}
	defer func() {
		if err != nil {
			for _, a := range arrays {
				a.Release()
			}
			arrays = nil
		}
	}()
	defer func() {
		if err != nil {
			err = cmp.Or(g.f.src.trouble(), err)
		}
	}()
	defer guard(g.f.groupName(g.number), &err)
	bad = make([]int64, len(g.columns))
	for i, r := range g.readers {
		a, lost, err := g.column(ctx, r, n)
		if err != nil {
			return arrays, 0, nil, g.place(err, g.columns[i])
		}
		arrays = append(arrays, a)
		bad[i] = lost
		if a.Len() != n {
			return arrays, 0, nil, fault.New(Corrupt, "column %q ends %d rows early", g.columns[i].name, n-a.Len()).At("%s", g.f.groupName(g.number))
		}
	}
	g.left -= int64(n)
	g.row += int64(n)
	return arrays, n, bad, nil
}

// column decodes n values of a column.
func (g *group) column(ctx context.Context, r *pqarrow.ColumnReader, n int) (arrow.Array, int64, error) {
	data, err := r.NextBatch(int64(n))
	if err != nil {
		return nil, 0, err
	}
	defer data.Release()
	chunks := data.Chunks()
	if len(chunks) == 1 {
		return widen(ctx, chunks[0])
	}
	if len(chunks) == 0 {
		return nil, 0, errors.New("no values are left")
	}
	whole, err := array.Concatenate(chunks, memory.DefaultAllocator)
	if err != nil {
		return nil, 0, err
	}
	defer whole.Release()
	return widen(ctx, whole)
}

// place says where a decoding error is.
func (g *group) place(err error, c *storedField) error {
	var v *badValue
	if errors.As(err, &v) {
		return v.err.At("%s:row %d, column %q", g.f.name, g.row+int64(v.row)+1, c.name)
	}
	if f := fault.As(err); f != nil {
		if f.Place == "" {
			f.Place = fmt.Sprintf("%s, column %q", g.f.groupName(g.number), c.name)
		}
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return damaged(err, "column %q is damaged", c.name).At("%s", g.f.groupName(g.number))
}
