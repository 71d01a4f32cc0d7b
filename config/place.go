package config

import "regexp"

// h3 reads the cells of a place.
func (d *decoder) h3(t *table) *H3 {
	ht, ok := get[*table](t, "h3")
	if !ok {
		return nil
	}
	d.notEmpty(ht, "lat", "lng")
	h := &H3{Lat: ht.val("lat"), Lng: ht.val("lng")}
	h.Stack, _ = get[bool](ht, "stack")
	if d.emptyList(ht, "resolutions") {
		d.bad(join(ht.path, "resolutions"), atValue, BadValue, "as in [6, 7]", `"resolutions" %s is empty`, tableName(ht.path))
	}
	list, _ := get[[]item[any]](ht, "resolutions")
	seen := map[int64]bool{}
	for _, it := range list {
		r := it.val.(int64)
		if seen[r] {
			d.bad(it.path, atValue, DuplicateName, "remove one", "resolution %d stands twice, which would make two columns of one name", r)
			continue
		}
		seen[r] = true
		h.Resolutions = append(h.Resolutions, int(r))
	}
	return h
}

// stack reads patterns of columns that become rows.
func (d *decoder) stack(t *table) (patterns []string, isRegex bool) {
	isRegex, _ = get[bool](t, "regex")
	if d.has(join(t.path, "regex")) && !d.has(join(t.path, "stack")) && !t.meant["stack"] {
		d.bad(join(t.path, "regex"), atKey, Contradiction, "remove it", `"regex" says how "stack" is read, which is not given`)
	}
	for _, it := range t.strings("stack") {
		if isRegex {
			if _, err := regexp.Compile(it.val.val); err != nil {
				d.bad(it.path, atValue, BadValue, "write Go's regular expressions (RE2)", "%s is no regular expression", d.quote(it.path, it.val))
				continue
			}
		} else if it.val.val == "!" {
			d.bad(it.path, atValue, BadValue, `write "!" and a pattern, as in "!id_*"`, "%s negates nothing", d.quote(it.path, it.val))
			continue
		}
		patterns = append(patterns, it.val.val)
	}
	return patterns, isRegex
}

// exclusive reports the keys of a table of which only one may be given, all
// but the first.
func (d *decoder) exclusive(t *table, keys ...string) {
	first := ""
	for _, key := range keys {
		switch {
		case !d.has(join(t.path, key)):
		case first == "":
			first = key
		default:
			d.bad(join(t.path, key), atKey, Contradiction, "keep one", "%q and %q cannot both be given", first, key)
		}
	}
}

// onlyWith reports keys that mean nothing without one of others.
func (d *decoder) onlyWith(t *table, hint string, keys []string, others ...string) {
	for _, o := range others {
		if d.has(join(t.path, o)) || t.meant[o] {
			return
		}
	}
	for _, key := range keys {
		if d.has(join(t.path, key)) {
			d.bad(join(t.path, key), atKey, Contradiction, hint, "%q %s needs %q", key, tableName(t.path), others[0])
		}
	}
}
