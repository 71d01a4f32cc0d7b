package config

import (
	"strings"
	"unicode/utf8"
)

func (d *decoder) readers(tables []*table) []Reader {
	var out []Reader
	first := map[string]string{} // id without case, to its path
	for _, t := range tables {
		out = append(out, d.reader(t))
		id, ok := get[text](t, "id")
		if !ok {
			continue
		}
		at := join(t.path, "id")
		if !viewName.MatchString(id.val) {
			d.bad(at, atValue, BadValue, `use letters, digits and "_", a letter first`, "%s cannot be the id of a reader: it becomes a view", d.quote(at, id))
			continue
		}
		key := strings.ToLower(id.val)
		if before, twice := first[key]; twice {
			d.bad(at, atValue, DuplicateName, "", "two readers have the id %s; the other is on line %d", d.quote(at, id), d.span(before, atValue).Line)
			continue
		}
		first[key] = at
	}
	return out
}

func (d *decoder) reader(t *table) Reader {
	r := Reader{ID: t.val("id"), Type: t.val("type"), Path: t.val("path"), Format: t.val("format")}
	prepare, _ := get[[]*table](t, "prepare")
	r.Prepare = d.stages(prepare)
	if inc, ok := get[*table](t, "incremental"); ok {
		r.Incremental = d.incremental(inc)
	}
	if !t.usable {
		return r
	}
	d.dataPath(t, "path")
	r.S3 = d.s3(t, r.Path)
	r.OnBadRow = t.val("on_bad_row")
	if r.OnBadRow == "fail" && r.Type != "kafka" {
		r.OnBadRow = "" // the default
	}
	switch r.Type {
	case "table":
		r.Table = d.hiveTable(t)
	case "kafka":
		r.Format = or(r.Format, "json")
		r.OnBadRow = or(r.OnBadRow, "dead_letter")
		r.Kafka = d.kafka(t, r)
	}
	if columns, ok := get[[]item[Column]](t, "schema"); ok {
		r.Schema = d.columns(t, columns)
		if r.Format != "csv" && r.Format != "json" && r.Format != "" {
			hint := "remove it: the data has its own"
			if r.Format == "raw" {
				hint = "remove it: the value is handed on as it is"
			}
			d.bad(join(t.path, "schema"), atKey, Contradiction, hint, `"schema" is for csv and json, not for format = %q`, r.Format)
		}
	}
	if csv, ok := get[*table](t, "csv"); ok {
		r.CSV = d.csv(csv)
		if r.Format != "csv" {
			d.bad(join(t.path, "csv"), atKey, Contradiction, "remove it", `"csv" does not belong to format = %q`, r.Format)
		}
	}
	return r
}

func (d *decoder) columns(t *table, columns []item[Column]) []Column {
	var out []Column
	seen := map[string]bool{}
	at := join(t.path, "schema")
	for _, c := range columns {
		key := strings.ToLower(c.val.Name)
		if seen[key] {
			d.bad(c.path, atKey, DuplicateName, "", "two columns of the schema have the name %q", c.val.Name)
		}
		seen[key] = true
		d.plainName(c.path, text{c.val.Name, c.val.Name})
		out = append(out, c.val)
	}
	if len(out) == 0 {
		d.bad(at, atValue, BadValue, "name the columns, or remove the key", `"schema" %s has no columns`, tableName(t.path))
	}
	return out
}

func (d *decoder) csv(t *table) CSV {
	c := CSV{Delimiter: t.val("delimiter"), Quote: t.val("quote"), Null: t.val("null")}
	for _, key := range []string{"delimiter", "quote"} {
		s, ok := get[text](t, key)
		if ok && (utf8.RuneCountInString(s.val) != 1 || strings.ContainsAny(s.val, "\r\n")) {
			d.bad(join(t.path, key), atValue, BadValue, "", "%q %s must be one character", key, tableName(t.path))
		}
	}
	if c.Delimiter != "" && c.Delimiter == c.Quote {
		d.bad(join(t.path, "quote"), atValue, Contradiction, "", "the quote of a csv file cannot be its delimiter")
	}
	if h, ok := get[bool](t, "header"); ok {
		c.Header = &h
	}
	return c
}

func (d *decoder) incremental(t *table) *Incremental {
	inc := &Incremental{Column: t.val("column"), Mask: t.val("mask"), Unit: t.val("unit")}
	has := func(key string) bool { return d.has(join(t.path, key)) }
	for _, p := range t.strings("partitions") {
		inc.Partitions = append(inc.Partitions, p.val.val)
	}
	d.notEmpty(t, "column", "mask")
	switch {
	case has("partitions"):
		for _, key := range []string{"column", "mask", "unit"} {
			if has(key) {
				d.bad(join(t.path, key), atKey, Contradiction, "keep one way to tell the day", `%q and "partitions" cannot both be given`, key)
			}
		}
		at, n := join(t.path, "partitions"), 0
		for d.has(element(at, n)) {
			n++
		}
		if _, ok := t.vals["partitions"]; ok && n != 3 {
			d.bad(at, atValue, BadValue, `as in ["year", "month", "day"]`, `"partitions" must name three columns, found %d`, n)
		}
	case !has("column") && !t.meant["column"] && !t.meant["partitions"]:
		d.bad(t.path, atValue, MissingKey, `write column = "..." or partitions = ["year", "month", "day"]`, "incremental names no column")
	case has("mask") && has("unit"):
		d.bad(join(t.path, "unit"), atKey, Contradiction, "keep mask for text, or unit for a number", `"mask" and "unit" cannot both be given`)
	}
	return inc
}
