package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/file/jsonlines"
	"github.com/featurehost/featurehost/host/fault"
)

const (
	// linesBuffer is how much of a file is read at a time, and longestPlain the
	// longest line that is kept for the plain decoder.
	linesBuffer  = 1 << 20
	longestPlain = 16 << 20
	// linesBatch ends a batch of long lines early.
	linesBatch = 16 << 20
)

// lines reads a JSON file whose lines are plain, without the SQL engine.
type lines struct {
	file    io.ReadCloser
	object  *s3store.Object    // on S3: the version that is read
	decoder *jsonlines.Decoder // nil: no line is plain
	buf     []byte
	from    int   // of the bytes not yet decoded
	to      int   // of those read
	ended   bool  // nothing is left to read
	row     int64 // of the file's next row
	bytes   int64 // read

	// With bad rows put aside:
	line int64 // lines decoded
	odd  int   // how many lines are looked at when one is not plain
	calm int64 // the row from which on odd lines are rare again
}

// plainFields reports whether values of all the fields can be plain, and their
// names are not one when case is ignored, which the SQL engine refuses.
func plainFields(fields []arrow.Field) bool {
	seen := map[string]bool{}
	for _, f := range fields {
		fold := strings.ToLower(f.Name)
		if seen[fold] || !jsonlines.Reads(f.Type) {
			return false
		}
		seen[fold] = true
	}
	return true
}

// maybePlain reports whether a file is worth trying to read as plain lines.
func (r *Reader) maybePlain(o object) bool {
	if r.cfg.Format == "json" && r.cfg.OnBadRow == deadLetter {
		return true
	}
	if r.cfg.Format != "json" || !plainFields(r.fields) {
		return false
	}
	return packing(o.path) == ""
}

// openLines starts on a JSON file.
func (r *Reader) openLines(x *read, o object) error {
	f, version, err := r.openBytes(x.fetch.ctx, o)
	if err != nil {
		return err
	}
	x.object, x.own = o, nil
	wanted := func(name string) {
		if !hasField(r.partitions, name) {
			x.own = append(x.own, &storedField{name: name})
		}
	}
	for _, f := range x.out.Fields() {
		wanted(f.Name)
	}
	if x.days != nil && x.days.column != "" && !x.out.HasField(x.days.column) {
		wanted(x.days.column)
	}
	names := make([]string, len(x.own))
	for i, c := range x.own {
		names[i] = c.name
	}
	x.lines = &lines{file: f, object: version, buf: make([]byte, linesBuffer), odd: 1}
	if plainFields(r.fields) {
		x.lines.decoder = jsonlines.New(r.fields, names)
	}
	return nil
}

// decodeLines makes the next batch of plain lines ready. At the first line that
// is not plain the SQL engine takes over: it knows what the line means, or says
// what is wrong with it. The rows before it are the same to both.
func (r *Reader) decodeLines(ctx context.Context, x *read) error {
	l := x.lines
	row := l.row
	arrays, n, err := l.next(x.rows)
	odd := errors.Is(err, jsonlines.ErrOdd)
	if err != nil && !odd {
		if fault.As(err) != nil {
			return err
		}
		return fault.Wrap(err, CannotRead, "the file cannot be read").At("%s", x.object.path)
	}
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	if n > 0 {
		r.stats.Rows += int64(n)
		whole, err := r.assemble(x, arrays, n)
		if err != nil {
			return err
		}
		defer whole.Release()
		if err := r.cut(ctx, x, whole, arrays, row); err != nil {
			return err
		}
	}
	switch {
	case odd && r.cfg.OnBadRow == deadLetter:
		return r.oddLines(ctx, x)
	case odd:
		l.close()
		x.lines, x.passed = nil, l.row
		o := x.object
		o.opened = l.object // rows of another version would not be those passed over
		return r.nextFile(ctx, x, o)
	case n == 0:
		r.stats.Bytes += l.bytes
		l.close()
		x.lines = nil
	}
	return nil
}

// next decodes up to so many rows; none are left when it gives 0. With
// jsonlines.ErrOdd it gives the rows before the odd line.
func (l *lines) next(rows int) (arrays []arrow.Array, n int, err error) {
	d := l.decoder
	if d == nil {
		return nil, 0, l.whole()
	}
	d.Start(rows)
	for err == nil && d.Rows() < rows && d.Bytes() < linesBatch {
		end := l.from + bytes.LastIndexByte(l.buf[l.from:l.to], '\n') + 1
		if end == l.from {
			if l.ended {
				break
			}
			err = l.fill()
			continue
		}
		var used int
		used, err = d.Decode(l.buf[l.from:end], rows)
		l.line += int64(bytes.Count(l.buf[l.from:l.from+used], []byte{'\n'}))
		l.from += used
	}
	if err != nil && !errors.Is(err, jsonlines.ErrOdd) {
		return nil, 0, err
	}
	if n = d.Rows(); n > 0 {
		arrays = d.Arrays()
	}
	l.row += int64(n)
	return arrays, n, err
}

// whole makes sure that there is a whole line, for those who decode lines that
// are not plain: jsonlines.ErrOdd. Without it nothing is left.
func (l *lines) whole() error {
	for bytes.IndexByte(l.buf[l.from:l.to], '\n') < 0 {
		if l.ended {
			return nil
		}
		if err := l.fill(); err != nil {
			return err
		}
	}
	return jsonlines.ErrOdd
}

// fill reads more of the file, so that a line becomes whole.
func (l *lines) fill() error {
	l.to = copy(l.buf, l.buf[l.from:l.to])
	l.from = 0
	if l.to >= len(l.buf)-1 {
		if len(l.buf) >= longestPlain {
			return jsonlines.ErrOdd
		}
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := l.file.Read(l.buf[l.to : len(l.buf)-1]) // room for a line feed
	l.to += n
	l.bytes += int64(n)
	switch {
	case err == io.EOF: //nolint:errorlint // files and streams give io.EOF itself
		l.ended = true
		if l.to > 0 && l.buf[l.to-1] != '\n' { // the last line has no end
			l.buf[l.to] = '\n'
			l.to++
		}
		return nil
	default:
		return err
	}
}

func (l *lines) close() { l.file.Close() }
