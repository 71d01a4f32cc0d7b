package config

// defaultThreshold is the part of rows that compat lets be missing (S-1205).
const defaultThreshold = 0.01

func (d *decoder) sinks(tables []*table, fs *FeatureSet) []Sink {
	var out []Sink
	first := map[string]string{}
	for _, t := range tables {
		s := Sink{Type: t.val("type"), Path: t.val("path")}
		s.AllowEmpty, _ = get[bool](t, "allow_empty")
		d.localPath(t, "path")
		switch s.Type {
		case "historical":
			s.Layout = or(t.val("layout"), "partitioned")
			d.threshold(t, &s, fs)
		case "online":
			s.Store = or(t.val("store"), "local")
		}
		if before, twice := first[s.Type]; twice && s.Type != "" {
			d.bad(t.path, atValue, NotYetBuilt, "keep one", "two sinks of type %q are not yet built; the other is on line %d", s.Type, d.span(before, atValue).Line)
		}
		first[s.Type] = t.path
		out = append(out, s)
	}
	return out
}

func (d *decoder) threshold(t *table, s *Sink, fs *FeatureSet) {
	compat := fs != nil && fs.Semantics == "butterfree"
	v, ok := get[float64](t, "validation_threshold")
	at := join(t.path, "validation_threshold")
	switch {
	case ok && (v < 0 || v >= 1):
		d.bad(at, atValue, BadValue, "write a part of 1, as in 0.01", `"validation_threshold" must be at least 0 and below 1`)
	case ok && fs != nil && !compat:
		d.bad(at, atKey, Contradiction, "remove it: the check is exact", `"validation_threshold" belongs to semantics = "butterfree"`)
	case ok:
		s.ValidationThreshold = v
	case compat:
		s.ValidationThreshold = defaultThreshold
	}
}
