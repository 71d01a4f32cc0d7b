package online

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
)

// format is the number of the layout that docs/formats/online.md describes.
const format = 1

// catalogue makes the tables that describe the others.
const catalogue = `
CREATE TABLE IF NOT EXISTS fh_tables (
  table_name TEXT PRIMARY KEY, entity TEXT NOT NULL, feature_set TEXT NOT NULL, format INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fh_columns (
  table_name TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, role TEXT NOT NULL,
  PRIMARY KEY (table_name, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fh_publications (
  run TEXT NOT NULL, table_name TEXT NOT NULL, digest TEXT NOT NULL, "rows" INTEGER NOT NULL, stale INTEGER NOT NULL,
  published_at INTEGER, PRIMARY KEY (run, table_name)
) WITHOUT ROWID;`

// table is a feature set's table as the catalogue describes it.
type table struct {
	name, entity, set string
	columns           []column // in the order of the feature table
}

// keys are the key columns.
func (t *table) keys() []column {
	for i, c := range t.columns {
		if c.role != roleKey {
			return t.columns[:i]
		}
	}
	return t.columns
}

// has reports whether a column of the table has the name.
func (t *table) has(name string) bool {
	return slices.ContainsFunc(t.columns, func(c column) bool { return c.name == name })
}

// has reports whether the database has a table, in any case of letters.
func (c *conn) has(ctx context.Context, name string) (bool, error) {
	row, err := c.one(ctx, "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE", name)
	return row != nil, err
}

// table reads the description of a feature set's table; nil when there is no
// table. A table of that name that is not this feature set's is refused.
func (c *conn) table(ctx context.Context, entity, set string) (*table, error) {
	name := tableName(entity, set)
	described, err := c.has(ctx, "fh_tables")
	if err != nil {
		return nil, err
	}
	var row []driver.Value
	if described {
		row, err = c.one(ctx, "SELECT entity, feature_set, format, table_name FROM fh_tables WHERE table_name = ? COLLATE NOCASE", name)
		if err != nil {
			return nil, err
		}
	}
	if row == nil {
		exists, err := c.has(ctx, name)
		if err == nil && exists {
			err = fault.New(NotOurs, "table %q was not made by featurehost", name).At("%s", c.path).WithHint("rename it, or use another path")
		}
		return nil, err
	}
	if row[0] != entity || row[1] != set {
		return nil, fault.New(NotOurs, "table %q belongs to feature set %q of entity %q, not to %q of %q", row[3], row[1], row[0], set, entity).
			At("%s", c.path).WithHint("rename the set or use another path")
	}
	if v, ok := row[2].(int64); !ok || v != format {
		return nil, fault.New(NotOurs, "table %q has format %v, this featurehost knows %d", name, row[2], format).At("%s", c.path).
			WithHint("use the featurehost that made it, or another path")
	}
	t := &table{name: name, entity: entity, set: set}
	err = c.each(ctx, "SELECT name, type, role FROM fh_columns WHERE table_name = ? ORDER BY position", []driver.Value{name}, func(v []driver.Value) error {
		n, ok1 := v[0].(string)
		typ, ok2 := v[1].(string)
		role, ok3 := v[2].(string)
		parsed, err := schema.ParseType(typ)
		if !ok1 || !ok2 || !ok3 || err != nil || !staged.Storable(parsed) {
			return fault.New(Damaged, "fh_columns describes a column of table %q as %v", name, v).At("%s", c.path)
		}
		t.columns = append(t.columns, column{name: n, typ: parsed, role: role})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(t.keys()) == 0 || len(t.keys()) == len(t.columns) {
		return nil, fault.New(Damaged, "fh_columns does not describe table %q", name).At("%s", c.path)
	}
	return t, nil
}

// fits refuses columns that the table cannot take: other keys, other types.
// Unless lenient, columns that the table has and the set lacks are refused
// too; a prepared write of an older shape must still be publishable.
func (t *table) fits(want []column, lenient bool) error {
	wanted := &table{columns: want}
	if have, set := describe(t.keys()), describe(wanted.keys()); have != set {
		return t.changed("the table's keys are (%s), the feature set's (%s)", have, set)
	}
	for _, w := range want {
		for _, h := range t.columns {
			if h.name != w.name && strings.EqualFold(h.name, w.name) {
				return t.changed("column %q is %q in the table, which is the same name in SQLite", w.name, h.name)
			}
			if h.name == w.name && h.typeName() != w.typeName() {
				return t.changed("column %q has type %s in the table and %s in the feature set", w.name, h.typeName(), w.typeName())
			}
		}
	}
	for _, h := range t.columns {
		if !lenient && !wanted.has(h.name) {
			return t.changed("column %q of the table is not in the feature set", h.name)
		}
	}
	return nil
}

func (t *table) changed(message string, args ...any) error {
	return fault.New(SchemaChange, message, args...).At("table %q", t.name).
		WithHint("keep the old column, rename the feature or the set, or write to a new file")
}

func describe(columns []column) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.name + " " + c.typeName()
	}
	return strings.Join(out, ", ")
}

// ensure makes the table or adds the columns that it lacks. It runs inside a
// transaction, so that two processes do not do it at once.
func (c *conn) ensure(ctx context.Context, entity, set string, want []column) (*table, error) {
	if err := c.exec(catalogue); err != nil {
		return nil, err
	}
	if err := c.dated(ctx); err != nil {
		return nil, err
	}
	t, err := c.table(ctx, entity, set)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return c.create(&table{name: tableName(entity, set), entity: entity, set: set, columns: want})
	}
	if err := t.fits(want, true); err != nil {
		return nil, err
	}
	merged := append([]column(nil), want...)
	for _, h := range t.columns {
		if !(&table{columns: want}).has(h.name) {
			merged = append(merged, h)
		}
	}
	if len(merged) > maxColumns {
		return nil, t.changed("together with the columns it already has, the table would have %d, more than %d", len(merged), maxColumns)
	}
	if describe(merged) == describe(t.columns) {
		return t, nil
	}
	if len(merged) == len(t.columns) && len(want) < len(merged) {
		return t, nil // an older shape of the set does not reorder the table
	}
	for _, w := range want {
		if t.has(w.name) {
			continue
		}
		if err := c.exec(fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s%s", quote(t.name), quote(w.name), w.sqlType())); err != nil {
			return nil, err
		}
	}
	t.columns = merged
	return t, c.describe(t)
}

func (c *conn) create(t *table) (*table, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", quote(t.name))
	for _, col := range t.columns {
		fmt.Fprintf(&b, "  %s%s,\n", quote(col.name), col.sqlType())
	}
	// Without a rowid the rows themselves lie in the order of the key, in
	// which they arrive; there is one tree to write, not two.
	fmt.Fprintf(&b, "  %s INTEGER,\n  %s INTEGER NOT NULL,\n  %s BLOB PRIMARY KEY\n) WITHOUT ROWID", versionColumn, revisionColumn, keyColumn)
	if err := c.exec(b.String()); err != nil {
		return nil, err
	}
	if err := c.exec("INSERT INTO fh_tables (table_name, entity, feature_set, format) VALUES (?, ?, ?, ?)", t.name, t.entity, t.set, int64(format)); err != nil {
		return nil, err
	}
	return t, c.describe(t)
}

// describe writes the columns of a table into the catalogue.
func (c *conn) describe(t *table) error {
	if err := c.exec("DELETE FROM fh_columns WHERE table_name = ?", t.name); err != nil {
		return err
	}
	for i, col := range t.columns {
		err := c.exec("INSERT INTO fh_columns (table_name, position, name, type, role) VALUES (?, ?, ?, ?, ?)", t.name, int64(i), col.name, col.typeName(), col.role)
		if err != nil {
			return err
		}
	}
	return nil
}

// schemaVersion changes whenever any process changes a table.
const schemaVersion = "PRAGMA schema_version"
