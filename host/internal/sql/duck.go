//go:build duckdb_arrow

package sql

import (
	"context"
	"errors"
	"strings"
	"time"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// duckError is what DuckDB says when a statement fails.
type duckError struct {
	kind string // "Parser", "Conversion", ... as in the text before " Error:"
	text string // without the kind
}

func (e *duckError) Error() string { return e.text }

// newDuckError reads "Kind Error: text".
func newDuckError(msg string) *duckError {
	kind, text, ok := strings.Cut(msg, " Error: ")
	if !ok || strings.ContainsAny(kind, "\n:") {
		return &duckError{kind: "", text: strings.TrimSpace(msg)}
	}
	return &duckError{kind: kind, text: strings.TrimSpace(text)}
}

// first is the first line of the message.
func (e *duckError) first() string {
	line, _, _ := strings.Cut(e.text, "\n")
	return strings.TrimSpace(line)
}

// asDuck gives the duckError in err, or nil.
func asDuck(err error) *duckError {
	var d *duckError
	if errors.As(err, &d) {
		return d
	}
	return nil
}

// database is an in-memory DuckDB instance.
type database struct{ h mapping.Database }

// openDatabase starts an instance with settings given as name and value.
func openDatabase(settings ...[2]string) (*database, error) {
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return nil, newDuckError("cannot make a configuration")
	}
	defer mapping.DestroyConfig(&config)
	for _, s := range settings {
		if mapping.SetConfig(config, s[0], s[1]) == mapping.StateError {
			return nil, newDuckError("cannot set " + s[0] + " to " + s[1])
		}
	}
	d := &database{}
	var msg string
	if mapping.OpenExt("", &d.h, config, &msg) == mapping.StateError {
		mapping.Close(&d.h)
		return nil, newDuckError(msg)
	}
	return d, nil
}

func (d *database) close() { mapping.Close(&d.h) }

func (d *database) connect() (*connection, error) {
	c := &connection{}
	if mapping.Connect(d.h, &c.h) == mapping.StateError {
		return nil, newDuckError("cannot connect to the database")
	}
	return c, nil
}

// connection is for one caller at a time.
type connection struct{ h mapping.Connection }

func (c *connection) close() { mapping.Disconnect(&c.h) }

// watch interrupts the statement that runs when ctx ends. The function it
// returns must be called after the statement.
func (c *connection) watch(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	over, gone := make(chan struct{}), make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(gone)
		// The statement may not have started when the first call comes.
		for {
			mapping.Interrupt(c.h)
			select {
			case <-over:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	return func() {
		if cancel() {
			return
		}
		close(over)
		<-gone
	}
}

// run executes a statement and hands its result to use, which may be nil.
func (c *connection) run(ctx context.Context, sql string, use func(*mapping.Result) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := c.watch(ctx)
	var res mapping.Result
	state := mapping.Query(c.h, sql, &res)
	stop()
	defer mapping.DestroyResult(&res)
	if state == mapping.StateError {
		if err := ctx.Err(); err != nil {
			return err
		}
		return newDuckError(mapping.ResultError(&res))
	}
	if use == nil {
		return nil
	}
	return use(&res)
}

// exec runs statements whose results are of no interest.
func (c *connection) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if err := c.run(ctx, s, nil); err != nil {
			return err
		}
	}
	return nil
}

// cell is a nullable text.
type cell struct {
	text string
	ok   bool
}

// texts runs a query of VARCHAR columns.
func (c *connection) texts(ctx context.Context, sql string) ([][]cell, error) {
	var out [][]cell
	err := c.run(ctx, sql, func(res *mapping.Result) error {
		columns := int(mapping.ColumnCount(res))
		for {
			chunk := mapping.FetchChunk(*res)
			if chunk.Ptr == nil {
				return nil
			}
			n := int(mapping.DataChunkGetSize(chunk))
			rows := make([][]cell, n)
			for i := range rows {
				rows[i] = make([]cell, columns)
			}
			for col := range columns {
				v := vectorOf(mapping.DataChunkGetVector(chunk, mapping.IdxT(col)))
				for i := range n {
					if v.valid(i) {
						rows[i][col] = cell{text: strings.Clone(v.text(i)), ok: true}
					}
				}
			}
			out = append(out, rows...)
			mapping.DestroyDataChunk(&chunk)
		}
	})
	return out, err
}

// one runs a query of one VARCHAR.
func (c *connection) one(ctx context.Context, sql string) (string, error) {
	rows, err := c.texts(ctx, sql)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0][0].text, nil
}

// changed runs a statement and tells how many rows it wrote.
func (c *connection) changed(ctx context.Context, sql string) (n int64, err error) {
	err = c.run(ctx, sql, func(res *mapping.Result) error {
		n = int64(mapping.RowsChanged(res))
		return nil
	})
	return n, err
}

// column is a result column of a prepared statement.
type column struct {
	name string
	typ  duckType
}

// statement is a prepared statement.
type statement struct {
	c *connection
	h mapping.PreparedStatement
}

func (c *connection) prepare(ctx context.Context, sql string) (*statement, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &statement{c: c}
	if mapping.Prepare(c.h, sql, &s.h) == mapping.StateError {
		err := newDuckError(mapping.PrepareError(s.h))
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *statement) close() { mapping.DestroyPrepare(&s.h) }

func (s *statement) columns() []column {
	out := make([]column, mapping.PreparedStatementColumnCount(s.h))
	for i := range out {
		t := mapping.PreparedStatementColumnLogicalType(s.h, mapping.IdxT(i))
		out[i] = column{name: mapping.PreparedStatementColumnName(s.h, mapping.IdxT(i)), typ: duckTypeOf(t)}
		mapping.DestroyLogicalType(&t)
	}
	return out
}

// columns tells the result columns of a query without running it.
func (c *connection) columns(ctx context.Context, sql string) ([]column, error) {
	s, err := c.prepare(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.columns(), nil
}

// vector is a flat vector of a fetched chunk; it lives as long as the chunk.
type vector struct {
	h        mapping.Vector
	data     unsafe.Pointer
	validity unsafe.Pointer // nil: all valid; else a bit per row, 1 = valid
}

func vectorOf(h mapping.Vector) vector {
	return vector{h: h, data: mapping.VectorGetData(h), validity: mapping.VectorGetValidity(h)}
}

func (v vector) valid(i int) bool {
	if v.validity == nil {
		return true
	}
	word := *(*uint64)(unsafe.Add(v.validity, i/64*8))
	return word>>(i%64)&1 == 1
}

// text is the i-th value of a VARCHAR or BLOB vector: 4 bytes of length, then
// up to 12 bytes in place, or 4 bytes of prefix and a pointer.
func (v vector) text(i int) string {
	p := unsafe.Add(v.data, i*16)
	n := *(*uint32)(p)
	if n <= 12 {
		return unsafe.String((*byte)(unsafe.Add(p, 4)), n)
	}
	return unsafe.String(*(**byte)(unsafe.Add(p, 8)), n)
}

// quoteText writes a text literal.
func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// quoteName writes an identifier.
func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// quoteList writes a list of text literals.
func quoteList(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = quoteText(s)
	}
	return "[" + strings.Join(q, ", ") + "]"
}
