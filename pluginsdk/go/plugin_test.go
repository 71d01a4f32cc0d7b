package sdk

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type everything struct {
	N     int8              `json:"n"`
	U     uint64            `json:"u"`
	F     float32           `json:"f"`
	S     string            `json:"s"`
	B     bool              `json:"b"`
	L     []float64         `json:"l"`
	M     map[string]string `json:"m"`
	P     *int              `json:"p"`
	Any   any               `json:"any"`
	In    struct{ X int }   `json:"in"`
	Plain int
	Skip  int `json:"-"`
}

func TestConfigure_JSON_IntoStruct(t *testing.T) {
	v, err := parseJSON([]byte(` {"n":-128,"u":18446744073709551615,"f":1.5e2,"s":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800","b":true,
		"l":[1,2.5],"m":{"k":"v"},"p":3,"any":{"a":[1,null,"x",false]},"in":{"X":4},"Plain":5,"-":6,"unknown":{},"b":true} `))
	if err != nil {
		t.Fatal(err)
	}
	got, err := configure[everything](v)
	if err != nil {
		t.Fatal(err)
	}
	three := 3
	want := everything{N: -128, U: math.MaxUint64, F: 150, S: "a\"\\/\b\f\n\r\té😀\ufffd", B: true, L: []float64{1, 2.5},
		M: map[string]string{"k": "v"}, P: &three, Any: map[string]any{"a": []any{1.0, nil, "x", false}}, In: struct{ X int }{4}, Plain: 5}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v\nwant %+v", *got, want)
	}
	for text, says := range map[string]string{
		`{"n":128}`: "config.n", `{"n":1.5}`: "config.n", `{"u":-1}`: "config.u", `{"s":1}`: "text", `{"b":"x"}`: "bool", `{"l":[1,"x"]}`: "config.l[1]",
		`{"m":{"k":1}}`: "config.m.k", `{"in":[]}`: "a list", `{"f":1e400}`: "out of range", `[]`: "a list",
	} {
		v, err := parseJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = configure[everything](v)
		if err == nil || statusOf(err, OK) != BadConfig || !strings.Contains(err.Error(), strings.TrimPrefix(says, "text")) {
			t.Errorf("%s: got %v, want %s", text, err, says)
		}
	}
}

func TestParseJSON_Malformed_Refused(t *testing.T) {
	for _, text := range []string{``, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{a:1}`, `[1,]`, `[1`, `"a`, `"\x"`, `"\u12"`, `"` + "\x01" + `"`, "\"\xff\"",
		`nul`, `1 2`, `-`, `1.2.3`, `{} x`, strings.Repeat("[", 100)} {
		if v, err := parseJSON([]byte(text)); err == nil {
			t.Errorf("%q reads as %v", text, v)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e3,"x\u00e9",true,false,null,{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = parseJSON(b) })
}

func TestTypes_NameAndFormat_RoundTrip(t *testing.T) {
	for _, name := range []string{"bool", "int8", "uint64", "float32", "float64", "utf8", "binary", "date32", "timestamp[s]", "timestamp[ms]", "timestamp[us,UTC]", "timestamp[ns,Europe/Berlin]"} {
		format, width, err := formatOf(name)
		if err != nil {
			t.Error(err)
		}
		if back, w, err := typeOf(format); err != nil || back != name || w != width {
			t.Errorf("%s is %s is %s (%v)", name, format, back, err)
		}
	}
	for _, name := range []string{"", "text", "timestamp[h]", "timestamp[us", "list<int8>"} {
		if _, _, err := formatOf(name); err == nil {
			t.Errorf("%q is a type", name)
		}
	}
	for _, format := range []string{"", "+l", "tsx:", "tdm", "d:3,1"} {
		if _, _, err := typeOf(format); err == nil {
			t.Errorf("%q is a format", format)
		}
	}
}

// echo copies every column, whatever its type.
func echo(_ *struct{}, in Batch, out *Builder) error {
	for i := range in.Rows() {
		for _, f := range in.Fields() {
			switch family(f.Type) {
			case "bool":
				copyBool(in.Bool(f.Name), out.Bool(f.Name), i)
			case "utf8":
				copyText(in.String(f.Name), out.String(f.Name), i)
			case "binary":
				copyText(in.Binary(f.Name), out.Binary(f.Name), i)
			case "int8":
				copyNumber(in.Int8(f.Name), out.Int8(f.Name), i)
			case "float32":
				copyNumber(in.Float32(f.Name), out.Float32(f.Name), i)
			case "timestamp":
				copyNumber(in.Timestamp(f.Name), out.Timestamp(f.Name), i)
			case "date32":
				copyNumber(in.Date32(f.Name), out.Date32(f.Name), i)
			}
		}
	}
	return nil
}

func copyNumber[T any](in Column[T], out Out[T], i int) {
	if in.IsNull(i) {
		out.SetNull(i)
	} else {
		out.Set(i, in.Value(i))
	}
}

func copyBool(in Bools, out OutBools, i int) {
	if in.IsNull(i) {
		out.SetNull(i)
	} else {
		out.Set(i, in.Value(i))
	}
}

func copyText(in Texts, out OutTexts, i int) {
	if in.IsNull(i) {
		out.AppendNull()
	} else {
		out.Append(in.Value(i))
	}
}

func zoo() ([]Field, [][]any) {
	return []Field{{"b", "bool", true}, {"i", "int8", true}, {"f", "float32", true}, {"s", "utf8", true}, {"z", "binary", true},
			{"t", "timestamp[us,UTC]", true}, {"d", "date32", true}},
		[][]any{
			{true, int8(-1), float32(1.5), "é", []byte{0, 255}, int64(1 << 50), int32(-3)},
			{nil, nil, nil, nil, nil, nil, nil},
			{false, int8(127), float32(-2), "", []byte{}, int64(-1), int32(0)},
		}
}

// A plugin's buffers are used again; nothing of a batch is left in the next.
func TestRun_Types_RoundTripAndReuse(t *testing.T) {
	fields, rows := zoo()
	p := Map(echo, fields...)
	for range 3 {
		columns, got, err := p.Run(nil, fields, rows)
		if err != nil || !slices.Equal(columns, fields) || !reflect.DeepEqual(got, rows) {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	_, got, err := p.Run(nil, fields, rows[2:])
	if err != nil || !reflect.DeepEqual(got, rows[2:]) {
		t.Errorf("got %v, %v", got, err)
	}
}

type wants struct {
	Min  float64 `json:"min"`
	Name string  `json:"name"`
}

func (w *wants) Check() error {
	if w.Min < 0 {
		return ConfigError("min is below 0")
	}
	return nil
}

func above(cfg *wants, in Batch, keep Keep) error {
	x := in.Float64("x")
	for i := range x.Len() {
		if !x.IsNull(i) && math.IsNaN(x.Value(i)) {
			return DataError("x is no number")
		}
		keep.Set(i, !x.IsNull(i) && x.Value(i) >= cfg.Min)
	}
	return nil
}

func TestFilter_KeepsRows(t *testing.T) {
	in := []Field{{"x", "float64", true}}
	p := Filter(above)
	_, got, err := p.Run([]byte(`{"min":2}`), in, [][]any{{1.0}, {2}, {nil}, {3.5}})
	if err != nil || !reflect.DeepEqual(got, [][]any{{false}, {true}, {false}, {true}}) {
		t.Errorf("got %v, %v", got, err)
	}
	for config, want := range map[string]Status{`{"min":-1}`: BadConfig, `{"min":"x"}`: BadConfig, `{`: BadConfig} {
		if _, _, err := p.Run([]byte(config), in, nil); statusOf(err, BadData) != want {
			t.Errorf("%s: got %v", config, err)
		}
	}
	if _, _, err := p.Run(nil, in, [][]any{{math.NaN()}}); statusOf(err, OK) != BadData {
		t.Errorf("got %v", err)
	}
}

func TestMap_OutputName_FromConfig(t *testing.T) {
	p := Map(func(cfg *wants, in Batch, out *Builder) error { out.Int64(cfg.Name + "_n"); return nil }, Field{"${name}_n", "int64", false})
	columns, _, err := p.Run([]byte(`{"name":"price"}`), nil, nil)
	if err != nil || columns[0].Name != "price_n" {
		t.Errorf("got %v, %v", columns, err)
	}
	if _, _, err := p.Run([]byte(`{}`), nil, nil); statusOf(err, OK) != BadConfig {
		t.Errorf("got %v", err)
	}
}

// What a plugin gets wrong about its own columns.
func TestRun_Mistakes_Told(t *testing.T) {
	in := []Field{{"x", "float64", true}}
	try := func(f func(in Batch, out *Builder) error, out Field) (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = errors.New(panicText(v))
			}
		}()
		p := Map(func(_ *struct{}, in Batch, out *Builder) error { return f(in, out) }, out)
		_, _, err = p.Run(nil, in, [][]any{{1.0}, {2.0}})
		return err
	}
	for says, err := range map[string]error{
		"no input column y":                try(func(in Batch, _ *Builder) error { in.Float64("y"); return nil }, Field{"y", "int64", false}),
		"type float64, not int64":          try(func(in Batch, _ *Builder) error { in.Int64("x"); return nil }, Field{"y", "int64", false}),
		"no output column z":               try(func(_ Batch, out *Builder) error { out.Int64("z"); return nil }, Field{"y", "int64", false}),
		"output column y is of type int64": try(func(_ Batch, out *Builder) error { out.Bool("y"); return nil }, Field{"y", "int64", false}),
		"has 1 rows, the batch 2": try(func(_ Batch, out *Builder) error {
			if out.Rows() > 0 {
				out.String("y").Append("one")
			}
			return nil
		}, Field{"y", "utf8", false}),
		"has nulls": try(func(_ Batch, out *Builder) error {
			if out.Rows() > 0 {
				out.Int64("y").SetNull(1)
			}
			return nil
		}, Field{"y", "int64", false}),
		"type text is not supported": try(func(Batch, *Builder) error { return nil }, Field{"y", "text", false}),
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

func TestOwnError_StatusOutOfRange_Panics(t *testing.T) {
	if statusOf(OwnError(64, "x"), OK) != 64 {
		t.Error("status lost")
	}
	defer func() {
		if recover() == nil {
			t.Error("status 63 is taken")
		}
	}()
	_ = OwnError(63, "x")
}

// CopyNulls and Or do what row by row does, at any bit.
func TestBulk_SameAsRowByRow(t *testing.T) {
	for at := range 9 {
		for rows := 1; rows < 40; rows++ {
			valid := []byte{0b10110101, 0xFF, 0x00, 0b01100110, 0xFF, 0b1, 0x80}
			values := make([]int64, at+rows)
			for i := range values {
				values[i] = int64(i + 1)
			}
			in := Column[int64]{Nulls{valid[:(at+rows+7)/8], at}, values[at:]}
			one, _ := newBuilder([]Field{{"y", "int64", true}})
			all, _ := newBuilder([]Field{{"y", "int64", true}})
			one.reset(rows)
			all.reset(rows)
			filled := in.Or(-5, nil)
			all.Int64("y").CopyNulls(in.Nulls)
			for i := range rows {
				want := in.Value(i)
				if in.IsNull(i) {
					one.Int64("y").SetNull(i)
					want = -5
				}
				if filled[i] != want {
					t.Fatalf("at %d, row %d of %d: got %d, want %d", at, i, rows, filled[i], want)
				}
			}
			a, b := one.cols[0], all.cols[0]
			if a.nulls != b.nulls || a.nulls > 0 && !slices.Equal(a.valid, b.valid) {
				t.Fatalf("at %d, %d rows: %d nulls %08b, want %d %08b", at, rows, b.nulls, b.valid, a.nulls, a.valid)
			}
		}
	}
	if got := (Column[int64]{values: []int64{1, 2}}).Or(9, make([]int64, 5)); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("got %v", got)
	}
}
