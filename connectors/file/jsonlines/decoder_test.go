package jsonlines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
)

func fields(t testing.TB, columns string) []arrow.Field {
	t.Helper()
	s, err := schema.Parse(columns)
	if err != nil {
		t.Fatal(err)
	}
	return s.Fields()
}

// decode gives the rows of lines as text, batch by batch, and how many bytes
// were taken.
func decode(d *Decoder, b []byte, rows int) (out string, used int, err error) {
	for used < len(b) && err == nil {
		d.Start(rows)
		var n int
		n, err = d.Decode(b[used:], rows)
		used += n
		arrays := d.Arrays()
		for i := range d.Rows() {
			for _, a := range arrays {
				out += a.ValueStr(i) + "|"
			}
			out += "\n"
		}
		for _, a := range arrays {
			a.Release()
		}
	}
	return out, used, err
}

// Fields in any order, missing, null or unknown; the columns wanted come in the
// order in which they are named.
func TestDecoder_Fields_AnyOrder(t *testing.T) {
	lines := `{"id":1,"s":"a","d":0.5,"b":true}
{"b":false,"d":-2,"s":"é\n","id":2}
{"other":[1,{"x":"}"}],"id":3}
{}
{"id":null,"s":null}
{ "id" : 6 , "s" : "" , "more":"x"}
`
	want := `a|1|true|
é` + "\n" + `|2|false|
(null)|3|(null)|
(null)|(null)|(null)|
(null)|(null)|(null)|
|6|(null)|
`
	for _, rows := range []int{1, 2, 4, 100} {
		d := New(fields(t, "id bigint, d double, s string, b boolean"), []string{"s", "id", "b"})
		got, used, err := decode(d, []byte(lines), rows)
		if got != want || used != len(lines) || err != nil {
			t.Errorf("%d rows at a time: %v after %d bytes\n%s", rows, err, used, got)
		}
	}
}

// An odd line ends the batch before it, whatever of it was already read.
func TestDecoder_OddLine_RowsBeforeStay(t *testing.T) {
	before := "{\"id\":1,\"s\":\"a\",\"b\":true}\n{\"id\":null,\"s\":\"b\"}\n"
	for _, odd := range []string{`{"id":3,"s":"c","b":null`, `{"id":3,"s":"c","id":4}`, `{"s":"c","b":true,"id":1.5}`, `{"s":"c\x"}`, ``, `[]`, `{"b":false,"x":01}`} {
		d := New(fields(t, "id bigint, s string, b boolean"), []string{"id", "s", "b"})
		got, used, err := decode(d, []byte(before+odd+"\n{\"id\":5}\n"), 100)
		if got != "1|a|true|\n(null)|b|(null)|\n" || used != len(before) || !errors.Is(err, ErrOdd) {
			t.Errorf("%s: %v after %d of %d bytes\n%s", odd, err, used, len(before), got)
		}
	}
}

// Numbers are the nearest doubles, however they are written.
func TestNumber_NearestDouble(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,21})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "text")
		want, err := strconv.ParseFloat(text, 64)
		got, next := number([]byte(text+","), 0)
		if err != nil {
			if next >= 0 {
				t.Fatalf("%s was taken for %v", text, got)
			}
			return
		}
		if text == "-0" {
			want = 0
		}
		if next != len(text) || math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: %v at %d, want %v", text, got, next, want)
		}
	})
}

// Days agree with the calendar of package time through all years.
func TestCalendarDay_AllDays(t *testing.T) {
	for day := int32(-719162); day <= 2932896; day++ {
		text := arrow.Date32(day).FormattedString()
		if got, ok := calendarDay([]byte(text)); !ok || got != day {
			t.Fatalf("%s is day %d, %v; want %d", text, got, ok, day)
		}
	}
}

// Whatever is taken is valid JSON with the values that encoding/json finds.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{`{"l":1,"d":2.5,"s":"a\u00e9","x":[1,{"y":null}]}`, `{"l":-5,"l":1}`, `{"s":"😀","d":1e5}`, "{}\r", `{"x":"\ud83d\ude00"}`, `{"d":-0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		d := New(fields(t, "l bigint, d double, s string"), []string{"l", "d", "s"})
		d.Start(10)
		used, err := d.Decode(append(bytes.Clone(line), '\n'), 10)
		if err != nil {
			if used != 0 || d.Rows() != 0 {
				t.Fatalf("%d rows of %d bytes beside %v", d.Rows(), used, err)
			}
			return
		}
		var want struct {
			L *int64
			D *float64
			S *string
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(line, &raw); err != nil {
			t.Fatalf("taken, but %v", err)
		}
		for name, to := range map[string]any{"l": &want.L, "d": &want.D, "s": &want.S} {
			if v, ok := raw[name]; ok {
				if err := json.Unmarshal(v, to); err != nil {
					t.Fatalf("%s was taken, but %v", v, err)
				}
			}
		}
		arrays := d.Arrays()
		if d.Rows() != 1 || used != len(line)+1 {
			t.Fatalf("%d rows of %d bytes", d.Rows(), used)
		}
		for i, text := range []string{opt(want.L), opt(want.D), opt(want.S)} {
			if got := arrays[i].ValueStr(0); got != text && !(i == 1 && text == "-0" && got == "0") {
				t.Fatalf("column %d is %q, want %q", i, got, text)
			}
			arrays[i].Release()
		}
	})
}

func opt[T any](v *T) string {
	if v == nil {
		return array.NullValueStr
	}
	return fmt.Sprint(*v)
}

// BenchmarkDecoder decodes lines like those of the benchmark's events.
func BenchmarkDecoder(b *testing.B) {
	var text strings.Builder
	for i := range 8192 {
		fmt.Fprintf(&text, "{\"id\":%d,\"ts\":%d,\"amount\":%d.%02d,\"quantity\":%d,\"category\":\"view\"}\n", i*7919%100000, 1704067200016+i*977, i%300, i%100, 1+i%9)
	}
	lines := []byte(text.String())
	d := New(fields(b, "id bigint, ts bigint, amount double, quantity bigint, category string"), []string{"id", "ts", "amount", "quantity", "category"})
	b.SetBytes(int64(len(lines)))
	b.ReportAllocs()
	for b.Loop() {
		d.Start(8192)
		if _, err := d.Decode(lines, 8192); err != nil || d.Rows() != 8192 {
			b.Fatal(err, d.Rows())
		}
		for _, a := range d.Arrays() {
			a.Release()
		}
	}
}
