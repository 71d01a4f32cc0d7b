package online

import (
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/connectors/online/staged"
)

// decode reads a stored value of type t: nil, bool, int64 (times in
// microseconds), float64, string (dates, decimals), []byte or []any.
func decode(t arrow.DataType, v driver.Value) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch t.ID() {
	case arrow.BOOL:
		if n, ok := v.(int64); ok && (n == 0 || n == 1) {
			return n == 1, nil
		}
	case arrow.INT32:
		if n, ok := v.(int64); ok && int64(int32(n)) == n {
			return n, nil
		}
	case arrow.INT64, arrow.TIMESTAMP:
		if n, ok := v.(int64); ok {
			return n, nil
		}
	case arrow.FLOAT32, arrow.FLOAT64:
		if f, ok := v.(float64); ok {
			return f, nil
		}
		if s, ok := v.(string); ok {
			return specialNumber(s)
		}
	case arrow.STRING:
		if s, ok := v.(string); ok {
			return s, nil
		}
	case arrow.BINARY:
		if b, ok := v.([]byte); ok {
			return b, nil
		}
	case arrow.DATE32:
		if s, ok := v.(string); ok {
			_, err := staged.ParseDate(s)
			return s, err
		}
	case arrow.DECIMAL128:
		if s, ok := v.(string); ok {
			_, err := staged.ParseDecimal(s, t.(*arrow.Decimal128Type))
			return s, err
		}
	case arrow.LIST:
		if s, ok := v.(string); ok {
			return decodeList(t.(*arrow.ListType).Elem(), s)
		}
	}
	return nil, fmt.Errorf("%T %v is no value of type %s", v, v, t)
}

func specialNumber(s string) (any, error) {
	switch s {
	case textNaN:
		return math.NaN(), nil
	case textNegativeZero:
		return math.Copysign(0, -1), nil
	case textInfinity:
		return math.Inf(1), nil
	case textNegInfinity:
		return math.Inf(-1), nil
	}
	return nil, fmt.Errorf("%q is no number", s)
}

// decodeList reads the JSON of a list; elements are as decode gives them.
func decodeList(elem arrow.DataType, text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var raw []any
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("%q is no list: %w", text, err)
	}
	out := make([]any, len(raw))
	for i, e := range raw {
		v, err := element(elem, e)
		if err == nil {
			out[i], err = decode(elem, v)
		}
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return out, nil
}

// element turns a JSON value into the SQLite value of the same meaning.
func element(t arrow.DataType, v any) (driver.Value, error) {
	switch x := v.(type) {
	case json.Number:
		if t.ID() == arrow.FLOAT32 || t.ID() == arrow.FLOAT64 {
			bits := 64
			if t.ID() == arrow.FLOAT32 {
				bits = 32 // the text is the shortest that reads back as a float
			}
			return strconv.ParseFloat(x.String(), bits)
		}
		return strconv.ParseInt(x.String(), 10, 64)
	case bool:
		if x {
			return int64(1), nil
		}
		return int64(0), nil
	case string:
		if t.ID() == arrow.BINARY {
			b, err := base64.StdEncoding.DecodeString(x)
			return append([]byte{}, b...), err
		}
	}
	return v, nil
}
