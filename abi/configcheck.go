package abi

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// CheckConfig holds a stage's config against the config schema and gives a
// copy of it with defaults filled in: what fh_init is told. Numbers come back
// as int64 or float64. The error (FH-2001) lists every violation.
func (m *Manifest) CheckConfig(config map[string]any) (map[string]any, error) {
	if config == nil {
		config = map[string]any{}
	}
	var vs []Violation
	out, _ := m.Config.check("", config, &vs).(map[string]any)
	if len(vs) > 0 {
		slices.SortStableFunc(vs, func(a, b Violation) int { return strings.Compare(a.Path, b.Path) })
		return nil, violationsError(vs)
	}
	return out, nil
}

// check gives v as a config value with defaults, and appends what is wrong
// with it.
func (s *ConfigSchema) check(path string, v any, vs *[]Violation) any {
	bad := func(format string, args ...any) {
		*vs = append(*vs, Violation{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	v, problem := shallow(v)
	if problem == "" && s.Enum != nil {
		v, problem = plain(v)
	}
	if problem != "" {
		bad("%s", problem)
		return nil
	}
	if !s.allows(v) {
		bad("found %s, expected %s", describe(v), article(s.Types))
		return nil
	}
	if s.Enum != nil && !contains(s.Enum, v) {
		bad("found %s, expected one of %s", describe(v), listValues(s.Enum))
		return nil
	}
	switch x := v.(type) {
	case int64, float64:
		if s.Minimum != nil && compare(x, s.Minimum) < 0 {
			bad("found %v, the least allowed is %v", x, s.Minimum)
		}
		if s.Maximum != nil && compare(x, s.Maximum) > 0 {
			bad("found %v, the most allowed is %v", x, s.Maximum)
		}
	case string:
		if s.Pattern != nil && !s.Pattern.MatchString(x) {
			bad("found %q, expected text that matches %s", clip(x), s.Pattern)
		}
	case []any:
		items := s.Items
		if items == nil {
			items = &ConfigSchema{}
		}
		for i, e := range x {
			x[i] = items.check(fmt.Sprintf("%s[%d]", path, i), e, vs)
		}
	case map[string]any:
		s.checkObject(path, x, vs)
	}
	return v
}

func (s *ConfigSchema) checkObject(path string, m map[string]any, vs *[]Violation) {
	for _, k := range keys(m) {
		p := s.Properties[k]
		if p == nil {
			p = s.Additional
		}
		switch {
		case p == nil && !s.Closed:
			m[k] = (&ConfigSchema{}).check(keyPath(path, k), m[k], vs)
		case p != nil:
			m[k] = p.check(keyPath(path, k), m[k], vs)
		default:
			v := Violation{Path: keyPath(path, k), Message: "unknown key"}
			if near := suggest(k, keys(s.Properties)); near != "" {
				v.Hint = fmt.Sprintf("did you mean %q?", near)
			} else if len(s.Properties) == 0 {
				v.Hint = "there are no keys here"
			} else {
				v.Hint = "the keys are " + strings.Join(keys(s.Properties), ", ")
			}
			*vs = append(*vs, v)
		}
	}
	for _, k := range keys(s.Properties) {
		if p := s.Properties[k]; p.HasDefault {
			if _, there := m[k]; !there {
				var none []Violation // the default was checked with the manifest
				m[k] = p.check("", p.Default, &none)
			}
		}
	}
	for _, k := range s.Required {
		if _, there := m[k]; !there {
			*vs = append(*vs, Violation{Path: keyPath(path, k), Message: "is missing"})
		}
	}
}

func (s *ConfigSchema) allows(v any) bool {
	if len(s.Types) == 0 {
		return true
	}
	for _, t := range s.Types {
		ok := false
		switch x := v.(type) {
		case nil:
			ok = t == "null"
		case bool:
			ok = t == "boolean"
		case string:
			ok = t == "string"
		case int64:
			ok = t == "integer" || t == "number"
		case float64:
			ok = t == "number" || t == "integer" && x == math.Trunc(x)
		case []any:
			ok = t == "array"
		case map[string]any:
			ok = t == "object"
		}
		if ok {
			return true
		}
	}
	return false
}

// shallow gives v as one of the few types of config values, or says why it is
// none. Lists and tables are copied, what they hold is left as it is.
func shallow(v any) (any, string) {
	switch x := v.(type) {
	case nil, bool, int64:
		return x, ""
	case string:
		if !utf8.ValidString(x) {
			return nil, "the text is not UTF-8"
		}
		return x, ""
	case int:
		return int64(x), ""
	case int32:
		return int64(x), ""
	case float32:
		return shallow(float64(x))
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Sprintf("found %v, expected a finite number", x)
		}
		return x, ""
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n, ""
		}
		f, err := x.Float64()
		if err != nil {
			return nil, fmt.Sprintf("found %s, which is out of the range of numbers", clip(x.String()))
		}
		return f, ""
	case []string:
		return widen(x), ""
	case []map[string]any:
		return widen(x), ""
	case []any:
		return slices.Clone(x), ""
	case map[string]any:
		if x == nil {
			return map[string]any{}, ""
		}
		return maps.Clone(x), ""
	}
	return nil, fmt.Sprintf("found a value of type %T, expected text, a number, true or false, a list or a table", v)
}

func widen[T any](l []T) []any {
	out := make([]any, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

// plain is shallow all the way down.
func plain(v any) (any, string) {
	v, problem := shallow(v)
	switch x := v.(type) {
	case []any:
		for i := range x {
			if problem == "" {
				x[i], problem = plain(x[i])
			}
		}
	case map[string]any:
		for _, k := range keys(x) {
			if problem == "" {
				x[k], problem = plain(x[k])
			}
		}
	}
	return v, problem
}

func contains(enum []any, v any) bool {
	for _, e := range enum {
		if equal(e, v) {
			return true
		}
	}
	return false
}

// equal compares two config values; 1 and 1.0 are the same number.
func equal(a, b any) bool {
	switch x := a.(type) {
	case int64, float64:
		switch b.(type) {
		case int64, float64:
			return compare(a, b) == 0
		}
		return false
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			w, there := y[k]
			if !there || !equal(v, w) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// compare orders two numbers exactly.
func compare(a, b any) int { return rational(a).Cmp(rational(b)) }

func rational(v any) *big.Rat {
	if n, ok := v.(int64); ok {
		return new(big.Rat).SetInt64(n)
	}
	return new(big.Rat).SetFloat64(v.(float64))
}

func article(types []string) string {
	names := map[string]string{"object": "a table", "array": "a list", "string": "text", "integer": "a whole number",
		"number": "a number", "boolean": "true or false", "null": "null"}
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = names[t]
	}
	return strings.Join(out, " or ")
}

func listValues(vs []any) string {
	out := make([]string, len(vs))
	for i, v := range vs {
		b, err := json.Marshal(v)
		if err != nil {
			b = []byte(fmt.Sprint(v))
		}
		out[i] = string(b)
	}
	return strings.Join(out, ", ")
}
