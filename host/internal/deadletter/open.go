package deadletter

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// openParquet reads the footer of a file that has the sum it tells, and checks
// what will be believed of it.
func openParquet(in parquet.ReaderAtSeeker, size int64) (*pqarrow.FileReader, error) {
	summed, err := checkSum(in, size)
	if err != nil {
		return nil, err
	}
	props := parquet.NewReaderProperties(memory.DefaultAllocator)
	// A page holds a row of any size, but nothing that the file could not hold.
	props.MaxCompressedPageSize, props.MaxUncompressedPageSize = size, min(size, math.MaxInt32/maxRatio)*maxRatio
	raw, err := file.NewParquetReader(in, file.WithReadProps(props))
	if err != nil {
		return nil, err
	}
	if err := checkVersion(raw.MetaData().KeyValueMetadata(), summed); err != nil {
		return nil, err
	}
	// Files of earlier builds hold an Arrow schema too. It tells nothing new, and a
	// damaged one makes its decoder ask for more memory than there is, from which
	// nothing recovers.
	raw.MetaData().FileMetaData.KeyValueMetadata = nil
	if err := checkCounts(raw, size); err != nil {
		return nil, err
	}
	r, err := pqarrow.NewFileReader(raw, pqarrow.ArrowReadProperties{BatchSize: readRows}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	s, err := r.Schema()
	if err != nil {
		return nil, err
	}
	return r, sameColumns(s)
}

// maxRatio is above what Snappy can make of a byte.
const maxRatio = 32

// checkVersion refuses what this build does not read. A file that tells a version
// has a sum: without it, the place of the sum is what was damaged.
func checkVersion(kept metadata.KeyValueMetadata, summed bool) error {
	version := kept.FindValue(formatKey)
	switch {
	case version == nil && summed:
		return errors.New("it does not tell the version of its format")
	case version == nil:
		return nil
	case *version != formatVersion:
		return fmt.Errorf("it is of version %q of the format, and this build reads version %s", *version, formatVersion)
	case !summed:
		return errors.New("the file is damaged: it does not tell the sum of its bytes, " + sumKey)
	}
	return nil
}

// checkCounts refuses a footer that contradicts itself about the number of letters,
// or speaks of more bytes than there are.
func checkCounts(r *file.Reader, size int64) error {
	total := int64(0)
	for n := range r.NumRowGroups() {
		g := r.MetaData().RowGroup(n)
		for i := range g.NumColumns() {
			c, err := g.ColumnChunk(i)
			if err != nil {
				return err
			}
			if c.NumValues() != g.NumRows() {
				return fmt.Errorf("row group %d counts %d letters, and %d in column %d", n, g.NumRows(), c.NumValues(), i)
			}
			start, bytes := c.DataPageOffset(), c.TotalCompressedSize()
			if c.HasDictionaryPage() {
				start = min(start, c.DictionaryPageOffset())
			}
			if start < 0 || bytes < 0 || start > size || bytes > size-start {
				return fmt.Errorf("row group %d has %d bytes of column %d at %d, and the file has %d", n, bytes, i, start, size)
			}
		}
		total += g.NumRows()
	}
	if total != r.NumRows() || total <= 0 {
		return fmt.Errorf("the footer counts %d letters, and its row groups %d", r.NumRows(), total)
	}
	return nil
}

// sameColumns refuses a file of other columns.
func sameColumns(got *arrow.Schema) error {
	want := columns()
	if got.NumFields() != want.NumFields() {
		return fmt.Errorf("%d columns: %d were expected", got.NumFields(), want.NumFields())
	}
	for i, w := range want.Fields() {
		if g := got.Field(i); g.Name != w.Name || g.Nullable != w.Nullable || !arrow.TypeEqual(g.Type, w.Type) {
			return fmt.Errorf("column %d is %q of type %s: %q of type %s was expected", i, g.Name, g.Type, w.Name, w.Type)
		}
	}
	return nil
}
