package table

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/klauspost/compress/zstd"

	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// textFormat is how Hive's own text files are written. They are no CSV: columns
// are told by their place alone, a line may lack some or have more of them, a
// blank line is a row, and nothing is quoted.
type textFormat struct {
	delimiter byte
	quote     byte // for the SQL engine
	null      string
	header    int // lines before the rows
	fields    []textField
	whole     bool // all of them are kept
}

// textField is a column of the files, in their order.
type textField struct {
	kept bool // the SQL engine reads it
	text bool // no characters at all are a value of it
}

// textSQL has the SQL engine read Hive's text files: it gets them rewritten as
// regular CSV, with just the columns that can be read.
type textSQL struct {
	flow.SQL
	format  *textFormat
	scratch string
}

// Describe implements flow.SQL: the columns are those of the metastore,
// whatever the files hold.
func (s *textSQL) Describe(_ context.Context, f flow.Foreign) (*flow.Schema, error) {
	return f.Columns, nil
}

// Convert implements flow.SQL, for one file.
func (s *textSQL) Convert(ctx context.Context, f flow.Foreign, dst string) error {
	path := f.Paths[0]
	regular, err := os.CreateTemp(s.scratch, "text-*.csv")
	if err != nil {
		return fault.Wrap(err, file.CannotRead, "cannot make a file in the scratch folder")
	}
	defer os.Remove(regular.Name())
	rows, err := s.format.rewriteFile(ctx, path, regular)
	if cerr := regular.Close(); err == nil && cerr != nil {
		err = fault.Wrap(cerr, file.CannotRead, "cannot write to the scratch folder")
	}
	if err != nil {
		return err
	}
	if rows == 0 {
		return noRows(f.Columns, dst)
	}
	f.Paths = []string{regular.Name()}
	return s.placed(s.SQL.Convert(ctx, f, dst), regular.Name(), path)
}

// placed makes an error about a rewritten file one about the table's own.
func (s *textSQL) placed(err error, regular, path string) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	out := *f
	out.Place = strings.ReplaceAll(f.Place, regular, path)
	if line, ok := strings.CutPrefix(f.Place, regular+":"); ok {
		line, column, _ := strings.Cut(line, ":")
		if n, err := strconv.Atoi(line); err == nil {
			out.Place = path + ":" + strings.TrimSuffix(strconv.Itoa(n+s.format.header)+":"+column, ":")
		}
	}
	out.Message = strings.ReplaceAll(f.Message, regular, path)
	return &out
}

// noRows writes a Parquet file without rows.
func noRows(columns *flow.Schema, dst string) error {
	f, err := os.Create(dst)
	if err == nil {
		var w *pqarrow.FileWriter
		if w, err = pqarrow.NewFileWriter(columns, f, nil, pqarrow.DefaultWriterProps()); err == nil {
			err = w.Close() // and f
		} else {
			f.Close()
		}
	}
	if err != nil {
		return fault.Wrap(err, file.CannotRead, "cannot write to the scratch folder")
	}
	return nil
}

// rewriteFile rewrites a file, which is unpacked if its name says that it is
// packed, and counts its rows.
func (t *textFormat) rewriteFile(ctx context.Context, path string, to io.Writer) (rows int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fault.Wrap(err, file.CannotRead, "cannot open %s", path)
	}
	defer f.Close()
	var in io.Reader = f
	switch {
	case strings.HasSuffix(path, ".gz"):
		z, zerr := gzip.NewReader(f)
		if errors.Is(zerr, io.EOF) { // an empty file
			return 0, nil
		}
		if in, err = z, zerr; err == nil {
			defer z.Close()
		}
	case strings.HasSuffix(path, ".zst"), strings.HasSuffix(path, ".zstd"):
		z, zerr := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
		if in, err = z, zerr; err == nil {
			defer z.Close()
		}
	}
	if err != nil {
		return 0, fault.Wrap(err, file.Corrupt, "the file is not packed as its name says").At("%s", path)
	}
	out := bufio.NewWriterSize(to, 1<<16)
	rows, err = t.rewrite(ctx, bufio.NewReaderSize(in, 1<<18), out)
	var wrong *readError
	if errors.As(err, &wrong) {
		return 0, fault.Wrap(wrong.err, file.CannotRead, "the file cannot be read").At("%s", path)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil && ctx.Err() == nil {
		err = fault.Wrap(err, file.CannotRead, "cannot write to the scratch folder")
	}
	return rows, err
}

// readError is a failure to read, as opposed to one to write.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// rewrite writes each line as a row of CSV.
func (t *textFormat) rewrite(ctx context.Context, in *bufio.Reader, out *bufio.Writer) (rows int64, err error) {
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // they are there
	}
	var long []byte // of a line that is longer than the buffer
	for skip := t.header; ; {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		lines, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, lines...)
			continue
		}
		ended := flow.Ended(err)
		if err != nil && !ended {
			return rows, &readError{err}
		}
		if len(long) > 0 {
			long = append(long, lines...)
			lines = long
		}
		for len(lines) > 0 {
			var line []byte
			line, lines = cutLine(lines)
			if skip > 0 {
				skip--
				continue
			}
			if err := t.row(line, out); err != nil {
				return rows, err
			}
			rows++
		}
		if long = long[:0]; ended {
			return rows, nil //nolint:nilerr // the end itself
		}
	}
}

// cutLine takes a line off; CR, LF or both end one, as Hadoop reads them.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\r')
	if i < 0 {
		return bytes.TrimSuffix(b, []byte{'\n'}), nil // LF is the last one, if any
	}
	line, rest = b[:i], b[i+1:]
	if len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return line, rest
}

// row writes the columns that are kept of a line. What a line lacks is null,
// and so is a value that is no text and has no characters.
func (t *textFormat) row(line []byte, out *bufio.Writer) error {
	if t.regular(line) {
		_, _ = out.Write(line) // its error stays for the next call
		return out.WriteByte('\n')
	}
	missing, first := false, true
	for _, f := range t.fields {
		value, absent := line, missing
		if i := bytes.IndexByte(line, t.delimiter); i >= 0 {
			value, line = line[:i], line[i+1:]
		} else {
			missing, line = true, nil
		}
		if !f.kept {
			continue
		}
		if !first {
			_ = out.WriteByte(t.delimiter)
		}
		first = false
		switch {
		case absent, !f.text && len(value) == 0:
			_, _ = out.WriteString(t.null)
		case len(value) == 0 || bytes.IndexByte(value, t.quote) >= 0:
			t.quoted(value, out)
		default:
			_, _ = out.Write(value)
		}
	}
	return out.WriteByte('\n')
}

// regular reports whether a line can stay as it is, as most can.
func (t *textFormat) regular(line []byte) bool {
	d := t.delimiter
	return t.whole && len(line) > 0 && line[0] != d && line[len(line)-1] != d && bytes.Count(line, []byte{d}) == len(t.fields)-1 &&
		bytes.IndexByte(line, t.quote) < 0 && !bytes.Contains(line, []byte{d, d})
}

// quoted writes a value that stands in quotes. One without characters does, so
// that a line of it alone is not blank.
func (t *textFormat) quoted(value []byte, out *bufio.Writer) {
	q := []byte{t.quote}
	_ = out.WriteByte(t.quote)
	_, _ = out.Write(bytes.ReplaceAll(value, q, append(q, t.quote)))
	_ = out.WriteByte(t.quote)
}
