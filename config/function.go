package config

import (
	"strings"
)

// AggregateFunctions are the names of the aggregate functions, aliases after
// the name they stand for (docs/semantics.md, 9.4). Case does not matter.
func AggregateFunctions() []string {
	return []string{"count", "sum", "avg", "mean", "min", "max", "first", "last", "first_non_null", "last_non_null",
		"var_pop", "variance", "var_samp", "stddev_pop", "stddev", "stddev_samp", "std", "skewness", "kurtosis",
		"collect_list", "collect_set", "count_distinct", "countDistinct", "sum_distinct", "sumDistinct", "approx_count_distinct",
		"mode", "most_frequent_set", "median", "percentile", "top_k", "bottom_k", "first_k", "last_k"}
}

// The errors of the largest and the smallest sketch of an approximate count
// (S-944).
const (
	minRSD = 0.0022
	maxRSD = 0.39
)

// isAggregate finds an aggregate function by its name, in any case.
func isAggregate(name string) bool { return oneFold(name, AggregateFunctions()) }

func oneFold(name string, names []string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// writtenFunction is a function with its name as written and where it stands.
type writtenFunction struct {
	Function
	name text
	at   string
}

// functions reads a function or a list of them: a name, or a table.
func (d *decoder) functions(path string, v any, key KeyDoc) (any, bool) {
	elems, isList := v.([]any)
	if ms, ok := v.([]map[string]any); ok {
		isList = true
		for _, m := range ms {
			elems = append(elems, m)
		}
	}
	if !isList {
		f, ok := d.function(path, v, key)
		return []item[writtenFunction]{{path, f}}, ok
	}
	var out []item[writtenFunction]
	for i, e := range elems {
		at := element(path, i)
		if f, ok := d.function(at, e, key); ok {
			out = append(out, item[writtenFunction]{at, f})
		}
	}
	return out, len(out) > 0 || len(elems) == 0
}

func (d *decoder) function(path string, v any, key KeyDoc) (f writtenFunction, ok bool) {
	var t *table
	switch x := v.(type) {
	case string:
		f.at = path
		if f.name, ok = d.raw(path, x); !ok {
			return f, false
		}
	case map[string]any:
		before := len(d.problems.List)
		t = d.table(path, x, KeyDoc{Name: key.Name, Kind: KindTable, Keys: functionKeys()})
		f.at = join(path, "function")
		if f.name, ok = get[text](t, "function"); !ok {
			return f, false
		}
		f.Type = t.val("type")
		f.P, _ = get[float64](t, "p")
		f.RSD, _ = get[float64](t, "rsd")
		k, _ := get[int64](t, "k")
		f.K = int(k)
		ok = len(d.problems.List) == before
	default:
		d.wrongType(path, key, v)
		return f, false
	}
	f.Name = f.name.val
	if strings.TrimSpace(f.Name) == "" {
		d.bad(f.at, atValue, BadValue, "", "the name of a function is empty")
		return f, false
	}
	// A function of a plain feature may be one of one value: which it must be
	// is known when the whole feature is.
	if key.Name != "function" && !d.aggregateName(f.at, f.name) {
		return f, false
	}
	return f, d.parameters(path, f.Function, t) && ok
}

// aggregateName refuses what is no aggregate function.
func (d *decoder) aggregateName(path string, t text) bool {
	if isAggregate(t.val) {
		return true
	}
	if strings.HasPrefix(t.val, "plugin:") {
		d.bad(path, atValue, NotYetBuilt, "", "aggregate function %s: aggregate plugins are not yet built", d.quote(path, t))
		return false
	}
	hint := suggest(t, AggregateFunctions())
	if hint == "" {
		hint = "functions are " + strings.Join(AggregateFunctions(), ", ")
	}
	d.bad(path, atValue, UnknownFunction, hint, "unknown aggregate function %s", d.quote(path, t))
	return false
}

// parameters checks what a function takes beside its column. t is the table
// it is written as; nil when it is a name alone.
func (d *decoder) parameters(path string, f Function, t *table) bool {
	before := len(d.problems.List)
	for _, p := range []struct {
		key, hint string
		required  bool
		of        []string
		bad       string // what is wrong with the value, "" for nothing
	}{
		{"p", "as in p = 0.95", true, []string{"percentile"}, unless(f.P >= 0 && f.P <= 1, `"p" %s must be from 0 to 1`)},
		{"k", "as in k = 3", true, []string{"top_k", "bottom_k", "first_k", "last_k"}, ""},
		{"rsd", "as in rsd = 0.02", false, []string{"approx_count_distinct"}, unless(f.RSD >= minRSD && f.RSD <= maxRSD, `"rsd" %s must be from 0.0022 to 0.39`)},
	} {
		at := join(path, p.key)
		given := t != nil && d.has(at)
		switch takes := oneFold(f.Name, p.of); {
		case given && !takes:
			d.bad(at, atKey, Contradiction, "remove it", "%q belongs to %s", p.key, strings.Join(p.of, ", "))
		case given && p.bad != "":
			if _, readable := t.vals[p.key]; readable {
				d.bad(at, atValue, BadValue, p.hint, p.bad, tableName(path))
			}
		case !given && takes && p.required && (t == nil || !t.meant[p.key]):
			hint := "write { function = \"" + p.of[0] + "\", " + strings.TrimPrefix(p.hint, "as in ") + " }"
			for _, name := range p.of {
				if strings.EqualFold(name, f.Name) {
					hint = strings.Replace(hint, p.of[0], name, 1)
				}
			}
			d.bad(path, atValue, MissingKey, hint, "the function needs %q", p.key)
		}
	}
	return len(d.problems.List) == before
}

func unless(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}
