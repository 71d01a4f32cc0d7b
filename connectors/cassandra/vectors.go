package cassandra

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

const (
	// readerPatience is how long a read is repeated: somebody waits for it.
	readerPatience = 5 * time.Second
	// readingAge is how long a table's description is good: columns that
	// migrate adds are seen after that.
	readingAge = 10 * time.Second
	// openPatience bounds the time to connect.
	openPatience = 30 * time.Second
)

// Vectors reads the tables that a sink fills. It is safe for several
// goroutines, which do not wait for each other.
type Vectors struct {
	c        client
	keyspace string
	shared   bool
	ttl      time.Duration
	now      func() time.Time

	mu     sync.Mutex
	tables map[string]*reading
	closed bool
}

// reading is a feature set's table as it was lately.
type reading struct {
	target  target
	columns []readColumn // those of a vector, then, in a shared table, the version
	query   string
	at      time.Time
}

type readColumn struct {
	name, typeName string
	typ            arrow.DataType
	role           string
}

var _ flow.Vectors = (*Vectors)(nil)

// OpenVectors opens the store of a [[sink]] table of type "online" with the
// store "cassandra".
func OpenVectors(cfg config.Sink, at parts.Place) (flow.Vectors, error) {
	return openVectors(cfg, at)
}

func openVectors(cfg config.Sink, at parts.Place) (*Vectors, error) {
	c, ttl, err := settings(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), openPatience)
	defer cancel()
	s, err := connect(ctx, &c, at, readerPatience)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fault.Wrap(err, Unreachable, "no connection could be made").At("cassandra %s", strings.Join(c.Hosts, ","))
	}
	if err != nil {
		return nil, err
	}
	return &Vectors{c: s, keyspace: c.Keyspace, shared: cfg.WriteToEntity, ttl: ttl, now: time.Now, tables: map[string]*reading{}}, nil
}

// Close implements flow.Vectors. It may be called twice.
func (v *Vectors) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed {
		v.closed = true
		v.c.close()
	}
	return nil
}

// reading gives the description of a table.
func (v *Vectors) reading(ctx context.Context, entity, set string) (*reading, error) {
	want := target{keyspace: v.keyspace, entity: entity, set: set, shared: v.shared}
	v.mu.Lock()
	known, closed := v.tables[want.name()+"/"+set], v.closed
	v.mu.Unlock()
	if closed {
		return nil, fault.New(NotOpen, "the store is closed")
	}
	if known != nil && v.now().Sub(known.at) < readingAge {
		return known, nil
	}
	t, err := describe(ctx, v.c, v.keyspace, want.name())
	if err != nil {
		return nil, err
	}
	never := fault.New(NoTable, "feature set %q of entity %q was never published", set, entity).At("table %s", want.place()).WithHint("run the pipeline first")
	if t == nil {
		return nil, never
	}
	if owner := set; t.labels.Format > 0 {
		if v.shared {
			owner = ""
		}
		if t.labels.Entity != entity || t.labels.Set != owner {
			return nil, never
		}
	}
	r, err := t.reading(want)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, never
	}
	r.at = v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tables[want.name()+"/"+set] = r
	return r, nil
}

// reading settles which columns a vector has, in which order: that of the
// labels, or keys, timestamp and the rest by name. It is nil when the table
// has none of the set.
func (t *table) reading(want target) (*reading, error) {
	partition, clustering := t.keys()
	keys := append(partition, clustering...)
	version, there := t.column(want.version())
	if !there || want.shared && t.labels.Format == 0 {
		return nil, nil
	}
	r := &reading{}
	add := func(s stored, role string) error {
		typ := t.typed(s)
		if typ == nil {
			return fault.New(Unreadable, "column %q has type %s, which is none of features", s.name, s.cql).At("table %s.%s", t.keyspace, t.name)
		}
		name := s.name
		if role == roleTimestamp {
			name = timestampColumn
		}
		r.columns = append(r.columns, readColumn{name: name, typ: typ, typeName: schema.TypeName(typ), role: role})
		return nil
	}
	for _, k := range keys {
		if err := add(k, roleKey); err != nil {
			return nil, err
		}
		want.columns = append(want.columns, column{name: k.name, typ: t.typed(k), role: roleKey})
	}
	want.columns = append(want.columns, column{name: timestampColumn, role: roleTimestamp})
	if err := add(version, roleTimestamp); err != nil {
		return nil, err
	}
	var features []stored
	for _, l := range t.owned(want.set) {
		s, _ := t.column(l.Name)
		features = append(features, s)
	}
	if t.labels.Format == 0 && !want.shared {
		for _, s := range t.columns {
			if s.kind == "regular" && s.name != timestampColumn && t.typed(s) != nil {
				features = append(features, s)
			}
		}
		slices.SortFunc(features, func(a, b stored) int { return strings.Compare(a.name, b.name) })
	}
	for _, s := range features {
		if err := add(s, roleFeature); err != nil {
			return nil, err
		}
	}
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = quote(c.name)
		if c.role == roleTimestamp {
			names[i] = quote(want.version())
		}
	}
	r.target = want
	r.query = "SELECT " + strings.Join(names, ", ") + " FROM " + want.quoted()
	return r, nil
}

// Get implements flow.Vectors.
func (v *Vectors) Get(ctx context.Context, entity, set string, keys map[string]string) (out flow.Vector, ok bool, err error) {
	r, err := v.reading(ctx, entity, set)
	if err != nil {
		return out, false, err
	}
	args, exists, err := r.keyOf(keys)
	if err != nil || !exists {
		return out, false, err
	}
	conditions := make([]string, len(args))
	for i, k := range r.target.keys() {
		conditions[i] = quote(k.name) + " = ?"
	}
	err = v.c.read(ctx, r.query+" WHERE "+strings.Join(conditions, " AND "), args, func(row []cell) error {
		out, ok, err = v.vector(r, row)
		return err
	})
	return out, ok && err == nil, err
}

// All implements flow.Vectors. Rows written meanwhile may or may not be among
// them; each is whole.
func (v *Vectors) All(ctx context.Context, entity, set string, f func(flow.Vector) error) error {
	r, err := v.reading(ctx, entity, set)
	if err != nil {
		return err
	}
	return v.c.read(ctx, r.query, nil, func(row []cell) error {
		out, ok, err := v.vector(r, row)
		if err != nil || !ok {
			return err
		}
		return f(out)
	})
}

// vector reads a row; ok is false when it is not visible: its time is over
// (S-1307), or it is another set's.
func (v *Vectors) vector(r *reading, row []cell) (out flow.Vector, ok bool, err error) {
	n := len(r.columns)
	out = flow.Vector{Columns: make([]string, n), Types: make([]string, n), Values: make([]any, n)}
	for i, c := range r.columns {
		x, err := decode(c.typ, row[i])
		if err != nil {
			return out, false, fault.Wrap(err, Unreadable, "column %q cannot be read", c.name).At("table %s", r.target.place())
		}
		if c.role == roleTimestamp {
			at, there := x.(int64)
			if r.target.shared && !there || v.ttl > 0 && (!there || !staged.Visible(at, v.ttl, v.now())) {
				return out, false, nil
			}
		}
		out.Columns[i], out.Types[i], out.Values[i] = c.name, c.typeName, staged.Present(c.typ, x)
	}
	return out, true, nil
}

// keyOf gives the key's values for texts by column name. exists is false for
// a key that no row can have.
func (r *reading) keyOf(texts map[string]string) (args []any, exists bool, err error) {
	want := r.target.keys()
	bad := func(message string, a ...any) error {
		return fault.New(BadKey, message, a...).At("table %s", r.target.place()).WithHint("the keys are %s", printWanted(want))
	}
	names := make([]string, 0, len(texts))
	for n := range texts {
		names = append(names, n)
	}
	slices.Sort(names) // the same message every time
	for _, n := range names {
		if !slices.ContainsFunc(want, func(c column) bool { return c.name == n }) {
			return nil, false, bad("%q is no key column", n)
		}
	}
	exists = true
	for i, c := range want {
		text, there := texts[c.name]
		if !there {
			return nil, false, bad("key column %q is missing", c.name)
		}
		value, err := staged.ParseKey(c.typ, text)
		if err != nil {
			return nil, false, bad("key column %q: %v", c.name, err)
		}
		if us, is := value.(int64); is && c.typ.ID() == arrow.TIMESTAMP && us%1000 != 0 {
			exists = false
		}
		b, err := bytesOf(c.typ, value)
		if err != nil {
			return nil, false, bad("key column %q: %v", c.name, err)
		}
		exists = exists && (i > 0 || len(b) > 0) && len(b) <= longestKey && (c.typ.ID() != arrow.STRING || validText(text))
		args = append(args, &b)
	}
	return args, exists, nil
}

// bytesOf gives a value in the form of the protocol.
func bytesOf(t arrow.DataType, value any) (cell, error) {
	b := array.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	if err := staged.Append(b, value); err != nil {
		return nil, err
	}
	arr := b.NewArray()
	defer arr.Release()
	return appendValue(cell{}, arr, 0)
}
