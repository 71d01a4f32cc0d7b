package host

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// rowFile writes rows into a Parquet file or, as its name ends, one of JSON
// lines. It is made with the first row and gets its name when it is whole.
type rowFile struct {
	path   string // "" counts rows and writes none
	schema *flow.Schema
	rows   int64

	file    *os.File
	parquet *pqarrow.FileWriter
	lines   *bufio.Writer
}

// RowFormats are the endings of files that rows are written to.
func RowFormats() []string { return []string{".parquet", ".ndjson", ".jsonl"} }

// write adds the rows of a record.
func (f *rowFile) write(r flow.Record) error {
	f.rows += r.NumRows()
	if f.path == "" {
		return nil
	}
	if f.file == nil {
		if err := f.begin(); err != nil {
			return f.failed(err)
		}
	}
	if f.parquet != nil {
		return f.failed(f.parquet.WriteBuffered(r))
	}
	for i := range int(r.NumRows()) {
		line, err := RowJSON(r, i)
		if err == nil {
			_, err = f.lines.Write(append(line, '\n'))
		}
		if err != nil {
			return f.failed(err)
		}
	}
	return nil
}

func (f *rowFile) begin() (err error) {
	if f.file, err = os.CreateTemp(filepath.Dir(f.path), ".replay-*"); err != nil {
		return err
	}
	if err := f.file.Chmod(0o644); err != nil {
		return err
	}
	if !strings.HasSuffix(f.path, ".parquet") {
		f.lines = bufio.NewWriter(f.file)
		return nil
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy))
	// The library would close the file, which is renamed when all is well.
	f.parquet, err = pqarrow.NewFileWriter(f.schema, struct{ io.Writer }{f.file}, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	return err
}

// close gives the file its name.
func (f *rowFile) close() error {
	if f.file == nil {
		return nil
	}
	var err error
	if f.parquet != nil {
		err = f.parquet.Close()
	} else {
		err = f.lines.Flush()
	}
	if err = errors.Join(err, f.file.Close()); err == nil {
		err = place(f.file.Name(), f.path)
	}
	if err != nil {
		return f.failed(errors.Join(err, os.Remove(f.file.Name())))
	}
	return nil
}

// place gives a file its name, and replaces no other that has it by now.
func place(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	return claim(from, to)
}

// claim is place where the file system has no links: the name is taken by an empty
// file, which the other replaces.
func claim(from, to string) error {
	empty, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(empty.Close(), os.Rename(from, to)); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// drop leaves nothing of the file.
func (f *rowFile) drop() error {
	if f.file == nil {
		return nil
	}
	return errors.Join(f.file.Close(), os.Remove(f.file.Name()))
}

func (f *rowFile) failed(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, NotWritten, "the rows cannot be written").At("%s", f.path)
}

// RowJSON writes row i of a record as one JSON object, columns in their order.
func RowJSON(r flow.Record, i int) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	put := func(v any) error {
		err := e.Encode(v)
		b.Truncate(max(0, b.Len()-1)) // the line break
		return err
	}
	b.WriteByte('{')
	for c := range int(r.NumCols()) {
		if c > 0 {
			b.WriteByte(',')
		}
		if err := put(r.ColumnName(c)); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := put(r.Column(c).GetOneForMarshal(i)); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
