package config

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/featurehost/featurehost/abi/schema"
)

const (
	semanticsDefault = "featurehost"
	semanticsCompat  = "butterfree"
)

func (d *decoder) featureSet(t *table) *FeatureSet {
	fs := &FeatureSet{
		Name:            d.name(t, "name"),
		Entity:          d.name(t, "entity"),
		Description:     t.val("description"),
		Semantics:       or(t.val("semantics"), semanticsDefault),
		DeduplicateRows: true,
		NullKeys:        t.val("null_keys"),
	}
	if v, ok := get[bool](t, "deduplicate_rows"); ok {
		fs.DeduplicateRows = v
	}
	if order, ok := get[*table](t, "order"); ok {
		fs.OrderArrival, fs.OrderSequence = order.val("arrival"), order.val("sequence")
		d.notEmpty(order, "arrival", "sequence")
		if !d.has(join(order.path, "arrival")) && !d.has(join(order.path, "sequence")) && len(order.meant) == 0 {
			d.bad(order.path, atValue, MissingKey, `write arrival = "..." or sequence = "..."`, "order names no column")
		}
	}
	fs.Timestamp = d.timestamp(t)
	names := columnNames{d: d, seen: map[string]string{}, features: map[string]string{}}
	fs.Keys = d.keys(t, fs.Semantics, &names)
	if w, ok := get[*table](t, "windows"); ok {
		fs.Windows = d.windows(w, fs.Semantics)
	}
	if p, ok := get[*table](t, "pivot"); ok {
		fs.Pivot = d.pivot(p, fs.Semantics)
	}
	if u, ok := get[*table](t, "distinct"); ok {
		fs.Distinct = &Distinct{Subset: u.names("subset"), Keep: or(u.val("keep"), "last")}
	}
	d.features(t, fs, &names)
	return fs
}

func (d *decoder) timestamp(t *table) Timestamp {
	ts := Timestamp{From: "timestamp"}
	tt, ok := get[*table](t, "timestamp")
	if !ok {
		return ts
	}
	d.notEmpty(tt, "from", "mask")
	ts = Timestamp{From: or(tt.val("from"), ts.From), Unit: tt.val("unit"), Mask: tt.val("mask")}
	if d.has(join(tt.path, "unit")) && d.has(join(tt.path, "mask")) {
		d.bad(join(tt.path, "unit"), atKey, Contradiction, "keep mask for text, or unit for a number", `"mask" and "unit" cannot both be given`)
	}
	return ts
}

// columnNames finds two columns of one name (S-601). Names are compared
// without case, for SQLite and the SQL engine do so.
type columnNames struct {
	d        *decoder
	seen     map[string]string // name in lower case, to the path that holds it
	features map[string]string // the same of features whose columns have longer names
}

// addFeature reports a feature's name that is taken: by a column, when the
// feature makes a column of its very name, or by another feature.
func (c *columnNames) addFeature(path string, name text, isColumn bool) {
	if isColumn {
		c.add(path, name)
		return
	}
	if !c.d.plainName(path, name) {
		return
	}
	key := strings.ToLower(name.val)
	if before, taken := c.features[key]; taken {
		c.d.bad(path, atValue, DuplicateName, "rename one, or give one feature all functions", "%s is the name of two features; the other is on line %d", c.d.quote(path, name), c.d.span(before, atValue).Line)
		return
	}
	c.features[key] = path
}

// add reports the name of a column that is taken, by another one or by the
// partitions of the historical store.
func (c *columnNames) add(path string, name text) {
	d := c.d
	if !d.plainName(path, name) {
		return
	}
	key := strings.ToLower(name.val)
	switch key {
	case "timestamp":
		d.bad(path, atValue, DuplicateName, "rename it; the event time is described by timestamp = { ... }", "%s is the name of the event time's column", d.quote(path, name))
		return
	case "year", "month", "day":
		d.bad(path, atValue, DuplicateName, "rename it", "%s is the name of a partition column of the historical store", d.quote(path, name))
		return
	}
	if before, taken := c.seen[key]; taken {
		d.bad(path, atValue, DuplicateName, "rename one", "%s is the name of two columns; the other is on line %d", d.quote(path, name), d.span(before, atValue).Line)
		return
	}
	c.seen[key] = path
}

func (d *decoder) keys(t *table, semantics string, names *columnNames) []Key {
	var out []Key
	tables, ok := get[[]*table](t, "keys")
	if ok && len(tables) == 0 {
		d.bad(join(t.path, "keys"), atValue, MissingKey, `write keys = [{ name = "...", type = "..." }]`, "a feature set needs at least one key")
	}
	for _, kt := range tables {
		name, hasName := get[text](kt, "name")
		if hasName {
			names.add(join(kt.path, "name"), name)
		}
		d.notEmpty(kt, "from")
		typ, hasType := get[text](kt, "type")
		if hasType && semantics == semanticsDefault {
			at := join(kt.path, "type")
			switch parsed, _ := schema.ParseType(typ.val); parsed.ID() {
			case arrow.FLOAT32, arrow.FLOAT64:
				d.bad(at, atValue, BadValue, `use a text or whole number, or semantics = "butterfree"`, "a key cannot be of type %s: floating-point numbers do not name things", d.quote(at, typ))
			}
		}
		k := Key{Name: name.val, Type: typ.val, From: kt.val("from"), Description: kt.val("description"), H3: d.h3(kt)}
		k.Stack, k.Regex = d.stack(kt)
		d.exclusive(kt, "h3", "stack", "from")
		if !d.has(join(kt.path, "h3")) && !d.has(join(kt.path, "stack")) {
			k.From = or(k.From, k.Name)
		}
		if h3 := join(kt.path, "h3"); k.H3 != nil && !k.H3.Stack && !d.has(join(h3, "stack")) {
			d.bad(h3, atValue, MissingKey, "add stack = true: one row for each cell", "a key is one column, and cells are one column each")
		} else if k.H3 != nil && !k.H3.Stack {
			d.bad(join(h3, "stack"), atValue, Contradiction, "write stack = true", "a key is one column, and cells that are not stacked are one column each")
		}
		out = append(out, k)
	}
	return out
}

// pivot reads the values that tell aggregates apart.
func (d *decoder) pivot(t *table, semantics string) *Pivot {
	d.notEmpty(t, "column")
	p := &Pivot{Column: t.val("column"), Values: d.values(t, "values")}
	at := join(t.path, "values")
	if d.emptyList(t, "values") {
		d.bad(at, atValue, BadValue, `as in ["a", "b"]`, `"values" %s is empty`, tableName(t.path))
	}
	list, _ := get[[]item[any]](t, "values")
	seen := map[string]int{} // names without case, to the element that makes them
	for i, it := range list {
		v := it.val
		if s, ok := v.(text); ok {
			v = s.val
		}
		name := strings.ToLower(PivotName(v, semantics))
		if before, taken := seen[name]; taken && list[before].val != it.val {
			d.bad(it.path, atValue, DuplicateName, "take one of the two apart in [query], or rename it by a replace stage",
				"values %d and %d make columns of one name: characters that names cannot have become \"_\", and case does not count", before+1, i+1)
			continue
		}
		seen[name] = i
	}
	return p
}
