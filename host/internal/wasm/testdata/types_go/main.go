// Command types gives every column of its input back under the name out_*:
// the twin of ../types.c. Config "fail" makes it fail.
package main

import sdk "github.com/featurehost/featurehost/pluginsdk/go"

type config struct {
	Fail  string  `json:"fail"`
	Loud  bool    `json:"loud"`
	Times float64 `json:"times"`
}

func (c *config) Check() error {
	if c.Fail == "config" {
		return sdk.ConfigError("fail says so")
	}
	if c.Loud {
		sdk.Log(sdk.LevelInfo, "opened")
	}
	return nil
}

// types in the order of the test's manifest.
var types = []string{"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "utf8", "binary", "date32",
	"timestamp[s]", "timestamp[ms,UTC]", "timestamp[us,UTC]", "timestamp[ns]"}

func fields() []sdk.Field {
	out := make([]sdk.Field, len(types))
	for i, t := range types {
		out[i] = sdk.Field{Name: "out_" + letter(i), Type: t, Nullable: true}
	}
	return out
}

func letter(i int) string { return string(rune('a' + i)) }

func echo(cfg *config, in sdk.Batch, out *sdk.Builder) error {
	if cfg.Fail == "data" && in.Rows() > 0 {
		return sdk.DataError("fail says é")
	}
	if cfg.Fail == "panic" && in.Rows() > 0 {
		panic("fail says boom")
	}
	for i, t := range types {
		from, to := letter(i), "out_"+letter(i)
		switch t {
		case "bool":
			x, y := in.Bool(from), out.Bool(to)
			for i := range x.Len() {
				if y.Set(i, x.Value(i)); x.IsNull(i) {
					y.SetNull(i)
				}
			}
		case "int8":
			number(in.Int8(from), out.Int8(to))
		case "uint8":
			number(in.Uint8(from), out.Uint8(to))
		case "int16":
			number(in.Int16(from), out.Int16(to))
		case "uint16":
			number(in.Uint16(from), out.Uint16(to))
		case "int32":
			number(in.Int32(from), out.Int32(to))
		case "uint32":
			number(in.Uint32(from), out.Uint32(to))
		case "int64":
			number(in.Int64(from), out.Int64(to))
		case "uint64":
			number(in.Uint64(from), out.Uint64(to))
		case "float32":
			number(in.Float32(from), out.Float32(to))
		case "float64":
			x, y := in.Float64(from), out.Float64(to)
			number(x, y)
			for i, v := range x.Values() {
				y.Set(i, v*cfg.Times)
			}
		case "utf8":
			texts(in.String(from), out.String(to), cfg)
		case "binary":
			texts(in.Binary(from), out.Binary(to), cfg)
		case "date32":
			number(in.Date32(from), out.Date32(to))
		default:
			number(in.Timestamp(from), out.Timestamp(to))
		}
	}
	return nil
}

func number[T any](x sdk.Column[T], y sdk.Out[T]) {
	for i := range x.Len() {
		if x.IsNull(i) {
			y.SetNull(i)
		} else {
			y.Set(i, x.Value(i))
		}
	}
}

func texts(x sdk.Texts, y sdk.OutTexts, cfg *config) {
	for i := range x.Len() {
		if i == x.Len()-1 && cfg.Fail == "rows" {
			return
		}
		if x.IsNull(i) {
			y.AppendNull()
		} else {
			y.Append(x.Value(i))
		}
	}
}

var _ = sdk.Map(echo, fields()...)

func main() {}
