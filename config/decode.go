package config

import (
	"regexp"
	"runtime"
	"strings"
	"unicode/utf8"
)

// Defaults of [pipeline].
const (
	defaultState     = ".featurehost"
	defaultMemory    = ByteSize(2 << 30)
	defaultBatchRows = 8192
)

// folderName is what names of pipelines, entities and sets must look like:
// they become folders and tables in every store.
var folderName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,127}$`)

// viewName is what ids of readers must look like: they become views.
var viewName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// val gives a text value after interpolation, or "".
func (t *table) val(key string) string {
	if t == nil {
		return ""
	}
	s, _ := get[text](t, key)
	return s.val
}

// strings gives a list of text.
func (t *table) strings(key string) []item[text] {
	list, _ := get[[]item[any]](t, key)
	out := make([]item[text], len(list))
	for i, x := range list {
		out[i] = item[text]{x.path, x.val.(text)}
	}
	return out
}

// names gives a list of text without places.
func (t *table) names(key string) []string {
	var out []string
	for _, it := range t.strings(key) {
		out = append(out, it.val.val)
	}
	return out
}

// or gives v, or the default when v is its zero value.
func or[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

// name checks a value that becomes a folder and a table.
func (d *decoder) name(t *table, key string) string {
	s, ok := get[text](t, key)
	if ok && !folderName.MatchString(s.val) {
		at := join(t.path, key)
		d.bad(at, atValue, BadValue, `use lower-case letters, digits and "_", a letter first`,
			"%s cannot be a name: it becomes a folder and a table", d.quote(at, s))
	}
	return s.val
}

// notEmpty refuses an empty text.
func (d *decoder) notEmpty(t *table, keys ...string) {
	for _, key := range keys {
		if s, ok := get[text](t, key); ok && strings.TrimSpace(s.val) == "" {
			d.bad(join(t.path, key), atValue, BadValue, "", "%q %s is empty", key, tableName(t.path))
		}
	}
}

// plainName refuses a column name that no store could hold.
func (d *decoder) plainName(path string, s text) bool {
	ok := s.val != "" && utf8.ValidString(s.val) && strings.TrimSpace(s.val) == s.val &&
		strings.IndexFunc(s.val, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
	if !ok {
		d.bad(path, atValue, BadValue, "", "%s cannot be the name of a column: it is empty, or has a space around it or a control character", d.quote(path, s))
	}
	return ok
}

// file fills f from the checked root table.
func (d *decoder) file(f *File, root *table) {
	if v, ok := get[int64](root, "version"); ok {
		f.Version = int(v)
		if v != 1 {
			d.bad("version", atValue, BadValue, "write version = 1", "version %d of the pipeline file's format is not known", v)
		}
	}
	f.Pipeline = d.pipeline(root)
	readers, _ := get[[]*table](root, "reader")
	f.Readers = d.readers(readers)
	if q, ok := get[*table](root, "query"); ok {
		d.notEmpty(q, "sql")
		f.Query = &Query{SQL: q.val("sql")}
	}
	if len(readers) > 1 && !d.has("query") {
		d.bad(readers[1].path, atValue, MissingKey, `add [query] with sql = "SELECT ..."`,
			"%d readers and no [query] that joins them", len(readers))
	}
	d.noneOf(root, "reader", "sink")
	stages, _ := get[[]*table](root, "stage")
	f.Stages = d.stages(stages)
	if fs, ok := get[*table](root, "feature_set"); ok {
		f.FeatureSet = d.featureSet(fs)
	}
	sinks, _ := get[[]*table](root, "sink")
	f.Sinks = d.sinks(sinks, f.FeatureSet)
}

// noneOf refuses an empty list, written as reader = [].
func (d *decoder) noneOf(t *table, keys ...string) {
	for _, key := range keys {
		if list, ok := get[[]*table](t, key); ok && len(list) == 0 {
			d.bad(join(t.path, key), atValue, MissingKey, "", "%q %s is empty: at least one is needed", key, tableName(t.path))
		}
	}
}

func (d *decoder) pipeline(root *table) Pipeline {
	p := Pipeline{State: defaultState, Workers: runtime.NumCPU(), Memory: defaultMemory, BatchRows: defaultBatchRows}
	t, ok := get[*table](root, "pipeline")
	if !ok {
		return p
	}
	p.Name = d.name(t, "name")
	d.notEmpty(t, "state")
	p.State = or(t.val("state"), p.State)
	if n, ok := get[int64](t, "workers"); ok {
		p.Workers = int(n)
	}
	if n, ok := get[ByteSize](t, "memory"); ok {
		p.Memory = n
	}
	if n, ok := get[int64](t, "batch_rows"); ok {
		p.BatchRows = int(n)
	}
	d.localPath(t, "state")
	return p
}

// localPath refuses what is no path of this machine.
func (d *decoder) localPath(t *table, key string) {
	s, ok := get[text](t, key)
	if !ok {
		return
	}
	at := join(t.path, key)
	found := strings.Contains(s.val, "://")
	switch {
	case strings.TrimSpace(s.val) == "":
		d.notEmpty(t, key)
	case strings.ContainsRune(s.val, 0):
		d.bad(at, atValue, BadValue, "", "%q %s has a null character", key, tableName(t.path))
	case !found:
	default:
		d.bad(at, atValue, BadValue, "name a file or folder on this machine", "%s is no path", d.quote(at, s))
	}
}
