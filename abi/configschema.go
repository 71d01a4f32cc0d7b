package abi

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// ConfigSchema is the part of JSON Schema (2020-12) that a manifest's
// config_schema may use: type, enum, required, default, minimum, maximum,
// pattern, items, properties, additionalProperties. One thing differs: an
// object that lists properties and says nothing of additionalProperties
// refuses all others, since an unknown key is nearly always a slip of the pen.
//
// Values are bool, string, int64, float64, []any, map[string]any or nil.
type ConfigSchema struct {
	Title, Description string
	Types              []string // empty: any
	Enum               []any    // nil: no enum
	Default            any
	HasDefault         bool
	Minimum, Maximum   any            // int64, float64 or nil
	Pattern            *regexp.Regexp // RE2, unanchored; nil: none
	Items              *ConfigSchema
	Properties         map[string]*ConfigSchema
	Required           []string      // sorted
	Additional         *ConfigSchema // for keys not in Properties; nil: refuse them if Closed
	Closed             bool
}

// unsupported lists the keywords of JSON Schema that restrict values and are
// not part of the subset: to ignore them would be to let through what the
// author means to refuse.
func unsupported() []string {
	return []string{"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "const",
		"multipleOf", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
		"minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems",
		"patternProperties", "propertyNames", "minProperties", "maxProperties",
		"dependentRequired", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties"}
}

func parseConfigSchema(o object) *ConfigSchema {
	o = o.object("config_schema", true)
	if o.m == nil {
		return nil
	}
	s := parseSchema(o)
	if len(s.Types) == 0 {
		s.Types = []string{"object"}
	}
	if !s.only("object") {
		o.fail("type", "a config is an object, expected \"object\"")
	}
	// An empty schema means "no keys": there is nothing it could describe.
	if s.Properties == nil && s.Additional == nil {
		s.Closed = true
	}
	if *o.err == nil {
		s.checkDefaults(o, "config_schema")
	}
	return s
}

func parseSchema(o object) *ConfigSchema {
	s := &ConfigSchema{Title: o.text("title", false), Description: o.text("description", false)}
	for _, k := range unsupported() {
		if _, there := o.m[k]; there {
			o.fail(k, "this keyword is not part of the subset of JSON Schema that featurehost reads")
		}
	}
	s.parseTypes(o)
	if l, ok := get[[]any](o, "enum", "a list", false); ok {
		s.Enum = []any{}
		for _, e := range l {
			s.Enum = append(s.Enum, o.value("enum", e))
		}
	}
	if d, there := o.m["default"]; there {
		s.Default, s.HasDefault = o.value("default", d), true
	}
	s.Minimum, s.Maximum = o.number("minimum"), o.number("maximum")
	if p, ok := get[string](o, "pattern", "a regular expression", false); ok {
		re, err := regexp.Compile(p)
		if err != nil {
			o.fail("pattern", "%q is no RE2 expression: %v", clip(p), err)
		}
		s.Pattern = re
	}
	if _, there := o.m["items"]; there {
		s.Items = parseSchema(o.object("items", true))
	}
	if _, there := o.m["properties"]; there {
		props := o.object("properties", true)
		s.Properties = map[string]*ConfigSchema{}
		for _, k := range keys(props.m) {
			s.Properties[k] = parseSchema(props.object(k, true))
		}
		s.Closed = true
	}
	switch a := o.m["additionalProperties"].(type) {
	case bool:
		s.Closed = !a
		if a {
			s.Additional = &ConfigSchema{}
		}
	case map[string]any:
		s.Closed, s.Additional = false, parseSchema(o.object("additionalProperties", true))
	default:
		if _, there := o.m["additionalProperties"]; there {
			o.fail("additionalProperties", "found %s, expected true, false or a schema", describe(a))
		}
	}
	required, _ := get[[]any](o, "required", "a list of strings", false)
	for _, r := range required {
		k, ok := r.(string)
		if !ok {
			o.fail("required", "found %s, expected a list of strings", describe(r))
		}
		if s.Closed && s.Properties[k] == nil {
			o.fail("required", "%q is not among the properties", clip(k))
		}
		s.Required = append(s.Required, k)
	}
	sort.Strings(s.Required)
	s.Required = slices.Compact(s.Required)
	return s
}

func (s *ConfigSchema) parseTypes(o object) {
	known := []string{"object", "array", "string", "integer", "number", "boolean", "null"}
	raw, there := o.m["type"]
	list, isList := raw.([]any)
	if !there {
		return
	}
	if !isList {
		list = []any{raw}
	}
	for _, e := range list {
		t, ok := e.(string)
		if !ok || !slices.Contains(known, t) {
			o.fail("type", "found %s, expected %s", describe(e), strings.Join(known, ", "))
			return
		}
		s.Types = append(s.Types, t)
	}
	if len(list) == 0 {
		o.fail("type", "the list is empty")
	}
}

// value turns a JSON value of a schema into a config value.
func (o object) value(key string, v any) any {
	out, problem := plain(v)
	if problem != "" {
		o.fail(key, "%s", problem)
	}
	return out
}

func (o object) number(key string) any {
	raw, there := o.m[key]
	if !there {
		return nil
	}
	switch v := o.value(key, raw).(type) {
	case int64, float64:
		return v
	}
	o.fail(key, "found %s, expected a number", describe(raw))
	return nil
}

// checkDefaults refuses defaults that break their own schema.
func (s *ConfigSchema) checkDefaults(o object, path string) {
	if s.HasDefault {
		var vs []Violation
		s.check("default", s.Default, &vs)
		if len(vs) > 0 && *o.err == nil {
			*o.err = manifestError("%s: %s", path, vs[0])
		}
	}
	for _, k := range keys(s.Properties) {
		s.Properties[k].checkDefaults(o, path+".properties."+k)
	}
	if s.Items != nil {
		s.Items.checkDefaults(o, path+".items")
	}
	if s.Additional != nil {
		s.Additional.checkDefaults(o, path+".additionalProperties")
	}
}

// property gives the schema of a top-level key, or nil.
func (s *ConfigSchema) property(key string) *ConfigSchema {
	if s == nil {
		return nil
	}
	return s.Properties[key]
}

// only reports whether all types that s allows are among types.
func (s *ConfigSchema) only(types ...string) bool {
	for _, t := range s.Types {
		if !slices.Contains(types, t) {
			return false
		}
	}
	return len(s.Types) > 0
}

func keys[V any](m map[string]V) []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return ks
}

// keyPath appends a key to a path: "a.b", or a["b c"] when it is no plain word.
func keyPath(path, key string) string {
	const word = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	if key == "" || strings.Trim(key, word) != "" {
		return fmt.Sprintf("%s[%q]", path, clip(key))
	}
	return join(path, key)
}
