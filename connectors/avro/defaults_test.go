package avro_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
)

// value is a value in the three forms that a default can be compared in.
type value struct {
	json  string // as a default is written
	bytes []byte // as a row has it
}

func varint(v int64) []byte {
	var b []byte
	for u := uint64(v<<1) ^ uint64(v>>63); ; u >>= 7 {
		if u < 0x80 {
			return append(b, byte(u))
		}
		b = append(b, byte(u)|0x80)
	}
}

func counted(b []byte) []byte { return append(varint(int64(len(b))), b...) }

// drawn draws a type, and a value of it.
func drawn(rt *rapid.T, names *int, depth int) (typ string, v value) {
	kinds := []string{"boolean", "int", "date", "long", "time-micros", "timestamp-millis", "double", "string", "bytes", "fixed", "decimal", "enum", "null"}
	if depth < 3 {
		kinds = append(kinds, "array", "map", "record", "union", "optional")
	}
	*names++
	name := fmt.Sprint("t", *names)
	switch kind := rapid.SampledFrom(kinds).Draw(rt, "kind"); kind {
	case "null":
		return `"null"`, value{"null", nil}
	case "boolean":
		if rapid.Bool().Draw(rt, "b") {
			return `"boolean"`, value{"true", []byte{1}}
		}
		return `"boolean"`, value{"false", []byte{0}}
	case "int", "date":
		n := rapid.Int32().Draw(rt, "n")
		typ = `"int"`
		if kind == "date" {
			typ = `{"type": "int", "logicalType": "date"}`
		}
		return typ, value{fmt.Sprint(n), varint(int64(n))}
	case "long", "time-micros", "timestamp-millis":
		n := rapid.Int64().Draw(rt, "n")
		typ = `{"type": "long", "logicalType": "` + kind + `"}`
		if kind == "timestamp-millis" {
			n /= 1000
		}
		return typ, value{fmt.Sprint(n), varint(n)}
	case "double":
		n := rapid.Int16().Draw(rt, "n")
		return `"double"`, value{fmt.Sprintf("%d.25", n), double(float64(n) + sign(n)*0.25)}
	case "string":
		s := rapid.StringMatching(`[a-zé"\\]{0,6}`).Draw(rt, "s")
		return `"string"`, value{quoted(s), counted([]byte(s))}
	case "bytes":
		b := []byte{rapid.Byte().Draw(rt, "byte"), 'x'}
		return `"bytes"`, value{fmt.Sprintf(`"\u00%02xx"`, b[0]), counted(b)}
	case "fixed":
		b := []byte{rapid.Byte().Draw(rt, "byte"), 'x'}
		return `{"type": "fixed", "name": "` + name + `", "size": 2}`, value{fmt.Sprintf(`"\u00%02xx"`, b[0]), b}
	case "decimal":
		b := []byte{rapid.Byte().Draw(rt, "byte")}
		return `{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}`, value{fmt.Sprintf(`"\u00%02x"`, b[0]), counted(b)}
	case "enum":
		n := rapid.IntRange(0, 2).Draw(rt, "symbol")
		return `{"type": "enum", "name": "` + name + `", "symbols": ["A", "B", "C"]}`, value{`"` + "ABC"[n:n+1] + `"`, varint(int64(n))}
	case "array", "map":
		inner, v := drawn(rt, names, depth+1)
		if kind == "array" {
			return `{"type": "array", "items": ` + inner + `}`, value{"[" + v.json + "," + v.json + "]", append(varint(2), append(append(v.bytes[:len(v.bytes):len(v.bytes)], v.bytes...), 0)...)}
		}
		return `{"type": "map", "values": ` + inner + `}`, value{`{"k":` + v.json + `}`, append(append(varint(1), counted([]byte("k"))...), append(v.bytes[:len(v.bytes):len(v.bytes)], 0)...)}
	case "record":
		a, va := drawn(rt, names, depth+1)
		b, vb := drawn(rt, names, depth+1)
		typ = `{"type": "record", "name": "` + name + `", "fields": [{"name": "a", "type": ` + a + `}, {"name": "b", "type": ` + b + `, "default": ` + vb.json + `}]}`
		text := `{"a": ` + va.json + `, "b": ` + vb.json + `}`
		if rapid.Bool().Draw(rt, "b by its default") {
			text = `{"a": ` + va.json + `}`
		}
		return typ, value{text, append(va.bytes[:len(va.bytes):len(va.bytes)], vb.bytes...)}
	default: // a union: the default is of its first type
		inner, v := drawn(rt, names, 3)
		if inner == `"null"` {
			return `["null", "int"]`, value{"null", []byte{0}}
		}
		last := `, "null"]`
		if kind == "union" {
			last = `, "null", {"type": "fixed", "name": "u` + name + `", "size": 7}]`
		}
		return "[" + inner + last, value{v.json, append([]byte{0}, v.bytes...)}
	}
}

func sign(n int16) float64 {
	if n < 0 {
		return -1
	}
	return 1
}

// Rule: A3. A default is what the same value would have been, had it been
// written.
func TestPlan_DrawnDefaults_AsIfWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := 0
		typ, v := drawn(rt, &names, 0)
		written := record(x(typ))
		reader := parse(t, record(`{"name": "x", "type": `+typ+`, "default": `+v.json+`}`))
		d, p := decoder(t, reader, parse(t, written))
		if err := d.Append(p, v.bytes); err != nil {
			rt.Fatalf("%s, written %s: %v", typ, v.json, err)
		}
		want := text(d, reader)
		if p, err := d.Plan(parse(t, record(""))); err != nil {
			rt.Fatalf("%s, default %s: %v", typ, v.json, err)
		} else if err := d.Append(p, nil); err != nil {
			rt.Fatal(err)
		}
		if got := text(d, reader); got != want {
			rt.Fatalf("%s, default %s: %s, written %s", typ, v.json, got, want)
		}
	})
}

func TestPlan_Defaults_Exact(t *testing.T) {
	for _, c := range []struct{ typ, json, want string }{
		{`[{"type": "long", "logicalType": "timestamp-millis"}, "null"]`, `7`, `1970-01-01T00:00:00.007Z`},
		{`[{"type": "enum", "name": "e", "symbols": ["A", "B"]}, "null"]`, `"B"`, `B`},
		{`{"type": "long", "logicalType": "time-micros"}`, `3`, `3`},
		{`"long"`, `9223372036854775807`, `9223372036854775807`},
		{`"long"`, `9007199254740993`, `9007199254740993`},
		{`"int"`, `7.0`, `7`},
		{`["null", "long"]`, `7`, `7`}, // a type other than the first
		{`["int", "string", "null"]`, `"a"`, `"a"`},
		{`{"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}`, `"\u00ff"`, `-0.01`},
	} {
		if got := cell(t, `{"name": "x", "type": `+c.typ+`, "default": `+c.json+`}`, "", nil); got != c.want {
			t.Errorf("%s by default %s: %s, want %s", c.typ, c.json, got, c.want)
		}
	}
}

func TestParse_UnusableDefaults_Refused(t *testing.T) {
	chain := `{"type": "record", "name": "r0", "fields": [{"name": "a", "type": "int", "default": 1}]}`
	for i := 1; i < 40; i++ {
		chain = fmt.Sprintf(`{"type": "record", "name": "r%d", "fields": [{"name": "a", "type": %s, "default": {}}, {"name": "b", "type": "r%d", "default": {}}]}`, i, chain, i-1)
	}
	large := `{"type": "record", "name": "r0", "fields": [{"name": "a", "type": "string", "default": "` + strings.Repeat("a", 1<<20) + `"}]}`
	for i := 1; i < 8; i++ {
		large = fmt.Sprintf(`{"type": "record", "name": "r%d", "fields": [{"name": "a", "type": %s, "default": {}}, {"name": "b", "type": "r%d", "default": {}}]}`, i, large, i-1)
	}
	for name, field := range map[string]string{
		"large at every level":   `{"name": "x", "type": ` + large + `, "default": {}}`,
		"text for a number":      `{"name": "x", "type": "int", "default": "7"}`,
		"fraction":               `{"name": "x", "type": "int", "default": 7.5}`,
		"too large":              `{"name": "x", "type": "int", "default": 2147483648}`,
		"too large a long":       `{"name": "x", "type": "long", "default": 9223372036854775808}`,
		"number beyond doubles":  `{"name": "x", "type": "double", "default": 1e999}`,
		"symbol":                 `{"name": "x", "type": {"type": "enum", "name": "e", "symbols": ["A"]}, "default": "B"}`,
		"null":                   `{"name": "x", "type": "int", "default": null}`,
		"none of a union":        `{"name": "x", "type": ["null", "int"], "default": "a"}`,
		"byte over 255":          `{"name": "x", "type": "bytes", "default": "\u0100"}`,
		"fixed of another size":  `{"name": "x", "type": {"type": "fixed", "name": "f", "size": 2}, "default": "abc"}`,
		"element":                `{"name": "x", "type": {"type": "array", "items": "int"}, "default": [1, "a"]}`,
		"record without a field": `{"name": "x", "type": {"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}, "default": {}}`,
		"holds itself":           `{"name": "x", "type": {"type": "record", "name": "r", "fields": [{"name": "a", "type": "r", "default": {}}]}, "default": {}}`,
		"doubles at every level": `{"name": "x", "type": ` + chain + `, "default": {}}`,
		"negative size":          `{"name": "x", "type": {"type": "fixed", "name": "f", "size": -5}}`,
	} {
		if _, err := avro.Parse(record(field)); !fault.Is(err, avro.BadSchema) {
			t.Errorf("%s: %v", name, err)
		} else if !strings.Contains(err.Error(), `field "`) && name != "negative size" {
			t.Errorf("%s: the error names no field: %v", name, err)
		}
	}
}
