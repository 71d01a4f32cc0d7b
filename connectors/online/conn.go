package online

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
)

// Modes of opening a database.
const (
	forWriting = "rwc" // made when missing
	forReading = "rw"  // SQLite opens read-only where it must
)

// conn is one connection to a database, for one goroutine at a time. It uses
// the driver without database/sql, whose pool and conversions would cost more
// than the statements themselves.
type conn struct {
	sqlite *sqlite3.SQLiteConn
	path   string
}

// open connects to a database; timeout is how long to wait for locks.
func open(path, mode string, timeout time.Duration) (*conn, error) {
	dsn := fmt.Sprintf("file:%s?mode=%s&_busy_timeout=%d", (&url.URL{Path: path}).EscapedPath(), mode, timeout.Milliseconds())
	opened, err := new(sqlite3.SQLiteDriver).Open(dsn)
	if err != nil {
		return nil, failed(err, path)
	}
	c := &conn{sqlite: opened.(*sqlite3.SQLiteConn), path: path}
	pragmas := []string{"PRAGMA query_only = ON"}
	if mode == forWriting {
		// A commit is on disk when it returns; readers go on meanwhile.
		pragmas = []string{"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA cache_size = -16384"}
	}
	for _, p := range pragmas {
		if err := c.patient(p, timeout); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// patient executes a statement for which SQLite may answer "busy" at once,
// without waiting: the change to WAL while another process opens the file.
func (c *conn) patient(statement string, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		err := c.exec(statement)
		if !fault.Is(err, Busy) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *conn) close() error {
	return failed(c.sqlite.Close(), c.path)
}

// exec executes statements without rows.
func (c *conn) exec(query string, args ...driver.Value) error {
	_, err := c.sqlite.Exec(query, args)
	return failed(err, c.path)
}

// each calls f with every row of a query; the row is valid during the call.
func (c *conn) each(ctx context.Context, query string, args []driver.Value, f func([]driver.Value) error) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	defer s.close()
	return s.each(ctx, named(args), f)
}

// one gives the first row of a query, nil when there is none.
func (c *conn) one(ctx context.Context, query string, args ...driver.Value) (row []driver.Value, err error) {
	err = c.each(ctx, query, args, func(v []driver.Value) error {
		if row == nil {
			row = append(row, v...)
		}
		return nil
	})
	return row, err
}

// transact runs f inside a transaction that holds the write lock.
func (c *conn) transact(f func() error) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = c.exec("COMMIT")
	}
	if err != nil {
		c.rollback()
	}
	return err
}

// rollback ends an open transaction. Its error tells nothing new: the cause
// is known, and closing the connection rolls back as well.
func (c *conn) rollback() { _ = c.exec("ROLLBACK") }

// statement is a prepared statement.
type statement struct {
	stmt driver.StmtQueryContext
	raw  driver.Stmt
	path string
	row  []driver.Value
}

func (c *conn) prepare(query string) (*statement, error) {
	s, err := c.sqlite.Prepare(query)
	if err != nil {
		return nil, failed(err, c.path)
	}
	return &statement{stmt: s.(driver.StmtQueryContext), raw: s, path: c.path}, nil
}

func (s *statement) close() {
	if s != nil {
		_ = s.raw.Close() // finalizing repeats the error of the last step, which was handled
	}
}

// each runs the statement and calls f with every row. The driver binds all
// arguments and takes the first step in one crossing into C, which for writes
// is several times cheaper than its Exec.
func (s *statement) each(ctx context.Context, args []driver.NamedValue, f func([]driver.Value) error) (err error) {
	rows, err := s.stmt.QueryContext(ctx, args)
	if err != nil {
		return failed(err, s.path)
	}
	defer func() { err = errors.Join(err, failed(rows.Close(), s.path)) }()
	if n := len(rows.Columns()); len(s.row) != n {
		s.row = make([]driver.Value, n)
	}
	for {
		err := rows.Next(s.row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return failed(err, s.path)
		}
		if f != nil {
			if err := f(s.row); err != nil {
				return err
			}
		}
	}
}

func named(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

// failed gives an error of SQLite or of the disk the code of this room.
func failed(err error, path string) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || fault.As(err) != nil {
		return err
	}
	var s sqlite3.Error
	if errors.As(err, &s) {
		switch s.Code {
		case sqlite3.ErrFull:
			return staged.Full(err, path)
		case sqlite3.ErrBusy, sqlite3.ErrLocked:
			e := fault.Wrap(err, Busy, "another process holds the database").At("%s", path).WithHint("run again when it is done")
			e.Retry = true
			return e
		case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen, sqlite3.ErrAuth:
			return fault.Wrap(err, NotWritable, "the database cannot be opened for this").At("%s", path).WithHint("check owner and mode of the file and its folder")
		case sqlite3.ErrNotADB:
			return fault.Wrap(err, NotOurs, "the file is no SQLite database").At("%s", path).WithHint("use another path, or move the file away")
		case sqlite3.ErrCorrupt:
			return fault.Wrap(err, Damaged, "the database is damaged").At("%s", path).WithHint("move it away and run the pipeline over the whole time")
		}
		// SQLite says "I/O error" for a quota or file size limit.
		if s.SystemErrno != 0 {
			err = fmt.Errorf("%w (%w)", err, s.SystemErrno)
		}
	}
	return staged.Failed(err, path)
}
