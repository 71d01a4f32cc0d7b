package online

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

const (
	// transactionRows is how many rows become visible and durable together.
	transactionRows = 1000
	// statementRows is how many rows one statement writes; it divides
	// transactionRows. More would save little: see BenchmarkPublish.
	statementRows = 20
	// maxArguments is SQLite's limit for one statement.
	maxArguments = 32766
)

// upserter writes rows into a table by the rule of S-1302.
//
// The common case is one statement for many rows, in which SQLite compares
// (timestamp, revision). Only when it changed fewer rows than it was given are
// they looked at one by one: a row may be stale, or tie with the stored one,
// and then canonical row bytes decide. They are made on the spot, from the
// stored values, so the table need not hold every row twice.
type upserter struct {
	c           *conn
	entity, set string
	shared      bool // the set joins the view of its entity
	reached     func(point string)

	table   *table
	version int64 // of the database's schema, when the statements were made
	keys    []int // columns of the table that are its key
	byName  []int // columns of the table in the order of canonical bytes
	time    int   // the timestamp column
	many    *statement
	single  *statement
	replace *statement
	stored  *statement // version of a key
	whole   *statement // row of a key
	changes *statement
	schema  *statement

	perMany  int
	args     []driver.NamedValue
	blobs    []byte
	in       []column
	inTx     bool
	pendingN int   // rows of the open transaction
	total    int64 // rows seen
	stale    int64 // rows refused
}

// begin makes the table, or the columns that it lacks.
func (u *upserter) begin(ctx context.Context, in *flow.Schema) error {
	columns, err := staged.Columns(in)
	if err != nil {
		return err
	}
	if u.in, err = columnsOf(columns); err != nil {
		return err
	}
	if err := u.c.transact(func() error {
		t, err := u.c.ensure(ctx, u.entity, u.set, u.in)
		if err != nil || !u.shared {
			return err
		}
		return u.c.share(ctx, t)
	}); err != nil {
		return err
	}
	if u.schema, err = u.c.prepare(schemaVersion); err != nil {
		return err
	}
	if u.changes, err = u.c.prepare("SELECT changes()"); err != nil {
		return err
	}
	u.reached(pointTable)
	return nil
}

// write upserts one staged batch: the columns of begin and the revisions.
func (u *upserter) write(ctx context.Context, r flow.Record) error {
	for from, n := 0, int(r.NumRows()); from < n; {
		if err := u.openTransaction(ctx); err != nil {
			return err
		}
		run := min(n-from, transactionRows-u.pendingN)
		if err := u.rows(ctx, r, from, run); err != nil {
			return err
		}
		from += run
		u.total += int64(run)
		u.pendingN += run
		u.reached(pointInside)
		// A full transaction stays open until it is known whether more rows
		// come, so that the record of the publication can join the last one.
	}
	return nil
}

// openTransaction starts a transaction when none is open or the open one is
// full. Inside it the table cannot change, so it is looked at once.
func (u *upserter) openTransaction(ctx context.Context) error {
	if u.inTx && u.pendingN < transactionRows {
		return nil
	}
	if u.inTx {
		if err := u.commit(); err != nil {
			return err
		}
	}
	if err := u.c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	u.inTx = true
	version, err := u.number(u.schema)
	if err != nil {
		return err
	}
	if u.table == nil || version != u.version {
		// Another process may have added columns, which rows of this run must
		// set to null (O3).
		if err := u.bind(ctx); err != nil {
			return err
		}
		u.version = version
	}
	return nil
}

func (u *upserter) commit() error {
	if err := u.c.exec("COMMIT"); err != nil {
		return err
	}
	u.inTx, u.pendingN = false, 0
	u.reached(pointCommit)
	return nil
}

// finish ends the last transaction, with record in it.
func (u *upserter) finish(ctx context.Context, record func() error) error {
	if !u.inTx {
		if err := u.openTransaction(ctx); err != nil {
			return err
		}
	}
	if err := record(); err != nil {
		return err
	}
	return u.commit()
}

func (u *upserter) close() {
	u.unbind()
	u.schema.close()
	u.changes.close()
	if u.inTx {
		u.c.rollback()
	}
}

func (u *upserter) unbind() {
	for _, s := range []**statement{&u.many, &u.single, &u.replace, &u.stored, &u.whole} {
		(*s).close()
		*s = nil
	}
}

// bind reads the table and prepares the statements for it.
func (u *upserter) bind(ctx context.Context) error {
	u.unbind()
	t, err := u.c.table(ctx, u.entity, u.set)
	if err != nil {
		return err
	}
	if t == nil {
		return fault.New(Damaged, "table %q was removed while rows were written to it", tableName(u.entity, u.set)).At("%s", u.c.path)
	}
	if err := t.fits(u.in, true); err != nil {
		return err
	}
	u.table = t
	u.keys = u.keys[:0]
	for i, c := range t.columns {
		switch c.role {
		case roleKey:
			u.keys = append(u.keys, i)
		case roleTimestamp:
			u.time = i
		}
	}
	u.byName = canonical.ByName(schemaOf(t.columns))
	names := make([]string, 0, u.width())
	for _, c := range t.columns {
		names = append(names, quote(c.name))
	}
	columns := strings.Join(names, ", ")
	u.perMany = statementRows
	for u.perMany*u.width() > maxArguments {
		u.perMany /= 2
	}
	name := quote(t.name)
	for _, s := range []struct {
		to  **statement
		sql string
	}{
		{&u.many, upsertSQL(t, u.perMany)},
		{&u.single, upsertSQL(t, 1)},
		{&u.replace, "INSERT OR REPLACE " + insertSQL(t, 1)},
		{&u.stored, fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s = ?", versionColumn, revisionColumn, name, keyColumn)},
		{&u.whole, fmt.Sprintf("SELECT %s FROM %s WHERE %s = ?", columns, name, keyColumn)},
	} {
		if *s.to, err = u.c.prepare(s.sql); err != nil {
			return err
		}
	}
	u.args = make([]driver.NamedValue, u.perMany*u.width())
	for i := range u.args {
		u.args[i].Ordinal = i + 1
	}
	return nil
}

// width is the number of arguments of a row: its columns, version, key.
func (u *upserter) width() int { return len(u.table.columns) + 3 }

func insertSQL(t *table, rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INTO %s (", quote(t.name))
	for _, c := range t.columns {
		b.WriteString(quote(c.name) + ", ")
	}
	fmt.Fprintf(&b, "%s, %s, %s) VALUES ", versionColumn, revisionColumn, keyColumn)
	row := "(" + strings.Repeat("?, ", len(t.columns)+2) + "?)"
	b.WriteString(strings.TrimSuffix(strings.Repeat(row+", ", rows), ", "))
	return b.String()
}

// upsertSQL writes rows that are new or newer. A null timestamp is the lowest.
func upsertSQL(t *table, rows int) string {
	var b strings.Builder
	b.WriteString("INSERT " + insertSQL(t, rows) + " ON CONFLICT (" + keyColumn + ") DO UPDATE SET ")
	for _, c := range t.columns {
		fmt.Fprintf(&b, "%[1]s = excluded.%[1]s, ", quote(c.name))
	}
	fmt.Fprintf(&b, "%[2]s = excluded.%[2]s, %[3]s = excluded.%[3]s "+
		"WHERE excluded.%[2]s > %[1]s.%[2]s OR (%[1]s.%[2]s IS NULL AND excluded.%[2]s IS NOT NULL) "+
		"OR (excluded.%[2]s IS %[1]s.%[2]s AND excluded.%[3]s > %[1]s.%[3]s)", quote(t.name), versionColumn, revisionColumn)
	return b.String()
}

// rows writes rows from..from+n, many to a statement.
func (u *upserter) rows(ctx context.Context, r flow.Record, from, n int) error {
	columns := u.arrange(r)
	for n > 0 {
		s, k := u.single, 1
		if n >= u.perMany {
			s, k = u.many, u.perMany
		}
		if err := u.arguments(r, columns, from, k); err != nil {
			return err
		}
		if err := s.each(context.Background(), u.args[:k*u.width()], nil); err != nil {
			return err
		}
		changed, err := u.number(u.changes)
		if err != nil {
			return err
		}
		if changed < int64(k) {
			if err := u.oneByOne(ctx, r, columns, from, k); err != nil {
				return err
			}
		}
		from, n = from+k, n-k
	}
	return nil
}

// arrange gives the columns of a batch in the order of the table, nil for
// those that the run does not know.
func (u *upserter) arrange(r flow.Record) []arrow.Array {
	out := make([]arrow.Array, len(u.table.columns))
	for i, c := range u.table.columns {
		if at := slices.IndexFunc(u.in, func(in column) bool { return in.name == c.name }); at >= 0 {
			out[i] = r.Column(at)
		}
	}
	return out
}

// arguments fills args with k rows.
func (u *upserter) arguments(r flow.Record, columns []arrow.Array, from, k int) error {
	width := u.width()
	for c, arr := range columns {
		if arr == nil {
			for i := range k {
				u.args[i*width+c].Value = nil
			}
			continue
		}
		if err := fill(u.args[c:], width, arr, from, k); err != nil {
			return err
		}
	}
	at := len(columns)
	if err := fill(u.args[at:], width, columns[u.time], from, k); err != nil {
		return err
	}
	if err := fill(u.args[at+1:], width, r.Column(int(r.NumCols())-1), from, k); err != nil {
		return err
	}
	u.blobs = u.blobs[:0]
	ends := make([]int, k)
	for i := range k {
		u.blobs = u.key(u.blobs, columns, from+i)
		ends[i] = len(u.blobs)
	}
	start := 0
	for i, end := range ends {
		u.args[i*width+at+2].Value = u.blobs[start:end:end]
		start = end
	}
	return nil
}

func (u *upserter) key(dst []byte, columns []arrow.Array, i int) []byte {
	for _, c := range u.keys {
		dst = canonical.AppendValue(dst, columns[c], i)
	}
	return dst
}

// oneByOne settles rows of which at least one did not take effect: each
// stored version is now that of the row or a greater one.
func (u *upserter) oneByOne(ctx context.Context, r flow.Record, columns []arrow.Array, from, k int) error {
	times := columns[u.time].(*array.Timestamp)
	revisions := r.Column(int(r.NumCols()) - 1).(*array.Int64)
	var key, mine, theirs []byte
	for i := from; i < from+k; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		key = u.key(key[:0], columns, i)
		var time driver.Value
		if !times.IsNull(i) {
			time = int64(times.Value(i))
		}
		same := false
		err := u.stored.each(ctx, named([]driver.Value{key}), func(v []driver.Value) error {
			same = v[0] == time && v[1] == revisions.Value(i)
			return nil
		})
		if err != nil {
			return err
		}
		if !same {
			u.stale++
			continue
		}
		mine = mine[:0]
		for _, c := range u.byName {
			mine = appendCanonical(mine, columns[c], i)
		}
		if theirs, err = u.storedBytes(ctx, theirs[:0], key); err != nil {
			return err
		}
		switch bytes.Compare(mine, theirs) {
		case -1:
			u.stale++
		case 1:
			if err := u.arguments(r, columns, i, 1); err != nil {
				return err
			}
			if err := u.replace.each(ctx, u.args[:u.width()], nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendCanonical is canonical.AppendValue, with null for an absent column.
func appendCanonical(dst []byte, arr arrow.Array, i int) []byte {
	if arr == nil {
		return append(dst, 0)
	}
	return canonical.AppendValue(dst, arr, i)
}

// storedBytes makes the canonical bytes of the stored row of a key.
func (u *upserter) storedBytes(ctx context.Context, dst, key []byte) ([]byte, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOf(u.table.columns))
	defer b.Release()
	err := u.whole.each(ctx, named([]driver.Value{key}), func(row []driver.Value) error {
		for i, c := range u.table.columns {
			v, err := decode(c.typ, row[i])
			if err == nil {
				err = staged.Append(b.Field(i), v)
			}
			if err != nil {
				return fault.Wrap(err, Damaged, "column %q of table %q cannot be read back", c.name, u.table.name).At("%s", u.c.path)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := b.NewRecordBatch()
	defer r.Release()
	return canonical.AppendRow(dst, r, u.byName, 0), nil
}

// number runs a statement that gives one number.
func (u *upserter) number(s *statement) (n int64, err error) {
	err = s.each(context.Background(), nil, func(v []driver.Value) error {
		n, _ = v[0].(int64)
		return nil
	})
	return n, err
}
