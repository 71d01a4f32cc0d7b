package abi

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// CheckName refuses (FH-2004) a name that no column of a plugin may have:
// empty, longer than MaxName bytes, with a NUL, not UTF-8, or with the
// reserved prefix fh_ (ABI-M-017).
func CheckName(name string) error {
	if problem := checkPlainName(name); problem != "" {
		return &Error{Code: CodeNameClash, Message: "column " + problem}
	}
	return nil
}

func checkPlainName(name string) string {
	switch {
	case name == "":
		return "a name is empty"
	case len(name) > MaxName:
		return fmt.Sprintf("name %q has %d bytes, at most %d are allowed", clip(name), len(name), MaxName)
	case strings.IndexByte(name, 0) >= 0 || !utf8.ValidString(name):
		return fmt.Sprintf("name %q holds a NUL or is not UTF-8", clip(name))
	case strings.HasPrefix(name, ReservedPrefix):
		return fmt.Sprintf("name %q begins with %q, which is reserved", clip(name), ReservedPrefix)
	}
	return ""
}

// ResolveInput gives the real name of each input column under a config that
// CheckConfig has passed: what the config says under the column's bind key,
// or, when it has none or says nothing, the column's own name. Two columns
// may be bound to one real column. Errors have code FH-2001.
func (m *Manifest) ResolveInput(config map[string]any) ([]string, error) {
	names := make([]string, len(m.Input))
	for i, c := range m.Input {
		names[i] = c.Name
		if v, there := config[c.Bind]; c.Bind != "" && there {
			s, ok := v.(string)
			if !ok || s == "" {
				return nil, &Error{Code: CodeConfig, Message: fmt.Sprintf("config key %q must hold the name of a column, found %s", c.Bind, describe(v))}
			}
			names[i] = s
		}
	}
	return names, nil
}

// ResolveOutput gives the names of the static output columns under a config
// that CheckConfig has passed, with each ${key} replaced by the config's
// value. Errors: FH-2001 when the config says nothing under a key, FH-2004
// when a name is not allowed or stands twice. Nil for output mode "init".
func (m *Manifest) ResolveOutput(config map[string]any) ([]string, error) {
	var names []string
	seen := map[string]bool{}
	for _, c := range m.Output.Columns {
		name, err := expand(c.Name, config)
		if err != nil {
			return nil, err
		}
		if !isSelection(c.Name) {
			if err := CheckName(name); err != nil {
				return nil, err
			}
		}
		if seen[name] {
			return nil, &Error{Code: CodeNameClash, Message: fmt.Sprintf("two output columns are named %q", clip(name)), Hint: "give them different names in the config"}
		}
		seen[name] = true
		names = append(names, name)
	}
	return names, nil
}

// placeholders lists the keys of ${key} in a column name.
func placeholders(name string) ([]string, error) {
	var keys []string
	for rest := name; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			return keys, nil
		}
		key, after, ok := strings.Cut(rest[i+2:], "}")
		if !ok || key == "" {
			return nil, fmt.Errorf("%q holds a ${ without a key and }", clip(name))
		}
		keys, rest = append(keys, key), after
	}
}

func expand(name string, config map[string]any) (string, error) {
	var b strings.Builder
	rest := name
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			return b.String() + rest, nil
		}
		b.WriteString(rest[:i])
		key, after, ok := strings.Cut(rest[i+2:], "}")
		if !ok {
			return b.String() + rest[i:], nil // not reached: ParseManifest has looked
		}
		v, there := config[key]
		if !there {
			return "", &Error{Code: CodeConfig, Message: fmt.Sprintf("output column %q needs config key %q", clip(name), key), Hint: "set it in the stage's config"}
		}
		s, ok := plainText(v)
		if !ok {
			return "", &Error{Code: CodeConfig, Message: fmt.Sprintf("config key %q names output column %q, found %s", key, clip(name), describe(v))}
		}
		b.WriteString(s)
		rest = after
	}
}

// plainText gives a config value as it stands in a column name.
func plainText(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case bool, int64:
		return fmt.Sprint(x), true
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return fmt.Sprintf("%.0f", x), true
		}
	}
	return "", false
}
