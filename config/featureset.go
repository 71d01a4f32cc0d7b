package config

import (
	"fmt"
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
	names := columnNames{d: d, seen: map[string]string{}}
	fs.Keys = d.keys(t, fs.Semantics, &names)
	if w, ok := get[*table](t, "windows"); ok {
		fs.Windows = d.windows(w, fs.Semantics)
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
	d    *decoder
	seen map[string]string // name in lower case, to the path that holds it
}

// add reports a name that is taken. partitions says that names of partition
// columns are taken as well.
func (c *columnNames) add(path string, name text, partitions bool) {
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
		if partitions {
			d.bad(path, atValue, DuplicateName, "rename it", "%s is the name of a partition column of the historical store", d.quote(path, name))
			return
		}
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
			names.add(join(kt.path, "name"), name, true)
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
		out = append(out, Key{Name: name.val, Type: typ.val, From: or(kt.val("from"), name.val), Description: kt.val("description")})
	}
	return out
}

func (d *decoder) windows(t *table, semantics string) *Windows {
	w := &Windows{Rows: t.val("rows")}
	slide, written := get[TimeSpan](t, "slide")
	slidePath := join(t.path, "slide")
	slideOK := written && d.builtSpan(slidePath, slide, semantics)
	if !d.has(slidePath) {
		slide, _ = ParseTimeSpan("1 day")
		slideOK = true
	}
	w.Slide = slide
	if semantics == semanticsCompat && w.Rows != "" {
		d.bad(join(t.path, "rows"), atKey, Contradiction, "remove it", `"rows" has no meaning with semantics = "butterfree", where the slide decides which rows there are`)
	}
	rolling, ok := get[[]item[any]](t, "rolling")
	if ok && len(rolling) == 0 {
		d.bad(join(t.path, "rolling"), atValue, MissingKey, `write rolling = ["7 days"], or remove [feature_set.windows]`, "windows has no window")
	}
	seen := map[string]bool{}
	for _, r := range rolling {
		span := r.val.(TimeSpan)
		w.Rolling = append(w.Rolling, span)
		same := fmt.Sprint(span.N, strings.TrimSuffix(span.Unit, "s"))
		if seen[same] {
			d.bad(r.path, atValue, DuplicateName, "remove one", "the same window is given twice")
			continue
		}
		seen[same] = true
		if d.builtSpan(r.path, span, semantics) && slideOK && slide.Micros > span.Micros {
			hint := "make the slide at most as long as the shortest window"
			if !written {
				hint = `give a slide at most as long: the default is "1 day"`
			}
			d.bad(r.path, atValue, Contradiction, hint, "the slide is longer than this window, so rows between windows would count nowhere")
		}
	}
	return w
}

// builtSpan refuses calendar units.
func (d *decoder) builtSpan(path string, s TimeSpan, semantics string) bool {
	switch {
	case !s.calendar():
		return true
	case semantics == semanticsCompat:
		d.bad(path, atValue, BadDuration, `use days or weeks`, `months and years are no units of rolling windows with semantics = "butterfree"`)
	default:
		d.bad(path, atValue, NotYetBuilt, "use days or weeks", "windows of months and years are not yet built")
	}
	return false
}

// feature kinds; unknown for one whose description was refused.
type featureKind int

const (
	kindUnknown featureKind = iota
	kindPlain
	kindAggregated
)

func (d *decoder) features(t *table, fs *FeatureSet, names *columnNames) {
	tables, _ := get[[]*table](t, "feature")
	set, setPath := kindUnknown, ""
	for _, ft := range tables {
		f, kind := d.feature(ft)
		fs.Features = append(fs.Features, f)
		if name, ok := get[text](ft, "name"); ok {
			// Aggregated columns have a suffix, so that year__max is no clash.
			names.add(join(ft.path, "name"), name, kind != kindAggregated)
		}
		switch {
		case kind == kindUnknown:
		case set == kindUnknown:
			set, setPath = kind, ft.path
		case set != kind:
			here, there := "a plain feature", "an aggregated one"
			if kind == kindAggregated {
				here, there = "an aggregated feature", "a plain one"
			}
			d.bad(ft.path, atValue, Contradiction, "split the set in two: either every feature has aggregate, or none", "%s in a set with %s (line %d)", here, there, d.span(setPath, atValue).Line)
		}
	}
	_, readable := t.vals["feature"]
	readable = readable || !d.has(join(t.path, "feature")) && !t.meant["feature"]
	windows := join(t.path, "windows")
	if d.has(windows) && set != kindAggregated && readable && !d.anyUnknown(tables) {
		d.bad(windows, atKey, Contradiction, "give the features aggregate = [...], or remove the windows", "windows without an aggregated feature")
	}
}

// anyUnknown tells whether some feature's kind is not known because it was
// refused.
func (d *decoder) anyUnknown(tables []*table) bool {
	for _, t := range tables {
		if kind, _ := d.kindOf(t); kind == kindUnknown {
			return true
		}
	}
	return false
}

// kindOf tells what describes a feature. later is true when it is described
// by a key that is not yet built.
func (d *decoder) kindOf(t *table) (kind featureKind, later bool) {
	has := func(key string) bool { return d.has(join(t.path, key)) }
	for _, key := range featureKeys() {
		if key.Later && has(key.Name) {
			later = true
		}
	}
	switch {
	case has("aggregate") || t.meant["aggregate"]:
		return kindAggregated, later
	case later:
		return kindUnknown, later
	default:
		return kindPlain, later
	}
}

func (d *decoder) feature(t *table) (Feature, featureKind) {
	f := Feature{Name: t.val("name"), From: t.val("from"), Type: t.val("type"), SQL: t.val("sql"), Description: t.val("description")}
	d.notEmpty(t, "from", "sql")
	kind, later := d.kindOf(t)
	has := func(key string) bool { return d.has(join(t.path, key)) }
	if has("sql") && has("from") {
		d.bad(join(t.path, "from"), atKey, Contradiction, "keep one", `"sql" and "from" cannot both be given`)
	}
	if !has("sql") {
		f.From = or(f.From, f.Name)
	}
	switch {
	case kind == kindAggregated:
		f.Aggregate = d.aggregate(t)
		if has("sql") {
			d.bad(join(t.path, "sql"), atKey, Contradiction, "compute the column in [query]", `"sql" and "aggregate" cannot both be given`)
		}
		if has("type") {
			d.bad(join(t.path, "type"), atKey, Contradiction, `give it to the function: { function = "avg", type = "double" }`, `"type" and "aggregate" cannot both be given`)
		}
	case !later && !has("sql") && !has("type") && !t.meant["sql"] && !t.meant["type"]:
		d.bad(t.path, atValue, MissingKey, `write type = "..." for a copy of a column, or sql or aggregate`, `missing key "type" %s`, tableName(t.path))
	}
	return f, kind
}

func (d *decoder) aggregate(t *table) []Function {
	items, ok := get[[]item[Function]](t, "aggregate")
	path := join(t.path, "aggregate")
	if ok && len(items) == 0 {
		d.bad(path, atValue, BadValue, `write aggregate = ["count"], or remove the key`, `"aggregate" %s names no function`, tableName(t.path))
	}
	var out []Function
	seen := map[string]bool{}
	for _, it := range items {
		if seen[it.val.Name] {
			d.bad(it.path, atValue, DuplicateName, "remove one", "the same function is given twice, which would make two columns of one name")
		}
		seen[it.val.Name] = true
		out = append(out, it.val)
	}
	return out
}
