package cassandra

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// timestampColumn is the event time in every table; with write_to_entity it is
// the greatest of the sets that share the row.
const timestampColumn = "timestamp"

// versionSuffix makes the name of the column that holds a set's own timestamp
// in a shared table (S-1305).
const versionSuffix = "__timestamp"

// Roles of columns.
const (
	roleKey       = "key"
	roleTimestamp = "timestamp"
	roleVersion   = "version" // a set's timestamp in a shared table
	roleFeature   = "feature"
)

// column is one column that a feature set wants of its table.
type column struct {
	name string
	typ  arrow.DataType
	role string
	from int // place in the feature table
}

// target is the table of a feature set: where it is and what it must hold.
type target struct {
	keyspace, entity, set string
	shared                bool // write_to_entity
	columns               []column
}

// name is that of the table: the embedded store's, so that people find it.
func (t target) name() string {
	if t.shared {
		return t.entity
	}
	return t.entity + "__" + t.set
}

// place is the table as messages name it.
func (t target) place() string { return t.keyspace + "." + t.name() }

// quoted is the table as statements name it.
func (t target) quoted() string { return quote(t.keyspace) + "." + quote(t.name()) }

// version is the column that holds the set's own timestamp.
func (t target) version() string {
	if t.shared {
		return t.set + versionSuffix
	}
	return timestampColumn
}

// keys are the key columns, the partition key first.
func (t target) keys() []column {
	at := slices.IndexFunc(t.columns, func(c column) bool { return c.role != roleKey })
	return t.columns[:at]
}

// timestamp is the place of the event time in the feature table.
func (t target) timestamp() int {
	at := slices.IndexFunc(t.columns, func(c column) bool { return c.role == roleTimestamp })
	return t.columns[at].from
}

// has finds a wanted column.
func (t target) has(name string) bool {
	return slices.ContainsFunc(t.columns, func(c column) bool { return c.name == name })
}

// without leaves out features by name, and tells which.
func (t target) without(names map[string]bool) (kept target, gone []string) {
	kept = t
	kept.columns = nil
	for _, c := range t.columns {
		if c.role == roleFeature && names[c.name] {
			gone = append(gone, c.name)
			continue
		}
		kept.columns = append(kept.columns, c)
	}
	return kept, gone
}

// tableName is what Cassandra takes for the name of a table.
var tableName = regexp.MustCompile(`^\w+$`)

// Limits of Cassandra for the name of a table: since 5.0, and before.
const (
	longestName    = 222
	longestOldName = 48
)

// targetOf checks the schema of a feature table: keys, timestamp, features.
func targetOf(keyspace string, shared bool, run flow.Run, in *flow.Schema) (target, error) {
	t := target{keyspace: keyspace, entity: run.Entity, set: run.Set, shared: shared}
	if err := t.checkNames(); err != nil {
		return t, err
	}
	at := in.FieldIndices(timestampColumn)
	if len(at) != 1 {
		return t, fault.New(BadColumn, "%d columns named %q: one is needed", len(at), timestampColumn)
	}
	if !arrow.TypeEqual(in.Field(at[0]).Type, schema.Timestamp()) {
		return t, fault.New(BadColumn, "column %q has type %s: timestamp[us, UTC] is needed", timestampColumn, in.Field(at[0]).Type)
	}
	if at[0] == 0 {
		return t, fault.New(BadColumn, "there is no key column before %q", timestampColumn)
	}
	seen := map[string]bool{}
	for i, f := range in.Fields() {
		switch {
		case seen[f.Name]:
			return t, fault.New(BadColumn, "two columns are named %q", f.Name)
		case f.Name == "" || strings.ContainsRune(f.Name, 0):
			return t, fault.New(BadColumn, "column %d has a name that Cassandra does not take", i+1).WithHint("rename the key or feature")
		case shared && strings.HasSuffix(f.Name, versionSuffix):
			return t, fault.New(BadColumn, "column %q has a name that a table of several sets keeps for itself", f.Name).WithHint("rename the key or feature")
		case !staged.Storable(f.Type):
			return t, fault.New(BadColumn, "column %q has type %s, which is no feature type", f.Name, f.Type).WithHint("declare a type for it")
		}
		seen[f.Name] = true
		role := roleFeature
		switch {
		case i < at[0]:
			role = roleKey
		case i == at[0]:
			role = roleTimestamp
		}
		t.columns = append(t.columns, column{name: f.Name, typ: f.Type, role: role, from: i})
		if shared && role == roleTimestamp {
			t.columns = append(t.columns, column{name: t.version(), typ: f.Type, role: roleVersion, from: i})
		}
	}
	return t, nil
}

// checkNames refuses names that make no table.
func (t target) checkNames() error {
	switch {
	case t.entity == "" || t.set == "" || !tableName.MatchString(t.entity) || !tableName.MatchString(t.set):
		return fault.New(BadColumn, "entity %q and set %q make no table", t.entity, t.set).WithHint("use letters, digits and underscores")
	case len(t.name()) > longestName:
		return t.tooLong(longestName)
	}
	return nil
}

func (t target) tooLong(limit int) error {
	return fault.New(BadColumn, "table name %q has %d letters, more than the %d that this Cassandra takes", t.name(), len(t.name()), limit).
		WithHint("shorten the name of the set or the entity")
}

// nameable refuses a name for a new table that an older server does not take.
func (t target) nameable(ctx context.Context, c client) error {
	if len(t.name()) <= longestOldName {
		return nil
	}
	return c.read(ctx, "SELECT release_version FROM system.local", nil, func(row []cell) error {
		major, _, _ := strings.Cut(string(row[0]), ".")
		if n, err := strconv.Atoi(major); err == nil && n < 5 {
			return t.tooLong(longestOldName)
		}
		return nil
	})
}

// cqlType is the type of a column as Cassandra writes it (S-401).
func cqlType(t arrow.DataType) string {
	switch x := t.(type) {
	case *arrow.TimestampType:
		return "timestamp"
	case *arrow.Date32Type:
		return "date"
	case *arrow.BooleanType:
		return "boolean"
	case *arrow.Int32Type:
		return "int"
	case *arrow.Int64Type:
		return "bigint"
	case *arrow.Float32Type:
		return "float"
	case *arrow.Float64Type:
		return "double"
	case *arrow.Decimal128Type:
		return "decimal"
	case *arrow.BinaryType:
		return "blob"
	case *arrow.ListType:
		return "frozen<list<" + cqlType(x.Elem()) + ">>"
	}
	return "text"
}

// typeOf reads a type of Cassandra, where no label tells more; nil when it is
// none of ours.
func typeOf(cql string) arrow.DataType {
	name, ok := map[string]string{
		"timestamp": "timestamp", "date": "date", "boolean": "boolean", "int": "integer", "bigint": "bigint",
		"float": "float", "double": "double", "decimal": "decimal(38,0)", "blob": "binary", "text": "string",
	}[cql]
	if ok {
		t, err := schema.ParseType(name)
		if err != nil {
			return nil
		}
		return t
	}
	inner, ok := strings.CutPrefix(cql, "frozen<list<")
	if !ok {
		return nil
	}
	if elem := typeOf(strings.TrimSuffix(inner, ">>")); elem != nil && !arrow.IsNested(elem.ID()) {
		return arrow.ListOf(elem)
	}
	return nil
}

// quote makes an identifier of any name, in its own case.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quoteText makes a text constant.
func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
