package avro

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	hamba "github.com/hamba/avro/v2"
)

// keptDefault is the property of a field under which the library keeps the text
// of its default. The library's own reading of defaults rounds numbers, takes
// some for Go's types, and follows records that double at every level.
const keptDefault = "text of the default"

// keepDefaults hides the defaults of a schema from the library.
func keepDefaults(text string) ([]byte, error) {
	tree, err := decodeJSON(text)
	if err == nil {
		err = hideDefaults(tree)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

func decodeJSON(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the JSON value")
	}
	return v, nil
}

// hideDefaults turns the default of each field into its text. Keys are compared
// as the library does.
func hideDefaults(v any) error {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			if err := hideDefaults(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, v := range x {
			fields, ok := v.([]any)
			if ok && strings.EqualFold(key, "fields") {
				for _, f := range fields {
					if err := hideDefault(f); err != nil {
						return err
					}
				}
			}
			if err := hideDefaults(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func hideDefault(field any) error {
	f, ok := field.(map[string]any)
	if !ok {
		return nil
	}
	delete(f, keptDefault)
	for _, key := range slices.Collect(maps.Keys(f)) {
		if !strings.EqualFold(key, "default") {
			continue
		}
		b, err := json.Marshal(f[key])
		if err != nil {
			return err
		}
		delete(f, key)
		f[keptDefault] = string(b)
	}
	return nil
}

// mostDefaults is how much the defaults of a schema may be together, once those
// inside them are in their places: a byte counts one, a value costOfValue.
const mostDefaults, costOfValue = 1 << 24, 16

// encoding writes defaults as rows would have them.
type encoding struct {
	left  int
	known map[*hamba.Field][]byte
}

func newEncoding() *encoding {
	return &encoding{left: mostDefaults, known: map[*hamba.Field][]byte{}}
}

func (e *encoding) spend(n int) error {
	if e.left -= n; e.left < 0 {
		return fmt.Errorf("the defaults of the schema are more than %d bytes together", mostDefaults)
	}
	return nil
}

// field is the default of a field as a row would have it; ok is false where it
// has none.
func (e *encoding) field(f *hamba.Field, depth int) (b []byte, ok bool, err error) {
	if b, ok = e.known[f]; ok {
		return b, true, nil
	}
	text, ok := f.Prop(keptDefault).(string)
	if !ok {
		return nil, false, nil
	}
	v, err := decodeJSON(text)
	if err != nil {
		return nil, true, err
	}
	if b, err = e.append(nil, f.Type(), v, depth); err != nil {
		return nil, true, err
	}
	e.known[f] = b
	return b, true, e.spend(len(b))
}

// noValue says that a default is not of the type of its field.
func noValue() error { return errors.New("it is no value of the type") }

// append writes v, a JSON value, as s.
func (e *encoding) append(dst []byte, s hamba.Schema, v any, depth int) ([]byte, error) {
	if err := e.spend(costOfValue); err != nil {
		return dst, err
	}
	if depth > deepest {
		return dst, errors.New(tooDeep)
	}
	switch x := resolved(s).(type) {
	case *hamba.UnionSchema:
		return e.union(dst, x, v, depth+1)
	case *hamba.RecordSchema:
		if m, ok := v.(map[string]any); ok {
			return e.record(dst, x, m, depth+1)
		}
	case *hamba.ArraySchema:
		if list, ok := v.([]any); ok {
			return appendBlock(dst, list, func(dst []byte, v any) ([]byte, error) { return e.append(dst, x.Items(), v, depth+1) })
		}
	case *hamba.MapSchema:
		if m, ok := v.(map[string]any); ok {
			return appendBlock(dst, slices.Sorted(maps.Keys(m)), func(dst []byte, key string) ([]byte, error) {
				return e.append(appendCounted(dst, key), x.Values(), m[key], depth+1)
			})
		}
	case *hamba.EnumSchema:
		if symbol, ok := v.(string); ok && slices.Contains(x.Symbols(), symbol) {
			return binary.AppendVarint(dst, int64(slices.Index(x.Symbols(), symbol))), nil
		}
	case *hamba.FixedSchema:
		if b, ok := bytesOfText(v); ok && len(b) == x.Size() {
			return append(dst, b...), nil
		}
	case *hamba.NullSchema:
		if v == nil {
			return dst, nil
		}
	case *hamba.PrimitiveSchema:
		return appendPrimitive(dst, x.Type(), v)
	}
	return dst, noValue()
}

// union writes a value of the first type that takes it. Older texts of the
// specification know the first type alone.
func (e *encoding) union(dst []byte, u *hamba.UnionSchema, v any, depth int) ([]byte, error) {
	first := noValue()
	for i, t := range u.Types() {
		b, err := e.append(binary.AppendVarint(dst, int64(i)), t, v, depth)
		if err == nil || e.left < 0 {
			return b, err
		}
		if i == 0 {
			first = err
		}
	}
	return dst, first
}

// record writes the fields of a value, which may leave out those with defaults.
func (e *encoding) record(dst []byte, r *hamba.RecordSchema, m map[string]any, depth int) ([]byte, error) {
	for _, f := range r.Fields() {
		v, ok := m[f.Name()]
		if !ok {
			b, ok, err := e.field(f, depth)
			if err == nil {
				err = e.spend(len(b))
			}
			if err != nil {
				return dst, err
			}
			if ok {
				dst = append(dst, b...)
				continue
			}
		}
		var err error // what is not there is null
		if dst, err = e.append(dst, f.Type(), v, depth); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendBlock writes the elements of an array or a map.
func appendBlock[T any](dst []byte, list []T, elem func([]byte, T) ([]byte, error)) (_ []byte, err error) {
	if len(list) > 0 {
		dst = binary.AppendVarint(dst, int64(len(list)))
	}
	for _, v := range list {
		if dst, err = elem(dst, v); err != nil {
			return dst, err
		}
	}
	return append(dst, 0), nil
}

func appendCounted[T string | []byte](dst []byte, s T) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

func appendPrimitive(dst []byte, t hamba.Type, v any) ([]byte, error) {
	switch x := v.(type) {
	case bool:
		if t == hamba.Boolean {
			if x {
				return append(dst, 1), nil
			}
			return append(dst, 0), nil
		}
	case string:
		if t == hamba.String {
			return appendCounted(dst, x), nil
		}
		if b, ok := bytesOfText(x); ok && t == hamba.Bytes {
			return appendCounted(dst, b), nil
		}
	case json.Number:
		return appendNumber(dst, t, x)
	}
	return dst, noValue()
}

func appendNumber(dst []byte, t hamba.Type, v json.Number) ([]byte, error) {
	switch t {
	case hamba.Int, hamba.Long:
		n, err := v.Int64()
		if err != nil { // 7.0 is a whole number all the same
			f, err := v.Float64()
			if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
				return dst, noValue()
			}
			n = int64(f)
		}
		if t == hamba.Int && n != int64(int32(n)) {
			return dst, noValue()
		}
		return binary.AppendVarint(dst, n), nil
	case hamba.Float:
		f, err := strconv.ParseFloat(v.String(), 32)
		if err != nil {
			return dst, err
		}
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
	case hamba.Double:
		f, err := v.Float64()
		if err != nil {
			return dst, err
		}
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), nil
	}
	return dst, noValue()
}

// bytesOfText reads bytes, of which each is a character of a text.
func bytesOfText(v any) ([]byte, bool) {
	s, ok := v.(string)
	if !ok {
		return nil, false
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 255 {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, true
}
