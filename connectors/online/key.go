package online

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// keyOf gives the primary key for key texts by column name.
func (t *table) keyOf(texts map[string]string) ([]byte, error) {
	want := t.keys()
	names := make([]string, 0, len(texts))
	for n := range texts {
		names = append(names, n)
	}
	slices.Sort(names) // the same message every time
	for _, n := range names {
		if !slices.ContainsFunc(want, func(c column) bool { return c.name == n }) {
			return nil, t.badKey("%q is no key column", n)
		}
	}
	var key []byte
	for _, c := range want {
		text, ok := texts[c.name]
		if !ok {
			return nil, t.badKey("key column %q is missing", c.name)
		}
		v, err := parseKey(c.typ, text)
		if err != nil {
			return nil, t.badKey("key column %q: %v", c.name, err)
		}
		b := array.NewBuilder(memory.DefaultAllocator, c.typ)
		err = appendDecoded(b, v)
		arr := b.NewArray()
		b.Release()
		if err == nil {
			key = canonical.AppendValue(key, arr, 0)
		}
		arr.Release()
		if err != nil {
			return nil, t.badKey("key column %q: %v", c.name, err)
		}
	}
	return key, nil
}

func (t *table) badKey(message string, args ...any) error {
	return fault.New(BadKey, message, args...).At("table %q", t.name).WithHint("the keys are (%s)", describe(t.keys()))
}

// parseKey reads the text of a key value as decode would give it.
func parseKey(t arrow.DataType, s string) (any, error) {
	bad := func(example string) error {
		return fmt.Errorf("%q is no %s: write it as %s", s, column{typ: t}.typeName(), example)
	}
	switch x := t.(type) {
	case *arrow.BooleanType:
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, bad("true or false")
	case *arrow.Int32Type, *arrow.Int64Type:
		bits := 64
		if t.ID() == arrow.INT32 {
			bits = 32
		}
		n, err := strconv.ParseInt(s, 10, bits)
		if err != nil {
			return nil, bad("17")
		}
		return n, nil
	case *arrow.Float32Type, *arrow.Float64Type:
		bits := 64
		if t.ID() == arrow.FLOAT32 {
			bits = 32
		}
		f, err := strconv.ParseFloat(s, bits)
		if err != nil {
			return nil, bad("1.5")
		}
		return f, nil
	case *arrow.StringType:
		return s, nil
	case *arrow.BinaryType:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, bad("base64")
		}
		return b, nil
	case *arrow.Date32Type:
		if _, err := parseDate(s); err != nil {
			return nil, bad("2026-01-31")
		}
		return s, nil
	case *arrow.Decimal128Type:
		if _, err := parseDecimal(s, x); err != nil {
			return nil, bad("1.25, without more digits than the type has")
		}
		return s, nil
	case *arrow.TimestampType:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
			if v, err := time.Parse(layout, s); err == nil && v.Nanosecond()%1000 == 0 {
				return v.UnixMicro(), nil
			}
		}
		return nil, bad("2026-01-31T10:00:00Z, to the microsecond")
	}
	return nil, fmt.Errorf("a key of type %s cannot be asked for by text", column{typ: t}.typeName())
}
