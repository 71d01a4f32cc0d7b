package online

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
)

// Sets that share an entity (S-1305) keep the tables they would have alone, and
// with them their own versions; a view named by the entity shows them as one
// table, a row per key. So a set joins or leaves without a row being moved.

// entities lists the sets that share a view.
const entities = `
CREATE TABLE IF NOT EXISTS fh_entities (
  entity TEXT NOT NULL, feature_set TEXT NOT NULL, PRIMARY KEY (entity, feature_set)
) WITHOUT ROWID`

// versionSuffix makes the name of a set's own timestamp in the view.
const versionSuffix = "__timestamp"

// maxSets is how many sets can share a view: it keeps below SQLite's limit of 64
// tables in a join.
const maxSets = 60

// sharers gives the tables of the sets that share an entity; known tells
// whether there is a view.
func (c *conn) sharers(ctx context.Context, entity string) (out []*table, known bool, err error) {
	there, err := c.has(ctx, "fh_entities")
	if err != nil || !there {
		return nil, false, err
	}
	var sets []string
	err = c.each(ctx, "SELECT feature_set FROM fh_entities WHERE entity = ? ORDER BY feature_set", []driver.Value{entity}, func(v []driver.Value) error {
		set, ok := v[0].(string)
		if !ok {
			return fault.New(Damaged, "fh_entities names a set %v", v[0]).At("%s", c.path)
		}
		sets = append(sets, set)
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	for _, set := range sets {
		t, err := c.table(ctx, entity, set)
		if err != nil {
			return nil, false, err
		}
		if t != nil {
			out = append(out, t)
		}
	}
	return out, len(sets) > 0, nil
}

// joins refuses a set whose columns are those of another set of the entity.
func (c *conn) joins(ctx context.Context, entity, set string, want []column) error {
	others, known, err := c.sharers(ctx, entity)
	if err != nil {
		return err
	}
	if !known {
		taken, err := c.has(ctx, entity)
		if err == nil && taken {
			err = fault.New(NotOurs, "there is a table %q already, so no view of the entity can have that name", entity).At("%s", c.path).
				WithHint("rename it, or use another path")
		}
		if err != nil {
			return err
		}
	}
	others = slices.DeleteFunc(others, func(o *table) bool { return o.set == set })
	if len(others) >= maxSets {
		return fault.New(BadColumn, "entity %q has %d other sets, as many as can share a view", entity, len(others)).At("%s", c.path).
			WithHint("give the set an entity of its own, or another path")
	}
	mine := &table{name: entity, columns: want}
	for _, o := range others {
		if have, set := describe(o.keys()), describe(mine.keys()); have != set {
			return mine.changed("the keys of feature set %q are (%s), this set's (%s)", o.set, have, set)
		}
		for _, w := range want[len(mine.keys()):] {
			for _, h := range o.columns {
				if w.role == roleFeature && strings.EqualFold(w.name, h.name) {
					return mine.changed("column %q belongs to feature set %q of the entity", w.name, o.set)
				}
			}
		}
	}
	for _, w := range want {
		if strings.HasSuffix(strings.ToLower(w.name), versionSuffix) {
			return fault.New(BadColumn, "column %q has a name that the view of an entity keeps for itself", w.name).WithHint("rename the key or feature")
		}
	}
	return nil
}

// share puts a set into the view of its entity, inside a transaction.
func (c *conn) share(ctx context.Context, t *table) error {
	if err := c.joins(ctx, t.entity, t.set, t.columns); err != nil {
		return err
	}
	if err := c.exec(entities); err != nil {
		return err
	}
	if err := c.exec("INSERT OR IGNORE INTO fh_entities (entity, feature_set) VALUES (?, ?)", t.entity, t.set); err != nil {
		return err
	}
	all, _, err := c.sharers(ctx, t.entity)
	if err != nil {
		return err
	}
	want := viewSQL(t.entity, all)
	row, err := c.one(ctx, "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?", t.entity)
	if err != nil || row != nil && row[0] == want {
		return err
	}
	if row != nil {
		if err := c.exec("DROP VIEW " + quote(t.entity)); err != nil {
			return err
		}
	}
	return c.exec(want)
}

// viewSQL shows the tables of an entity's sets as one.
func viewSQL(entity string, sets []*table) string {
	pick := func(name string) []string {
		out := make([]string, len(sets))
		for i := range sets {
			out[i] = fmt.Sprintf("s%d.%s", i, quote(name))
		}
		return out
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE VIEW %s AS SELECT ", quote(entity))
	for _, k := range sets[0].keys() {
		fmt.Fprintf(&b, "%s AS %s, ", first(pick(k.name)), quote(k.name))
	}
	fmt.Fprintf(&b, "%s AS %s", greatest(pick(timestampColumn)), quote(timestampColumn))
	for i, t := range sets {
		fmt.Fprintf(&b, ", s%d.%s AS %s", i, quote(timestampColumn), quote(t.set+versionSuffix))
		for _, c := range t.columns {
			if c.role == roleFeature {
				fmt.Fprintf(&b, ", s%d.%[2]s AS %[2]s", i, quote(c.name))
			}
		}
	}
	fmt.Fprintf(&b, ", k.%[1]s AS %[1]s FROM (", keyColumn)
	for i, t := range sets {
		if i > 0 {
			b.WriteString(" UNION ")
		}
		fmt.Fprintf(&b, "SELECT %s FROM %s", keyColumn, quote(t.name))
	}
	b.WriteString(") AS k")
	for i, t := range sets {
		fmt.Fprintf(&b, " LEFT JOIN %s AS s%d ON s%d.%[4]s = k.%[4]s", quote(t.name), i, i, keyColumn)
	}
	return b.String()
}

// first is the first value that is not null.
func first(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return "COALESCE(" + strings.Join(values, ", ") + ")"
}

// greatest is the greatest value that is not null; MAX of several values is
// null when one is.
func greatest(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	turned := make([]string, len(values))
	for i := range values {
		turned[i] = first(append(append([]string{}, values[i:]...), values[:i]...))
	}
	return "MAX(" + strings.Join(turned, ", ") + ")"
}
