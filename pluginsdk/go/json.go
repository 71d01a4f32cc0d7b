package sdk

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Package encoding/json reaches os, which the sandbox has not; this reader
// is what a plugin's configuration and manifest need.

// maxJSONDepth bounds the recursion of the reader.
const maxJSONDepth = 64

// number is a JSON number as written, so that integers keep all digits.
type number string

// object keeps its members in the order written.
type object []member

type member struct {
	name  string
	value any
}

func (o object) get(name string) any {
	for i := len(o) - 1; i >= 0; i-- { // the last of a name counts
		if o[i].name == name {
			return o[i].value
		}
	}
	return nil
}

// parseJSON reads one value: nil, bool, number, string, []any or object.
func parseJSON(b []byte) (any, error) {
	p := jsonReader{b: b}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.b) {
		return nil, p.wrong("text after the value")
	}
	return v, nil
}

type jsonReader struct {
	b  []byte
	at int
}

func (p *jsonReader) wrong(what string) error {
	return errors.New("json, byte " + strconv.Itoa(p.at) + ": " + what)
}

func (p *jsonReader) space() {
	for p.at < len(p.b) {
		switch p.b[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *jsonReader) next(c byte) bool {
	p.space()
	if p.at < len(p.b) && p.b[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonReader) value(depth int) (any, error) {
	p.space()
	if p.at >= len(p.b) {
		return nil, p.wrong("a value is missing")
	}
	if depth > maxJSONDepth {
		return nil, p.wrong("nested too deep")
	}
	switch c := p.b[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.list(depth)
	case c == '"':
		return p.text()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for word, v := range map[string]any{"true": true, "false": false, "null": nil} {
		if strings.HasPrefix(string(p.b[p.at:min(p.at+5, len(p.b))]), word) {
			p.at += len(word)
			return v, nil
		}
	}
	return nil, p.wrong("no value starts here")
}

func (p *jsonReader) object(depth int) (any, error) {
	p.at++
	out := object{}
	if p.next('}') {
		return out, nil
	}
	for {
		p.space()
		if p.at >= len(p.b) || p.b[p.at] != '"' {
			return nil, p.wrong("a member's name is missing")
		}
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		if !p.next(':') {
			return nil, p.wrong("a colon is missing")
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, member{name, v})
		if p.next(',') {
			continue
		}
		if p.next('}') {
			return out, nil
		}
		return nil, p.wrong("a comma or } is missing")
	}
}

func (p *jsonReader) list(depth int) (any, error) {
	p.at++
	out := []any{}
	if p.next(']') {
		return out, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if p.next(',') {
			continue
		}
		if p.next(']') {
			return out, nil
		}
		return nil, p.wrong("a comma or ] is missing")
	}
}

func (p *jsonReader) number() (any, error) {
	from := p.at
	for p.at < len(p.b) && strings.IndexByte("+-.eE0123456789", p.b[p.at]) >= 0 {
		p.at++
	}
	s := string(p.b[from:p.at])
	if _, err := strconv.ParseFloat(s, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
		p.at = from
		return nil, p.wrong("no number starts here")
	}
	return number(s), nil
}

func (p *jsonReader) text() (string, error) {
	p.at++
	var out []byte
	for p.at < len(p.b) {
		c := p.b[p.at]
		p.at++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", p.wrong("text that is no UTF-8")
			}
			return string(out), nil
		case c < ' ':
			return "", p.wrong("a control byte inside a text")
		case c != '\\':
			out = append(out, c)
			continue
		}
		if p.at >= len(p.b) {
			break
		}
		esc := p.b[p.at]
		p.at++
		if i := strings.IndexByte(`"\/bfnrt`, esc); i >= 0 {
			out = append(out, "\"\\/\b\f\n\r\t"[i])
			continue
		}
		if esc != 'u' {
			return "", p.wrong("an unknown escape")
		}
		r, ok := p.hex4()
		if !ok {
			return "", p.wrong("an escape \\u without four digits")
		}
		if r >= 0xD800 && r < 0xDC00 && p.at+1 < len(p.b) && p.b[p.at] == '\\' && p.b[p.at+1] == 'u' {
			back := p.at
			p.at += 2
			if low, ok := p.hex4(); ok && low >= 0xDC00 && low < 0xE000 {
				r = (r-0xD800)<<10 + (low - 0xDC00) + 0x10000
			} else {
				p.at = back
			}
		}
		out = utf8.AppendRune(out, r) // a lone surrogate becomes U+FFFD
	}
	return "", p.wrong("a text without its closing quote")
}

func (p *jsonReader) hex4() (rune, bool) {
	if p.at+4 > len(p.b) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.b[p.at:p.at+4]), 16, 16)
	p.at += 4
	return rune(n), err == nil
}

// decode puts a JSON value into what dst points at: structs (field names by
// the json tag), maps of text keys, slices, pointers, numbers, texts, bools
// and any. Unknown members are left out; null leaves dst as it is.
func decode(v any, dst reflect.Value, path string) error {
	if v == nil {
		return nil
	}
	refuse := func() error {
		return errors.New(path + ": want " + dst.Type().String() + ", got " + jsonKind(v))
	}
	switch dst.Kind() {
	case reflect.Pointer:
		if dst.IsNil() {
			dst.Set(reflect.New(dst.Type().Elem()))
		}
		return decode(v, dst.Elem(), path)
	case reflect.Interface:
		if dst.NumMethod() != 0 {
			return refuse()
		}
		dst.Set(reflect.ValueOf(plain(v)))
		return nil
	case reflect.Struct:
		o, ok := v.(object)
		if !ok {
			return refuse()
		}
		return decodeStruct(o, dst, path)
	case reflect.Map:
		o, ok := v.(object)
		if !ok || dst.Type().Key().Kind() != reflect.String {
			return refuse()
		}
		dst.Set(reflect.MakeMap(dst.Type()))
		for _, m := range o {
			e := reflect.New(dst.Type().Elem()).Elem()
			if err := decode(m.value, e, path+"."+m.name); err != nil {
				return err
			}
			dst.SetMapIndex(reflect.ValueOf(m.name).Convert(dst.Type().Key()), e)
		}
		return nil
	case reflect.Slice:
		l, ok := v.([]any)
		if !ok {
			return refuse()
		}
		dst.Set(reflect.MakeSlice(dst.Type(), len(l), len(l)))
		for i, e := range l {
			if err := decode(e, dst.Index(i), path+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
		return nil
	case reflect.String:
		if s, ok := v.(string); ok {
			dst.SetString(s)
			return nil
		}
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			dst.SetBool(b)
			return nil
		}
	case reflect.Float32, reflect.Float64:
		if n, ok := v.(number); ok {
			f, err := strconv.ParseFloat(string(n), dst.Type().Bits())
			if err != nil {
				return errors.New(path + ": number " + string(n) + " is out of range")
			}
			dst.SetFloat(f)
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, ok := v.(number); ok {
			i, err := strconv.ParseInt(string(n), 10, 64)
			if err != nil || dst.OverflowInt(i) {
				return errors.New(path + ": " + string(n) + " is no " + dst.Type().String())
			}
			dst.SetInt(i)
			return nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n, ok := v.(number); ok {
			i, err := strconv.ParseUint(string(n), 10, 64)
			if err != nil || dst.OverflowUint(i) {
				return errors.New(path + ": " + string(n) + " is no " + dst.Type().String())
			}
			dst.SetUint(i)
			return nil
		}
	}
	return refuse()
}

func decodeStruct(o object, dst reflect.Value, path string) error {
	for i := range dst.NumField() {
		f := dst.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if err := decode(o.get(name), dst.Field(i), path+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// plain gives a JSON value as encoding/json would put it into an any.
func plain(v any) any {
	switch x := v.(type) {
	case number:
		f, _ := strconv.ParseFloat(string(x), 64)
		return f
	case object:
		m := make(map[string]any, len(x))
		for _, e := range x {
			m[e.name] = plain(e.value)
		}
		return m
	case []any:
		l := make([]any, len(x))
		for i, e := range x {
			l[i] = plain(e)
		}
		return l
	}
	return v
}

func jsonKind(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case bool:
		return "a bool"
	case number:
		return "number " + string(x)
	case string:
		return "text " + strconv.Quote(x)
	case []any:
		return "a list"
	}
	return "an object"
}
