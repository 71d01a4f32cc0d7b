package online

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// Vectors reads the online store that a sink fills. It is safe for several
// goroutines, which take turns; a service that wants more opens more.
type Vectors struct {
	mu     sync.Mutex
	c      *conn
	ttl    time.Duration // 0 is for ever
	now    func() time.Time
	schema *statement
	tables map[string]*reading
}

// reading is a table with the statement that reads a key.
type reading struct {
	table   *table
	get     *statement
	version int64 // of the database's schema
}

var _ flow.Vectors = (*Vectors)(nil)

// OpenVectors opens the store of a [[sink]] table of type "online".
func OpenVectors(cfg config.Sink, at parts.Place) (flow.Vectors, error) {
	path, err := database(cfg, at)
	if err != nil {
		return nil, err
	}
	// SQLite would say only that it cannot open the file.
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(NoDatabase, "there is no online store yet").At("%s", path).WithHint("run the pipeline first")
	} else if err != nil {
		return nil, failed(err, path)
	}
	var ttl time.Duration
	if cfg.TTL != nil {
		ttl = cfg.TTL.Duration()
	}
	c, err := open(path, forReading, readerPatience)
	if err != nil {
		return nil, err
	}
	s, err := c.prepare(schemaVersion)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return &Vectors{c: c, ttl: ttl, now: time.Now, schema: s, tables: map[string]*reading{}}, nil
}

// Close implements flow.Vectors. It may be called twice.
func (v *Vectors) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.c == nil {
		return nil
	}
	for _, r := range v.tables {
		r.get.close()
	}
	v.schema.close()
	c := v.c
	v.c, v.tables = nil, nil
	return c.close()
}

// reading gives a table as it is now. Columns may be added while it is open.
func (v *Vectors) reading(ctx context.Context, entity, set string) (*reading, error) {
	if v.c == nil {
		return nil, fault.New(DiskRefused, "the online store is closed")
	}
	var version int64
	err := v.schema.each(ctx, nil, func(row []driver.Value) error {
		version, _ = row[0].(int64)
		return nil
	})
	if err != nil {
		return nil, err
	}
	name := tableName(entity, set)
	known := v.tables[name]
	if known != nil && known.version == version && known.table.entity == entity {
		return known, nil
	}
	if known != nil {
		known.get.close()
		delete(v.tables, name)
	}
	t, err := v.c.table(ctx, entity, set)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fault.New(NoTable, "feature set %q of entity %q was never published", set, entity).At("%s", v.c.path).WithHint("run the pipeline first")
	}
	get, err := v.c.prepare(selectSQL(t) + " WHERE " + keyColumn + " = ?")
	if err != nil {
		return nil, err
	}
	r := &reading{table: t, get: get, version: version}
	v.tables[name] = r
	return r, nil
}

func selectSQL(t *table) string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = quote(c.name)
	}
	return fmt.Sprintf("SELECT %s FROM %s", strings.Join(names, ", "), quote(t.name))
}

// Get implements flow.Vectors. A key that holds a null has no text: All finds it.
func (v *Vectors) Get(ctx context.Context, entity, set string, keys map[string]string) (out flow.Vector, ok bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r, err := v.reading(ctx, entity, set)
	if err != nil {
		return out, false, err
	}
	key, err := r.table.keyOf(keys)
	if err != nil {
		return out, false, err
	}
	err = r.get.each(ctx, []driver.NamedValue{{Ordinal: 1, Value: key}}, func(row []driver.Value) error {
		out, ok, err = v.vector(r.table, row)
		return err
	})
	return out, ok && err == nil, err
}

// All implements flow.Vectors. The vectors are those of one moment; f must
// not call the store.
func (v *Vectors) All(ctx context.Context, entity, set string, f func(flow.Vector) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	r, err := v.reading(ctx, entity, set)
	if err != nil {
		return err
	}
	return v.c.each(ctx, selectSQL(r.table), nil, func(row []driver.Value) error {
		out, ok, err := v.vector(r.table, row)
		if err != nil || !ok {
			return err
		}
		return f(out)
	})
}

// vector reads a row; ok is false when its time is over (S-1307).
func (v *Vectors) vector(t *table, row []driver.Value) (out flow.Vector, ok bool, err error) {
	n := len(t.columns)
	out = flow.Vector{Columns: make([]string, n), Types: make([]string, n), Values: make([]any, n)}
	for i, c := range t.columns {
		x, err := decode(c.typ, row[i])
		if err != nil {
			return out, false, fault.Wrap(err, Damaged, "column %q of table %q cannot be read back", c.name, t.name).At("%s", v.c.path)
		}
		if c.role == roleTimestamp && v.ttl > 0 {
			if at, there := x.(int64); !there || !staged.Visible(at, v.ttl, v.now()) {
				return out, false, nil
			}
		}
		out.Columns[i], out.Types[i], out.Values[i] = c.name, c.typeName(), staged.Present(c.typ, x)
	}
	return out, true, nil
}
