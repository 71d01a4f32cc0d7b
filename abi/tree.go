package abi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxNesting bounds the depth of a manifest's JSON.
const maxNesting = 32

// parseJSON reads one JSON value. Objects become map[string]any, numbers
// json.Number. Unlike json.Unmarshal it refuses a key that stands twice in an
// object, and tells keys apart by case.
func parseJSON(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := parseValue(d, maxNesting)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it ends too early")
		}
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the closing brace")
	}
	return v, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	if depth < 0 {
		return nil, fmt.Errorf("it is nested deeper than %d", maxNesting)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			key := k.(string) // the decoder gives nothing else here
			if _, twice := m[key]; twice {
				return nil, fmt.Errorf("key %q stands twice in one object", key)
			}
			if m[key], err = parseValue(d, depth-1); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return m, err
	case json.Delim('['):
		l := []any{}
		for d.More() {
			v, err := parseValue(d, depth-1)
			if err != nil {
				return nil, err
			}
			l = append(l, v)
		}
		_, err = d.Token()
		return l, err
	}
	return t, nil
}

// object reads typed fields of a JSON object and remembers the first that has
// the wrong type, or is required and missing. Fields nobody asks for are
// ignored.
type object struct {
	path string // of the object itself, "" for the manifest
	m    map[string]any
	err  *error
}

func (o object) fail(key, format string, args ...any) {
	if *o.err == nil {
		*o.err = manifestError("%s: %s", join(o.path, key), fmt.Sprintf(format, args...))
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func manifestError(format string, args ...any) error {
	return &Error{Code: CodeManifest, Message: "manifest: " + fmt.Sprintf(format, args...)}
}

// get gives the value of key, which must have the type T when it is there.
func get[T any](o object, key, want string, required bool) (T, bool) {
	var zero T
	raw, there := o.m[key]
	if !there {
		if required {
			o.fail(key, "is missing, expected %s", want)
		}
		return zero, false
	}
	v, ok := raw.(T)
	if !ok {
		o.fail(key, "found %s, expected %s", describe(raw), want)
	}
	return v, ok
}

func (o object) text(key string, required bool) string {
	s, _ := get[string](o, key, "a string", required)
	return s
}

func (o object) boolean(key string) bool {
	b, _ := get[bool](o, key, "true or false", true)
	return b
}

func (o object) object(key string, required bool) object {
	m, _ := get[map[string]any](o, key, "an object", required)
	return object{join(o.path, key), m, o.err}
}

// objects calls f for each element of a list of objects.
func (o object) objects(key string, required bool, f func(object)) {
	l, _ := get[[]any](o, key, "a list", required)
	for i, e := range l {
		path := fmt.Sprintf("%s[%d]", key, i)
		m, ok := e.(map[string]any)
		if !ok {
			o.fail(path, "found %s, expected an object", describe(e))
			return
		}
		f(object{join(o.path, path), m, o.err})
	}
}

// choice reads a string that must be one of a few.
func (o object) choice(key, standard string, options ...string) string {
	s := o.text(key, false)
	if _, there := o.m[key]; !there {
		return standard
	}
	if !slices.Contains(options, s) {
		o.fail(key, "found %q, expected %s", clip(s), oneOf(options))
	}
	return s
}

func oneOf(options []string) string {
	q := make([]string, len(options))
	for i, s := range options {
		q[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(q, " or ")
}

// describe names the JSON type of v with a short value.
func describe(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprint(x)
	case string:
		return fmt.Sprintf("the string %q", clip(x))
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("the number %v", v)
}
