package config

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// decoder checks the maps that the TOML parser gave against Keys and collects
// what is wrong.
type decoder struct {
	*index
	getenv   func(string) (string, bool)
	problems *Problems
	settings []Setting
	// secretValues are what keys of secrets held.
	secretValues []string
}

// text is a string as written and as it is after interpolation. Only raw may
// be printed.
type text struct{ raw, val string }

// table is a checked table: vals holds the good values of known keys only, as
// text, int64, float64, bool, ByteSize, TimeSpan, time.Duration, []item[...],
// *table, []*table or map[string]any. What is not there was missing or has been
// reported; index.has tells which.
type table struct {
	path    string
	vals    map[string]any
	variant string
	usable  bool // false when the variant is unknown or not yet built
	// meant are keys that misspelt ones seem to stand for: nobody needs to be
	// told that they are missing.
	meant map[string]bool
}

// item is an element of a list with its place.
type item[T any] struct {
	path string
	val  T
}

func get[T any](t *table, key string) (v T, ok bool) {
	v, ok = t.vals[key].(T)
	return v, ok
}

func (d *decoder) bad(path string, which at, code fault.Code, hint, format string, args ...any) {
	d.problems.Add(d.problem(path, which, code, hint, format, args...))
}

// quote gives a value as it may be printed.
func (d *decoder) quote(path string, t text) string {
	if d.isSecret(path) || secretDefault.MatchString(t.raw) {
		return `"***"`
	}
	raw := t.raw
	if utf8.RuneCountInString(raw) > 60 {
		raw = string([]rune(raw)[:57]) + "..."
	}
	return fmt.Sprintf("%q", raw)
}

// suggest gives `did you mean "x"?`, or "". The text as written is compared:
// what came from the environment would be told by the answer.
func suggest(t text, candidates []string) string {
	return didYouMean(fault.Suggest(t.raw, candidates))
}

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", name)
}

// table checks the keys of one table and the values under them.
func (d *decoder) table(path string, m map[string]any, doc KeyDoc) *table {
	t := &table{path: path, vals: map[string]any{}, usable: true, meant: map[string]bool{}}
	keys, laterVariant := d.keysOf(t, m, doc)
	for name, v := range m {
		at := join(path, name)
		key := lookup(keys, name)
		switch {
		case key == nil:
			d.unknown(at, name, t, doc, keys)
		case key.Later:
			if !laterVariant {
				d.bad(at, atKey, NotYetBuilt, "remove it", "%q %s is not yet built", name, tableName(path))
			}
		default:
			if val, ok := d.value(at, v, *key); ok {
				t.vals[name] = val
			}
		}
	}
	for _, key := range keys {
		if _, ok := m[key.Name]; key.Required && !ok && !t.meant[key.Name] {
			d.missing(path, key)
		}
	}
	return t
}

// keysOf settles which keys a table may have, from its variant.
func (d *decoder) keysOf(t *table, m map[string]any, doc KeyDoc) (keys []KeyDoc, laterVariant bool) {
	if doc.By == "" {
		return doc.Keys, false
	}
	raw, ok := m[doc.By].(string)
	if ok {
		val, _, errs := expand(raw, d.getenv)
		ok = len(errs) == 0 && val != ""
		t.variant = val
	}
	var other *Variant
	for i, v := range doc.Variants {
		switch {
		case ok && v.Value == t.variant:
			t.usable = !v.Later
			return append(append([]KeyDoc(nil), doc.Keys...), v.Keys...), v.Later
		case v.Value == "":
			other = &doc.Variants[i]
		}
	}
	if ok && other != nil {
		return append(append([]KeyDoc(nil), doc.Keys...), other.Keys...), false
	}
	t.usable = false
	return doc.allKeys(), false
}

// unknown reports a key that is not allowed where it stands.
func (d *decoder) unknown(at, name string, t *table, doc KeyDoc, keys []KeyDoc) {
	for _, v := range doc.Variants {
		key := lookup(v.Keys, name)
		switch {
		case key == nil:
			continue
		case key.Later:
			d.bad(at, atKey, NotYetBuilt, "remove it", "%q %s is not yet built", name, tableName(t.path))
			return
		}
		hint := fmt.Sprintf("use it with %s = %q", doc.By, v.Value)
		if v.Value == "" {
			hint = "only plugins take it"
		}
		d.bad(at, atKey, Contradiction, hint, "%q does not belong to %s", name, variantText(t, doc))
		return
	}
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
	}
	near := fault.Suggest(name, names)
	t.meant[near] = true
	hint := didYouMean(near)
	if hint == "" && doc.By == "use" && t.usable && lookup(keys, "config") != nil {
		hint = "settings of a plugin go into config = { ... }"
	}
	d.bad(at, atKey, UnknownKey, hint, "unknown key %q %s", name, tableName(t.path))
}

// variantText names the variant of a table. Only a value that the table of
// keys knows is printed.
func variantText(t *table, doc KeyDoc) string {
	for _, v := range doc.Variants {
		if v.Value == t.variant {
			return fmt.Sprintf("%s = %q", doc.By, v.Value)
		}
	}
	return "a plugin"
}

func (d *decoder) missing(path string, key KeyDoc) {
	switch {
	case path == "" && key.Kind == KindTable:
		d.bad(path, atValue, MissingKey, "", "missing [%s]: %s", key.Name, key.Doc)
	case path == "" && key.Kind == KindTables:
		d.bad(path, atValue, MissingKey, "", "missing [[%s]]: %s", key.Name, key.Doc)
	default:
		d.bad(path, atValue, MissingKey, "", "missing key %q %s: %s", key.Name, tableName(path), key.Doc)
	}
}

func (d *decoder) wrongType(path string, which KeyDoc, found any) {
	at, name := path, which.Name
	hint := ""
	if strings.HasSuffix(path, "]") && which.Kind != KindTables {
		at = parentPath(path)
	}
	if _, isTable := found.(map[string]any); isTable && which.Kind == KindTables {
		hint = "write [[" + strings.Trim(tableName(path)[len("in "):], "[]") + "]]"
	}
	element := ""
	if at != path {
		element = " in its list"
	}
	d.bad(path, atValue, WrongType, hint, "%q %s must be %s, found %s%s", name, tableName(parentPath(at)), which.Kind, typeName(found), element)
}

// typeName names the type of a value as TOML does.
func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "a boolean"
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "an array of tables"
	default:
		return "a list"
	}
}

// value checks one value. ok is false when it was reported.
func (d *decoder) value(path string, v any, key KeyDoc) (any, bool) {
	switch key.Kind {
	case KindString:
		return d.str(path, v, key)
	case KindInt:
		return d.integer(path, v, key)
	case KindFloat:
		if n, ok := v.(int64); ok {
			return float64(n), true
		}
		f, ok := v.(float64)
		if !ok {
			d.wrongType(path, key, v)
			return nil, false
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			d.bad(path, atValue, BadValue, "", "%q %s must be a finite number", key.Name, tableName(parentPath(path)))
			return nil, false
		}
		return f, true
	case KindBool:
		b, ok := v.(bool)
		if !ok {
			d.wrongType(path, key, v)
		}
		return b, ok
	case KindSize:
		return d.size(path, v, key)
	case KindTime:
		return d.timeSpan(path, v, key)
	case KindWait:
		return d.wait(path, v, key)
	case KindType:
		return d.typ(path, v, key)
	case KindStrings:
		return list(d, path, v, key, d.str)
	case KindTimes:
		return list(d, path, v, key, d.timeSpan)
	case KindTypes:
		return d.types(path, v, key)
	case KindFields:
		return d.fields(path, v, key)
	case KindTexts:
		return d.texts(path, v, key)
	case KindNames:
		return d.columnNames(path, v, key)
	case KindInts:
		return list(d, path, v, key, d.integer)
	case KindValue:
		return d.scalar(path, v, key)
	case KindValues:
		return list(d, path, v, key, d.scalar)
	case KindRows:
		return list(d, path, v, key, d.rowSpan)
	case KindAny:
		return v, true
	case KindFunctions:
		return d.functions(path, v, key)
	case KindTable:
		m, ok := v.(map[string]any)
		if !ok {
			d.wrongType(path, key, v)
			return nil, false
		}
		return d.table(path, m, key), true
	case KindFree:
		m, ok := v.(map[string]any)
		if !ok {
			d.wrongType(path, key, v)
			return nil, false
		}
		return d.free(path, m), true
	default:
		return d.tables(path, v, key)
	}
}

// raw reads a string and interpolates it.
func (d *decoder) raw(path string, s string) (text, bool) {
	val, read, errs := expand(s, d.getenv)
	d.env = append(d.env, read...)
	for _, e := range errs {
		d.bad(path, atValue, BadEnvironment, e.hint, "%s", e.message)
	}
	return text{s, val}, len(errs) == 0
}

func (d *decoder) str(path string, v any, key KeyDoc) (any, bool) {
	s, ok := v.(string)
	if !ok {
		d.wrongType(path, key, v)
		return nil, false
	}
	t, ok := d.raw(path, s)
	if !ok {
		return nil, false
	}
	for _, x := range key.LaterValues {
		if t.val == x {
			d.bad(path, atValue, NotYetBuilt, oneOf(key.Values), "%s = %s %s is not yet built", key.Name, d.quote(path, t), tableName(parentPath(path)))
			return nil, false
		}
	}
	if key.Values == nil {
		return t, true
	}
	for _, x := range key.Values {
		if t.val == x {
			return t, true
		}
	}
	hint := suggest(t, append(append([]string(nil), key.Values...), key.LaterValues...))
	if hint == "" {
		hint = oneOf(key.Values)
	}
	d.bad(path, atValue, BadValue, hint, "%s is no value of %q %s", d.quote(path, t), key.Name, tableName(parentPath(path)))
	return nil, false
}

// oneOf lists what may be written.
func oneOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return "write " + strings.Join(quoted, " or ")
}

func (d *decoder) size(path string, v any, key KeyDoc) (any, bool) {
	if n, ok := v.(int64); ok {
		if n < 1 {
			d.bad(path, atValue, BadValue, "", "%q %s must be at least 1 byte", key.Name, tableName(parentPath(path)))
			return nil, false
		}
		return d.sized(path, ByteSize(n), key)
	}
	t, ok := d.plain(path, v, key)
	if !ok {
		return nil, false
	}
	n, err := ParseByteSize(t.val)
	if err != nil {
		d.bad(path, atValue, BadValue, `write a number and KiB, MiB or GiB, as in "512MiB"`, "%s is no size", d.quote(path, t))
		return nil, false
	}
	return d.sized(path, n, key)
}

// sized holds a size against the bounds of its key. A few hundred bytes are a
// size whose unit was forgotten.
func (d *decoder) sized(path string, n ByteSize, key KeyDoc) (any, bool) {
	if key.Max == 0 || int64(n) >= key.Min && int64(n) <= key.Max {
		return n, true
	}
	hint := ""
	if n < 1<<10 {
		hint = "a number alone is in bytes: did you forget MiB?"
	}
	d.bad(path, atValue, BadValue, hint, "%q %s must be from %s to %s", key.Name, tableName(parentPath(path)), ByteSize(key.Min), ByteSize(key.Max))
	return nil, false
}

// plain reads a string with no restriction on its value.
func (d *decoder) plain(path string, v any, key KeyDoc) (text, bool) {
	s, ok := v.(string)
	if !ok {
		d.wrongType(path, key, v)
		return text{}, false
	}
	return d.raw(path, s)
}

func (d *decoder) wait(path string, v any, key KeyDoc) (any, bool) {
	t, ok := d.plain(path, v, key)
	if !ok {
		return nil, false
	}
	wait, err := abi.ParseTimeout(t.val)
	if err != nil {
		d.bad(path, atValue, BadDuration, `write a number with ms, s or m, as in "2s"`, "%s is no length of time", d.quote(path, t))
		return nil, false
	}
	return wait, true
}

func (d *decoder) timeSpan(path string, v any, key KeyDoc) (any, bool) {
	t, ok := d.plain(path, v, key)
	if !ok {
		return nil, false
	}
	span, err := ParseTimeSpan(t.val)
	if err == nil {
		return span, true
	}
	hint := `write a positive whole number, a space and second(s), minute(s), hour(s), day(s), week(s), month(s) or year(s), as in "7 days"`
	if fields := strings.Fields(t.raw); len(fields) == 2 {
		units := []string{"seconds", "minutes", "hours", "days", "weeks", "months", "years"}
		if fields[0] == "1" {
			units = []string{"second", "minute", "hour", "day", "week", "month", "year"}
		}
		u := fault.Suggest(fields[1], units)
		if _, err := ParseTimeSpan(fields[0] + " " + u); err == nil {
			hint = didYouMean(fields[0] + " " + u)
		}
	}
	d.bad(path, atValue, BadDuration, hint, "%s is no length of time", d.quote(path, t))
	return nil, false
}

// list checks the elements of a list by one and gives the good ones. ok is
// false when there are only bad ones.
func list(d *decoder, path string, v any, key KeyDoc, one func(string, any, KeyDoc) (any, bool)) (any, bool) {
	elems, ok := v.([]any)
	if !ok {
		d.wrongType(path, key, v)
		return nil, false
	}
	out := make([]item[any], 0, len(elems))
	for i, e := range elems {
		at := element(path, i)
		if val, ok := one(at, e, key); ok {
			out = append(out, item[any]{at, val})
		}
	}
	return out, len(out) > 0 || len(elems) == 0
}

func (d *decoder) tables(path string, v any, key KeyDoc) (any, bool) {
	var elems []any
	switch x := v.(type) {
	case []map[string]any:
		for _, m := range x {
			elems = append(elems, m)
		}
	case []any:
		elems = x
	default:
		d.wrongType(path, key, v)
		return nil, false
	}
	out := []*table{}
	for i, e := range elems {
		m, ok := e.(map[string]any)
		if !ok {
			d.bad(element(path, i), atValue, WrongType, "", "%q %s must be an array of tables, found %s in it", key.Name, tableName(parentPath(path)), typeName(e))
			continue
		}
		out = append(out, d.table(element(path, i), m, key))
	}
	return out, len(out) > 0 || len(elems) == 0
}

// free turns a table whose keys are not ours into what JSON would hold: dates
// and times become text.
func (d *decoder) free(path string, m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, v := range m {
		out[name] = d.freeValue(join(path, name), v)
	}
	return out
}

func (d *decoder) freeValue(path string, v any) any {
	switch x := v.(type) {
	case string:
		t, _ := d.raw(path, x)
		return t.val
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			d.bad(path, atValue, BadValue, "write a finite number, or a string", "a plugin's config is handed over as JSON, which has no nan and no inf")
		}
		return x
	case time.Time:
		switch x.Location().String() { // how the parser marks times without a zone
		case "datetime-local":
			return x.Format("2006-01-02T15:04:05.999999999")
		case "date-local":
			return x.Format("2006-01-02")
		case "time-local":
			return x.Format("15:04:05.999999999")
		}
		return x.Format(time.RFC3339Nano)
	case map[string]any:
		return d.free(path, x)
	case []map[string]any:
		out := make([]any, len(x))
		for i, m := range x {
			out[i] = d.free(element(path, i), m)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = d.freeValue(element(path, i), e)
		}
		return out
	}
	return v
}
