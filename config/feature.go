package config

import (
	"strconv"
	"strings"
)

// feature kinds; unknown before the first one.
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
		f, kind := d.feature(ft, fs.Semantics)
		fs.Features = append(fs.Features, f)
		if name, ok := get[text](ft, "name"); ok {
			names.addFeature(join(ft.path, "name"), name, d.makesOwnColumn(ft))
		}
		switch {
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
	if set == kindAggregated || !readable {
		return
	}
	for _, key := range []string{"windows", "pivot", "distinct"} {
		if path := join(t.path, key); d.has(path) {
			d.bad(path, atKey, Contradiction, "give the features aggregate = [...], or remove it", "%s without an aggregated feature", key)
		}
	}
}

// kindOf tells which kind of set a feature belongs to.
func (d *decoder) kindOf(t *table) featureKind {
	if d.has(join(t.path, "aggregate")) || t.meant["aggregate"] {
		return kindAggregated
	}
	return kindPlain
}

// makesOwnColumn tells whether the feature makes a column of its very name.
// Functions add theirs to the name; cells have names of their own.
func (d *decoder) makesOwnColumn(t *table) bool {
	has := func(key string) bool { return d.has(join(t.path, key)) || t.meant[key] }
	if has("h3") {
		h, ok := get[*table](t, "h3")
		stacked := false
		if ok {
			stacked, _ = get[bool](h, "stack")
		}
		return stacked
	}
	return !has("aggregate") && !has("function")
}

// feature reads one feature.
func (d *decoder) feature(t *table, semantics string) (Feature, featureKind) {
	kind := d.kindOf(t)
	has := func(key string) bool { return d.has(join(t.path, key)) }
	meant := func(keys ...string) bool {
		for _, key := range keys {
			if t.meant[key] {
				return true
			}
		}
		return false
	}
	f := Feature{
		Name: t.val("name"), From: t.val("from"), Type: t.val("type"), SQL: t.val("sql"), Description: t.val("description"),
		Where: t.val("where"), OnOverflow: t.val("on_overflow"), Use: t.val("use"),
	}
	f.Config, _ = get[map[string]any](t, "config")
	f.H3 = d.h3(t)
	f.Stack, f.Regex = d.stack(t)
	f.Window = d.featureWindow(t, semantics)
	f.Aggregate = d.functionsOf(t, "aggregate")
	f.Function = d.functionsOf(t, "function")
	d.notEmpty(t, "from", "sql", "where", "use")
	d.notABuiltIn(t)

	descriptions := []string{"aggregate", "function", "sql", "use", "h3", "stack"}
	d.exclusive(t, descriptions...)
	for _, key := range []string{"sql", "use", "h3", "stack"} {
		if has(key) && has("from") && !has("aggregate") {
			d.bad(join(t.path, "from"), atKey, Contradiction, "keep one", "%q and \"from\" cannot both be given", key)
			break
		}
	}
	d.onlyWith(t, `add function = "avg"`, []string{"window"}, "function")
	d.onlyWith(t, "remove it: rows of a plain set are filtered by a stage", []string{"where"}, "aggregate")
	d.onlyWith(t, "remove it", []string{"on_overflow"}, "aggregate", "function")
	d.onlyWith(t, "remove it: settings are those of a plugin", []string{"config"}, "use")

	fromColumn := !has("sql") && !has("use") && !has("h3") && !has("stack")
	if fromColumn || kind == kindAggregated {
		f.From = or(f.From, f.Name)
	}
	switch {
	case kind == kindAggregated:
		if has("type") {
			d.bad(join(t.path, "type"), atKey, Contradiction, `give it to the function: { function = "avg", type = "double" }`, `"type" and "aggregate" cannot both be given`)
		}
	case has("function"):
		d.plainFunctions(t)
		for i := range f.Function {
			f.Function[i].Type = or(f.Function[i].Type, f.Type)
		}
		f.Type = ""
	case fromColumn && !has("type") && !meant(append(descriptions, "type")...):
		d.bad(t.path, atValue, MissingKey, `write type = "..." for a copy of a column, or aggregate, function, sql, use, h3 or stack`, `missing key "type" %s`, tableName(t.path))
	}
	return f, kind
}

// notABuiltIn refuses a feature that uses what is a stage.
func (d *decoder) notABuiltIn(t *table) {
	use, ok := get[text](t, "use")
	if !ok {
		return
	}
	for _, v := range stageVariants() {
		if v.Value != "" && v.Value == use.val {
			d.bad(join(t.path, "use"), atValue, Contradiction, "write it as a [[stage]]", "%s is no plugin: it is a stage, and makes no feature", d.quote(join(t.path, "use"), use))
		}
	}
}

// functionsOf gives the functions of a feature, none of them twice.
func (d *decoder) functionsOf(t *table, key string) []Function {
	items, ok := get[[]item[writtenFunction]](t, key)
	if ok && len(items) == 0 {
		d.bad(join(t.path, key), atValue, BadValue, `write `+key+` = ["..."], or remove the key`, "%q %s names no function", key, tableName(t.path))
	}
	var out []Function
	seen := map[string]bool{}
	for _, it := range items {
		f := it.val.Function
		// Names are compared as those of columns are (S-930).
		same := strings.ToLower(f.Name) + strconv.FormatFloat(f.P, 'g', -1, 64) + "/" + strconv.Itoa(f.K) + "/" + strconv.FormatFloat(f.RSD, 'g', -1, 64)
		if seen[same] {
			d.bad(it.path, atValue, DuplicateName, "remove one", "the same function is given twice, which would make two columns of one name")
		}
		seen[same] = true
		out = append(out, f)
	}
	return out
}

// plainFunctions checks the functions of a plain feature: over a window they
// aggregate, without one they take one value. Which functions of one value
// there are is told where they are computed.
func (d *decoder) plainFunctions(t *table) {
	windowed := d.has(join(t.path, "window")) || t.meant["window"]
	items, _ := get[[]item[writtenFunction]](t, "function")
	for _, it := range items {
		f := it.val
		switch {
		case windowed:
			d.aggregateName(f.at, f.name)
		case isAggregate(f.Name):
			d.bad(f.at, atValue, MissingKey, `add window = { fixed = ["7 days"] } or { rows = ["3 events"] }, or write aggregate`, "%s is a function of many rows, and no window is given", d.quote(f.at, f.name))
		case strings.HasPrefix(f.Name, "plugin:"):
			d.bad(f.at, atValue, BadValue, `write use = "NAME" in place of function`, "%s is no function of one value", d.quote(f.at, f.name))
		}
	}
}
