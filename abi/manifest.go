package abi

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Manifest is what a plugin says of itself (ABI-M-003).
type Manifest struct {
	ABI           Version
	Name, Version string
	Kind          Kind
	Input         []InputColumn
	Output        Output
	Config        *ConfigSchema
	Stateful      bool // true for Keyed, false for the others
	Deterministic bool
	Limits        Limits // what the author asks; zero fields ask nothing
	WASI          bool   // wasi_snapshot_preview1 may be imported
	// MaxMessageBytes is the largest message that a process plugin takes; 0 for
	// the default.
	MaxMessageBytes int64
	// Doc, License and Source are free text.
	Doc, License, Source string
}

// InputColumn is a column that the plugin reads.
type InputColumn struct {
	Name     string // what the guest calls it
	Type     string // as ParseType reads it, or AnyType
	Nullable bool   // false: the host refuses a batch with a null in it
	Bind     string // config key that holds the column's real name; "" for Name itself
	SafeCast bool   // the host may cast to Type where no value is lost
}

// Output says which columns the plugin adds or replaces.
type Output struct {
	// Static columns stand in the manifest; else fh_init decides them.
	Static  bool
	Columns []OutputColumn
}

// OutputColumn is a column that the plugin makes.
type OutputColumn struct {
	Name     string // may hold ${config_key}
	Type     string // as ParseType reads it
	Nullable bool
}

// MaxMessage is the most that max_message_bytes of a process plugin may say, and
// leastMessage the least.
const (
	MaxMessage   = 64 << 20
	leastMessage = 64 << 10
)

// ParseManifest reads and checks a manifest. Unknown fields are ignored. Every
// error has code FH-1005 and names the field, except an ABI version that this
// host does not speak (FH-1002).
func ParseManifest(b []byte) (*Manifest, error) {
	switch {
	case len(b) > MaxManifest:
		return nil, tooLarge(len(b))
	case !utf8.Valid(b):
		return nil, manifestError("it is not UTF-8")
	}
	v, err := parseJSON(b)
	if err != nil {
		return nil, manifestError("it is not JSON: %v", err)
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, manifestError("found %s, expected an object", describe(v))
	}
	o := object{"", root, &err}
	m := &Manifest{}
	// The version comes first: a manifest of another major may differ in all else.
	if m.ABI, err = parseABI(o); err != nil {
		return nil, err
	}
	m.Name = o.text("name", true)
	if err == nil && !isName(m.Name) {
		o.fail("name", "found %q, expected a lower-case letter, then up to 63 of a-z 0-9 . _ -", clip(m.Name))
	}
	m.Version = o.text("version", true)
	if err == nil && !isSemver(m.Version) {
		o.fail("version", "found %q, expected a semantic version as in \"1.2.0\"", clip(m.Version))
	}
	m.Kind = parseKind(o)
	m.Config = parseConfigSchema(o)
	m.Input = parseInput(o, m.Config)
	m.Output = parseOutput(o, m.Config)
	m.Stateful = o.boolean("stateful")
	if keyed := m.Kind == Keyed; m.Stateful != keyed {
		o.fail("stateful", "found %t, expected %t for the kind %s", m.Stateful, keyed, m.Kind)
	}
	m.Deterministic = o.boolean("deterministic")
	m.Limits = parseLimits(o)
	m.WASI = o.choice("wasi", "none", "none", "preview1") == "preview1"
	m.MaxMessageBytes = count(o, "max_message_bytes", MaxMessage)
	if n := m.MaxMessageBytes; n > 0 && n < leastMessage {
		o.fail("max_message_bytes", "found %d, expected a whole number from %d to %d", n, leastMessage, MaxMessage)
	}
	checkCapabilities(o)
	m.Doc, m.License, m.Source = o.text("doc", false), o.text("license", false), o.text("source", false)
	if err != nil {
		return nil, err
	}
	return m, m.checkKind()
}

func parseABI(o object) (Version, error) {
	s := o.text("abi", true)
	if *o.err != nil {
		return Version{}, *o.err
	}
	v, err := ParseVersion(s)
	if err != nil {
		return v, manifestError("abi: %v", err)
	}
	return v, v.Check()
}

func parseKind(o object) Kind {
	s := o.text("kind", true)
	switch Kind(s) {
	case Map, Filter, Keyed:
	case "aggregate":
		o.fail("kind", "%q is not built yet, this host runs %s", s, oneOf(kinds()))
	default:
		o.fail("kind", "found %q, expected %s", clip(s), oneOf(kinds()))
	}
	return Kind(s)
}

func kinds() []string { return []string{string(Map), string(Filter), string(Keyed)} }

func parseInput(o object, config *ConfigSchema) []InputColumn {
	var cols []InputColumn
	seen := map[string]bool{}
	o.object("input", true).objects("columns", true, func(c object) {
		in := InputColumn{
			Name: c.text("name", true), Type: c.text("type", true), Nullable: c.boolean("nullable"),
			Bind: c.text("bind", false), SafeCast: c.choice("cast", "", "safe") == "safe",
		}
		checkColumn(c, in.Name, in.Type, seen)
		if in.Type == AnyType && in.SafeCast {
			c.fail("cast", "a column of type %q is never cast", AnyType)
		}
		if problem := checkPlainName(in.Name); problem != "" {
			c.fail("name", "%s", problem)
		}
		if _, there := c.m["bind"]; there {
			if p := config.property(in.Bind); p == nil || !p.only("string") {
				c.fail("bind", "config_schema has no property %q of type \"string\"", clip(in.Bind))
			}
		}
		cols = append(cols, in)
	})
	return cols
}

func parseOutput(o object, config *ConfigSchema) Output {
	o = o.object("output", true)
	if o.m == nil {
		return Output{}
	}
	out := Output{}
	switch mode := o.text("mode", true); mode {
	case "static":
		out.Static = true
	case "init":
		if _, there := o.m["columns"]; there {
			o.fail("columns", "they are decided in fh_init when mode is \"init\", expected none")
		}
		return out
	default:
		o.fail("mode", "found %q, expected %s", clip(mode), oneOf([]string{"static", "init"}))
		return out
	}
	seen := map[string]bool{}
	o.objects("columns", true, func(c object) {
		col := OutputColumn{Name: c.text("name", true), Type: c.text("type", true), Nullable: c.boolean("nullable")}
		checkColumn(c, col.Name, col.Type, seen)
		if col.Type == AnyType {
			c.fail("type", "an output column needs a type of its own, or output.mode \"init\"")
		}
		keys, err := placeholders(col.Name)
		if err != nil {
			c.fail("name", "%v", err)
		}
		for _, k := range keys {
			if p := config.property(k); p == nil || !p.only("string", "integer", "boolean") {
				c.fail("name", "config_schema has no property %q of type string, integer or boolean", clip(k))
			}
		}
		if problem := checkPlainName(col.Name); problem != "" && !isSelection(col.Name) {
			c.fail("name", "%s", problem)
		}
		out.Columns = append(out.Columns, col)
	})
	if len(seen) > MaxColumns {
		o.fail("columns", "there are %d, at most %d are allowed", len(seen), MaxColumns)
	}
	return out
}

func checkColumn(c object, name, typ string, seen map[string]bool) {
	if *c.err != nil {
		return
	}
	if seen[name] {
		c.fail("name", "%q stands twice", clip(name))
	}
	seen[name] = true
	if typ != AnyType {
		if _, err := ParseType(typ); err != nil {
			c.fail("type", "%v", err)
		}
	}
}

func isSelection(name string) bool { return name == KeepColumn || name == RowsColumn }

// checkKind holds static output against the rules of the kind.
func (m *Manifest) checkKind() error {
	if !m.Output.Static {
		return nil
	}
	for i, c := range m.Output.Columns {
		if !isSelection(c.Name) {
			continue
		}
		if m.Kind == Map || i > 0 || m.Kind == Keyed && c.Name == KeepColumn {
			return manifestError("output.columns[%d].name: %q may only be the first column of a filter, and %q of a keyed plugin", i, c.Name, RowsColumn)
		}
		want := "bool"
		if c.Name == RowsColumn {
			want = "int32"
		}
		if c.Type != want || c.Nullable {
			return manifestError("output.columns[0]: %q must have type %q and nullable false", c.Name, want)
		}
	}
	if m.Kind == Filter && (len(m.Output.Columns) == 0 || !isSelection(m.Output.Columns[0].Name)) {
		return manifestError("output.columns[0]: the first column of a filter must be %q or %q", KeepColumn, RowsColumn)
	}
	if m.Kind == Keyed && (len(m.Output.Columns) == 0 || m.Output.Columns[0].Name != RowsColumn) {
		return manifestError("output.columns[0]: the first column of a keyed plugin must be %q", RowsColumn)
	}
	return nil
}

func parseLimits(o object) Limits {
	o = o.object("limits", false)
	var l Limits
	if s, ok := get[string](o, "memory", "a size as in \"64MiB\"", false); ok {
		n, err := ParseSize(s)
		switch {
		case err != nil:
			o.fail("memory", "%v", err)
		case n > MaxMemory || n < 64<<10:
			o.fail("memory", "found %q, expected 64KiB to 4GiB", s)
		}
		l.Memory = n
	}
	if s, ok := get[string](o, "timeout", "a length of time as in \"2s\"", false); ok {
		d, err := ParseTimeout(s)
		if err != nil {
			o.fail("timeout", "%v", err)
		}
		l.Timeout = d
	}
	if n, ok := get[json.Number](o, "output_ratio", "a number above 0", false); ok {
		f, err := n.Float64()
		if err != nil || !(f > 0) || f > 1e6 {
			o.fail("output_ratio", "found %s, expected a number above 0, at most 1000000", n)
		}
		l.OutputRatio = f
	}
	l.MaxBatchRows = int(count(o, "max_batch_rows", math.MaxInt32))
	l.LogLines = int(count(o, "log_lines", math.MaxInt32))
	l.FuelBase, l.FuelPerRow = count(o, "fuel_base", MaxFuel), count(o, "fuel_per_row", MaxFuel)
	return l
}

func count(o object, key string, most int64) int64 {
	n, ok := get[json.Number](o, key, "a whole number above 0", false)
	if !ok {
		return 0
	}
	v, err := n.Int64()
	if err != nil || v < 1 || v > most {
		o.fail(key, "found %s, expected a whole number from 1 to %d", n, most)
	}
	return v
}

func checkCapabilities(o object) {
	l, _ := get[[]any](o, "capabilities", "a list of strings", false)
	for i, e := range l {
		key := fmt.Sprintf("capabilities[%d]", i)
		switch s, ok := e.(string); {
		case !ok:
			o.fail(key, "found %s, expected a string", describe(e))
		case s == "row_errors" || s == "state":
			o.fail(key, "%q is not built yet", s)
		default:
			o.fail(key, "%q is unknown, this host knows none", clip(s))
		}
	}
}

func isName(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

func isSemver(s string) bool {
	// The expression of semver.org, with \d written out.
	const expr = `^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)` +
		`(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?` +
		`(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`
	return len(s) <= 128 && regexp.MustCompile(expr).MatchString(s)
}
