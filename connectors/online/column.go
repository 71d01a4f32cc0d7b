package online

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Columns of a table besides those of the feature set.
const (
	keyColumn       = "fh_key"              // canonical bytes of the keys: the primary key
	versionColumn   = "fh_timestamp"        // version: event time in us, null lowest
	revisionColumn  = staged.RevisionColumn // version: which computation of the cell
	reserved        = "fh_"
	timestampColumn = "timestamp"
	// maxColumns keeps a table below SQLite's limit of 2,000 columns.
	maxColumns = 1900
)

// Roles of columns.
const (
	roleKey       = "key"
	roleTimestamp = "timestamp"
	roleFeature   = "feature"
)

// column is one column of a feature set as its table keeps it.
type column struct {
	name string
	typ  arrow.DataType
	role string
}

// typeName is the type as a pipeline file writes it.
func (c column) typeName() string { return schema.TypeName(c.typ) }

// sqlType is the declared type in SQLite. Doubles have none: REAL would turn
// the texts `-0.0` back into a number and lose the sign.
func (c column) sqlType() string {
	switch c.typ.ID() {
	case arrow.TIMESTAMP, arrow.BOOL, arrow.INT32, arrow.INT64:
		return " INTEGER"
	case arrow.FLOAT32, arrow.FLOAT64:
		return ""
	case arrow.BINARY:
		return " BLOB"
	default:
		return " TEXT"
	}
}

// columnsOf checks the schema of a feature table: keys, timestamp, features.
func columnsOf(in *flow.Schema) ([]column, error) {
	at := in.FieldIndices(timestampColumn)
	if len(at) != 1 {
		return nil, fault.New(BadColumn, "%d columns named %q: one is needed", len(at), timestampColumn)
	}
	if !arrow.TypeEqual(in.Field(at[0]).Type, schema.Timestamp()) {
		return nil, fault.New(BadColumn, "column %q has type %s: timestamp[us, UTC] is needed", timestampColumn, in.Field(at[0]).Type)
	}
	if at[0] == 0 {
		return nil, fault.New(BadColumn, "there is no key column before %q", timestampColumn)
	}
	if in.NumFields() > maxColumns {
		return nil, fault.New(BadColumn, "%d columns are more than the %d that a table can have", in.NumFields(), maxColumns).
			WithHint("split the feature set")
	}
	out := make([]column, in.NumFields())
	seen := map[string]string{}
	for i, f := range in.Fields() {
		lower := strings.ToLower(f.Name)
		if before, twice := seen[lower]; twice {
			return nil, fault.New(BadColumn, "columns %q and %q are one name in SQLite, which ignores case", before, f.Name)
		}
		seen[lower] = f.Name
		if strings.HasPrefix(lower, reserved) || f.Name == "" || strings.ContainsRune(f.Name, 0) {
			return nil, fault.New(BadColumn, "column %q has a name that the online table keeps for itself", f.Name).WithHint("rename the key or feature")
		}
		if !staged.Storable(f.Type) {
			return nil, fault.New(BadColumn, "column %q has type %s, which is no feature type", f.Name, f.Type).WithHint("declare a type for it")
		}
		out[i] = column{name: f.Name, typ: f.Type, role: roleFeature}
		switch {
		case i < at[0]:
			out[i].role = roleKey
		case i == at[0]:
			out[i].role = roleTimestamp
		}
	}
	return out, nil
}
