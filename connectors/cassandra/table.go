package cassandra

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// table is a table as the cluster describes it, with the labels that this
// package keeps in its comment. Names, types and keys are the cluster's; a
// table that somebody else made has no labels and will do when it fits.
type table struct {
	keyspace, name string
	columns        []stored
	labels         labels
	dropped        map[string]bool // names of columns that were dropped once
}

// stored is a column of a table.
type stored struct {
	name, cql string
	kind      string // partition_key, clustering, regular or static
	position  int
}

// labels tell what Cassandra's own description cannot: which feature set a
// column belongs to, the order of the columns, and their exact types.
type labels struct {
	Format  int     `json:"featurehost"` // labelFormat; 0 when there are none
	Entity  string  `json:"entity"`
	Set     string  `json:"set,omitempty"` // "" in a shared table
	Columns []label `json:"columns"`
}

// label describes a column.
type label struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Role string `json:"role"`
	Set  string `json:"set,omitempty"` // in a shared table: its owner
}

const labelFormat = 1

// describe reads a table; nil when there is none.
func describe(ctx context.Context, c client, keyspace, name string) (*table, error) {
	t := &table{keyspace: keyspace, name: name, dropped: map[string]bool{}}
	found := false
	where := " FROM system_schema.%s WHERE keyspace_name = ? AND table_name = ?"
	args := []any{text(keyspace), text(name)}
	err := c.read(ctx, "SELECT comment"+fmt.Sprintf(where, "tables"), args, func(row []cell) error {
		found = true
		var l labels
		if json.Unmarshal(row[0], &l) == nil && l.Format > 0 {
			t.labels = l
		}
		return nil
	})
	if err != nil || !found {
		return nil, err
	}
	if t.labels.Format > labelFormat {
		return nil, fault.New(NotOurs, "the table's description has format %d, this featurehost knows %d", t.labels.Format, labelFormat).
			At("table %s.%s", keyspace, name).WithHint("use the featurehost that made it")
	}
	err = c.read(ctx, "SELECT column_name, type, kind, position"+fmt.Sprintf(where, "columns"), args, func(row []cell) error {
		s := stored{name: string(row[0]), cql: string(row[1]), kind: string(row[2])}
		if len(row[3]) == 4 {
			s.position = int(int32(binary.BigEndian.Uint32(row[3])))
		}
		t.columns = append(t.columns, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.read(ctx, "SELECT column_name"+fmt.Sprintf(where, "dropped_columns"), args, func(row []cell) error {
		t.dropped[string(row[0])] = true
		return nil
	})
	return t, err
}

// column finds a column.
func (t *table) column(name string) (stored, bool) {
	at := slices.IndexFunc(t.columns, func(s stored) bool { return s.name == name })
	if at < 0 {
		return stored{}, false
	}
	return t.columns[at], true
}

// label finds the label of a column.
func (t *table) label(name string) (label, bool) {
	at := slices.IndexFunc(t.labels.Columns, func(l label) bool { return l.Name == name })
	if at < 0 {
		return label{}, false
	}
	return t.labels.Columns[at], true
}

// keys are the key columns: the partition key, then the clustering ones.
func (t *table) keys() (partition, clustering []stored) {
	for _, s := range t.columns {
		switch s.kind {
		case "partition_key":
			partition = append(partition, s)
		case "clustering":
			clustering = append(clustering, s)
		}
	}
	order := func(a, b stored) int { return cmp.Compare(a.position, b.position) }
	slices.SortFunc(partition, order)
	slices.SortFunc(clustering, order)
	return partition, clustering
}

// owned are the labelled columns of a set that its feature table may lose.
func (t *table) owned(set string) []label {
	var out []label
	for _, l := range t.labels.Columns {
		_, there := t.column(l.Name)
		if l.Role == roleFeature && there && (l.Set == "" || l.Set == set) {
			out = append(out, l)
		}
	}
	return out
}

// difference is one way in which a table does not fit.
type difference struct {
	code   fault.Code
	kind   string // what has to be done: see the constants
	column column // wanted
	name   string // of a column that is too many
	text   string
}

// Kinds of differences.
const (
	another = "another's" // the table belongs to another set
	keysNot = "keys"
	missing = "missing"
	lost    = "lost" // the set has it no more
	retyped = "retyped"
	buried  = "buried" // was dropped once
	clash   = "clash"
)

// compare holds a table against what a feature set wants.
func (t *table) compare(want target) []difference {
	var out []difference
	add := func(code fault.Code, kind string, c column, message string, args ...any) {
		out = append(out, difference{code: code, kind: kind, column: c, name: c.name, text: fmt.Sprintf(message, args...)})
	}
	set := want.set
	if want.shared {
		set = ""
	}
	if l := t.labels; l.Format > 0 && (l.Entity != want.entity || l.Set != set) {
		add(NotOurs, another, column{}, "the table belongs to %s, not to %s", owner(l.Entity, l.Set), owner(want.entity, set))
		return out
	}
	partition, clustering := t.keys()
	have := append(append([]stored{}, partition...), clustering...)
	keys := want.keys()
	same := len(partition) == 1 && len(have) == len(keys)
	for i := 0; same && i < len(keys); i++ {
		same = have[i].name == keys[i].name && have[i].cql == cqlType(keys[i].typ)
	}
	if !same {
		add(SchemaChange, keysNot, column{}, "the table's keys are %s, the feature set's %s", printKeys(partition, clustering), printWanted(keys))
		return out
	}
	for _, w := range want.columns[len(keys):] {
		s, there := t.column(w.name)
		l, labelled := t.label(w.name)
		switch {
		case t.dropped[w.name]:
			add(SchemaChange, buried, w, "column %q was dropped once: Cassandra hides its values of a write time before that", w.name)
		case !there:
			add(SchemaChange, missing, w, "the table has no column %q %s", w.name, cqlType(w.typ))
		case want.shared && w.role == roleFeature && labelled && l.Set != want.set:
			add(ColumnClash, clash, w, "column %q belongs to feature set %q of the entity", w.name, l.Set)
		case s.kind != "regular":
			add(SchemaChange, retyped, w, "column %q is %s in the table", w.name, s.kind)
		case s.cql != cqlType(w.typ):
			add(SchemaChange, retyped, w, "column %q is %s in the table, %s in the feature set", w.name, s.cql, cqlType(w.typ))
		}
	}
	for _, l := range t.owned(want.set) {
		if !want.has(l.Name) {
			out = append(out, difference{code: SchemaChange, kind: lost, name: l.Name, text: fmt.Sprintf("column %q of the table is not in the feature set", l.Name)})
		}
	}
	return out
}

// fits refuses a table that a feature set cannot use. Unless strict, columns
// that the set has lost are let be: a prepared write of an older shape must
// still be publishable, and sets them to null; features that the table has lost
// are not wanted then (see ensure). A set that is new in a shared table brings
// its columns along.
func (t *table) fits(want target, strict bool) error {
	for _, d := range t.compare(want) {
		if d.kind == lost && (!strict || want.shared) || d.kind == missing && want.shared && t.joins(want) {
			continue
		}
		e := fault.New(d.code, "%s", d.text).At("table %s", want.place())
		switch {
		case d.kind == missing && !strict:
			return e.WithHint(`run "featurehost migrate" with the pipeline file that made the rows, which adds the column`)
		case d.kind == missing || d.kind == lost:
			return e.WithHint(`run "featurehost migrate", which shows what it takes`)
		case d.kind == another:
			return e.WithHint("rename the set, or use another keyspace")
		}
		return e.WithHint("give the feature or the set a new name")
	}
	return nil
}

func owner(entity, set string) string {
	if set == "" {
		return fmt.Sprintf("entity %q", entity)
	}
	return fmt.Sprintf("feature set %q of entity %q", set, entity)
}

func printKeys(partition, clustering []stored) string {
	list := func(in []stored) string {
		out := make([]string, len(in))
		for i, s := range in {
			out[i] = s.name + " " + s.cql
		}
		return strings.Join(out, ", ")
	}
	if len(clustering) == 0 {
		return fmt.Sprintf("((%s))", list(partition))
	}
	return fmt.Sprintf("((%s), %s)", list(partition), list(clustering))
}

func printWanted(keys []column) string {
	out := make([]stored, len(keys))
	for i, k := range keys {
		out[i] = stored{name: k.name, cql: cqlType(k.typ)}
	}
	return printKeys(out[:1], out[1:])
}

// relabelled gives the labels that the table should have: those of the set
// renewed, those of other sets kept. Columns that are in the table and not in
// the set keep theirs, so that writes go on setting them to null; an older
// shape of the set changes nothing.
func (t *table) relabelled(want target) labels {
	out := labels{Format: labelFormat, Entity: want.entity, Set: want.set}
	owner := ""
	if want.shared {
		out.Set, owner = "", want.set
	}
	for _, w := range want.columns {
		l := label{Name: w.name, Type: schema.TypeName(w.typ), Role: w.role}
		if w.role == roleFeature || w.role == roleVersion {
			l.Set = owner
		}
		out.Columns = append(out.Columns, l)
	}
	if t == nil {
		return out
	}
	known := !slices.ContainsFunc(out.Columns, func(l label) bool { return !slices.Contains(t.labels.Columns, l) })
	older := slices.ContainsFunc(t.owned(want.set), func(l label) bool { return !want.has(l.Name) })
	if known && older {
		return t.labels
	}
	for _, l := range t.labels.Columns {
		_, there := t.column(l.Name)
		if there && !want.has(l.Name) {
			out.Columns = append(out.Columns, l)
		}
	}
	return out
}

// comment writes labels as the table's comment holds them. In a shared table
// the order of the sets must not depend on who wrote last.
func (l labels) comment() string {
	slices.SortStableFunc(l.Columns, func(a, b label) int { return cmp.Compare(a.Set, b.Set) })
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // texts and a number always have a form
	}
	return string(b)
}

// createSQL makes the table of a feature set.
func (t target) createSQL() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s (", t.quoted())
	for _, c := range t.columns {
		fmt.Fprintf(&b, "%s %s, ", quote(c.name), cqlType(c.typ))
	}
	keys := t.keys()
	fmt.Fprintf(&b, "PRIMARY KEY ((%s)", quote(keys[0].name))
	for _, k := range keys[1:] {
		b.WriteString(", " + quote(k.name))
	}
	fmt.Fprintf(&b, ")) WITH comment = %s", quoteText((*table)(nil).relabelled(t).comment()))
	return b.String()
}

// addSQL adds columns in one statement.
func (t target) addSQL(columns []column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = quote(c.name) + " " + cqlType(c.typ)
	}
	return fmt.Sprintf("ALTER TABLE %s ADD (%s)", t.quoted(), strings.Join(parts, ", "))
}

// labelSQL renews the comment.
func (t target) labelSQL(l labels) string {
	return fmt.Sprintf("ALTER TABLE %s WITH comment = %s", t.quoted(), quoteText(l.comment()))
}

// typed is the type of a stored column: its label's when that fits, or what
// Cassandra's own type says.
func (t *table) typed(s stored) arrow.DataType {
	if l, ok := t.label(s.name); ok {
		if typ, err := schema.ParseType(l.Type); err == nil && cqlType(typ) == s.cql {
			return typ
		}
	}
	return typeOf(s.cql)
}
