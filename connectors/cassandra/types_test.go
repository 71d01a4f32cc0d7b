package cassandra

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// everyType has a column of each type of S-401 and lists of them.
const everyType = "id string, timestamp timestamp, ntz timestamp_ntz, d date, b boolean, i integer, l bigint, f float, x double, n decimal(20,3), bin binary, s string, " +
	"la array<bigint>, ls array<string>, lf array<float>, lb array<boolean>, ld array<date>, lt array<timestamp>, ln array<decimal(5,2)>, lx array<double>, li array<integer>, lz array<binary>"

// values of every type; times are in microseconds, whole milliseconds.
func everyRow() [][]any {
	negZero, third := math.Copysign(0, -1), float64(float32(1)/3)
	rows := [][]any{
		{"a", int64(1000), int64(-1000), "2026-01-31", true, int64(math.MinInt32), int64(math.MaxInt64), third, 0.1, "-12345678901234567.125", []byte{0, 255}, "nul \x00 in é",
			[]any{int64(math.MinInt64), nil, int64(1<<53 + 1)}, []any{"", "<\"\x00é"}, []any{third, math.Inf(-1), negZero}, []any{true, nil, false}, []any{"1960-02-29"},
			[]any{int64(-1000), nil}, []any{"-1.25", "0.00"}, []any{0.1, math.NaN()}, []any{int64(-1)}, []any{[]byte{}, []byte{1}}},
		{"b", int64(0), int64(0), "-0044-03-15", false, int64(0), int64(0), negZero, negZero, "0.000", []byte{}, "", []any{}, []any{nil}, []any{math.NaN(), math.Inf(1)}},
		{"b\x00\x00c", int64(-1000), nil, "12026-01-01", nil, nil, nil, math.Inf(-1), math.Inf(1)},
		{"c", int64(1767312000123000), nil, nil, nil, nil, nil, math.NaN(), math.NaN(), "99999999999999999.999"},
		{"d", int64(0), nil, nil, nil, int64(math.MaxInt32), int64(math.MinInt64), float64(math.SmallestNonzeroFloat32), math.SmallestNonzeroFloat64, "-0.001"},
		{"e", int64(0), nil, nil, nil, nil, nil, float64(math.MaxFloat32), float64(1 << 60), "0.128"},
	}
	width := len(strings.Split(everyType, ", "))
	for i := range rows {
		for len(rows[i]) < width {
			rows[i] = append(rows[i], nil)
		}
	}
	return rows
}

func recordOf(t testing.TB, columns string, rows [][]any) flow.Record {
	t.Helper()
	s, err := schema.Parse(columns)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for _, row := range rows {
		for i, v := range row {
			if err := staged.Append(b.Field(i), v); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.NewRecordBatch()
}

// identical is equality of bits: NaN equals itself, -0.0 is not 0.
func identical(a, b any) bool {
	if x, ok := a.(float64); ok {
		y, ok := b.(float64)
		return ok && (math.Float64bits(x) == math.Float64bits(y) || x != x && y != y)
	}
	if x, ok := a.([]any); ok {
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, identical)
	}
	return reflect.DeepEqual(a, b)
}

// embedded publishes the same record into an embedded store beside this one.
func (s *store) embedded(r flow.Record) flow.Vectors {
	s.t.Helper()
	env, _, _ := hosttest.Env(s.t)
	cfg := config.Sink{Name: "online"}
	k, err := online.New(cfg, s.at, env)
	if err != nil {
		s.t.Fatal(err)
	}
	defer k.Close()
	ctx := context.Background()
	p, err := func() (p flow.Pending, err error) {
		if err = k.Open(ctx, s.run(0), r.Schema()); err == nil {
			err = k.Write(ctx, flow.Batch{Record: r})
		}
		if err == nil {
			p, err = k.Prepare(ctx)
		}
		if err == nil {
			_, err = k.Publish(ctx, p)
		}
		return p, err
	}()
	_ = p
	if err != nil {
		s.t.Fatal(err)
	}
	v, err := online.OpenVectors(cfg, s.at)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// Every type comes back bit for bit, and as the embedded store has it.
// Rule: S-401.
func TestVectors_EveryType_AsTheEmbeddedStore(t *testing.T) {
	s := newStore(t)
	rows := everyRow()
	r := recordOf(t, everyType, rows)
	defer r.Release()
	s.publish(s.prepare(0, r))
	v, other := s.vectors(), s.embedded(r)
	defer v.Close()
	defer other.Close()
	ctx := context.Background()
	for _, want := range rows {
		key := map[string]string{"id": want[0].(string)}
		got, ok, err := v.Get(ctx, "user", "spend", key)
		if err != nil || !ok {
			t.Fatal(want[0], ok, err)
		}
		theirs, ok, err := other.Get(ctx, "user", "spend", key)
		if err != nil || !ok {
			t.Fatal(want[0], ok, err)
		}
		if !slices.Equal(got.Columns, theirs.Columns) || !slices.Equal(got.Types, theirs.Types) {
			t.Errorf("columns %v %v, embedded %v %v", got.Columns, got.Types, theirs.Columns, theirs.Types)
		}
		for i := range want {
			if w := staged.Present(r.Schema().Field(i).Type, clone(want[i])); !identical(w, got.Values[i]) || !identical(w, theirs.Values[i]) {
				t.Errorf("key %q, column %s: got %#v, embedded %#v, want %#v", want[0], got.Columns[i], got.Values[i], theirs.Values[i], w)
			}
		}
	}
	if a, b := printAll(t, v, "spend"), printAll(t, other, "spend"); a != b {
		t.Errorf("all: got\n%sembedded\n%s", a, b)
	}
}

// clone keeps Present from changing a list in place.
func clone(v any) any {
	if l, ok := v.([]any); ok {
		return slices.Clone(l)
	}
	return v
}

// Times are floored, before 1970 as after it.
// Rule: S-401.
func TestVectors_Microseconds_Floored(t *testing.T) {
	s := newStore(t)
	s.load(0, "id bigint, timestamp timestamp, at timestamp, l array<timestamp>",
		`1 | 1969-12-31T23:59:59.999999Z | 2026-01-02T00:00:00.123999Z | ["2026-01-02T00:00:00.000999Z"]`)
	want := "1 1969-12-31T23:59:59.999Z 2026-01-02T00:00:00.123Z [2026-01-02T00:00:00Z]\n"
	if got := s.all(); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestGet_KeyOfEveryType_Found(t *testing.T) {
	s := newStore(t)
	for i, c := range []struct {
		typ, row string
		good     []string
		absent   []string
		bad      []string
	}{
		{"bigint", "-7", []string{"-7"}, []string{"7"}, []string{"", "x", "1.5", "9223372036854775808"}},
		{"integer", "7", []string{"7", "+7"}, []string{"-7"}, []string{"2147483648"}},
		{"string", "a b", []string{"a b"}, []string{"", "a", "\xff", strings.Repeat("x", 70000)}, nil},
		{"boolean", "true", []string{"true"}, []string{"false"}, []string{"1"}},
		{"date", "2026-01-31", []string{"2026-01-31"}, []string{"2026-02-01"}, []string{"2026-02-30"}},
		{"timestamp", "2026-01-31T10:00:00.001Z", []string{"2026-01-31T10:00:00.001Z", "2026-01-31T11:00:00.001+01:00"}, []string{"2026-01-31T10:00:00.001001Z"}, []string{"yesterday"}},
		{"double", "0.1", []string{"0.1", "1e-1"}, []string{"0.2"}, []string{"one"}},
		{"float", "0.1", []string{"0.1"}, []string{"0.2"}, []string{"1e99"}},
		{"decimal(10,2)", "-1.50", []string{"-1.5", "-01.5"}, []string{"1.5"}, []string{"-1.505"}},
		{"binary", "YQA=", []string{"YQA="}, []string{"", "YQ=="}, []string{"?"}},
	} {
		s.set = "k" + fmt.Sprint(i)
		s.load(0, "k "+c.typ+", c "+c.typ+", timestamp timestamp, v double", c.row+" | "+c.row+" | 2026-01-01 | 5")
		v := s.vectors()
		get := func(text string) (flow.Vector, bool, error) {
			return v.Get(context.Background(), "user", s.set, map[string]string{"k": text, "c": text})
		}
		for _, text := range c.good {
			if got, ok, err := get(text); err != nil || !ok || got.Values[3] != 5.0 {
				t.Errorf("%s %q: %v %v %v", c.typ, text, got, ok, err)
			}
		}
		for _, text := range c.absent {
			if _, ok, err := get(text); ok || err != nil {
				t.Errorf("%s %.20q: %v %v", c.typ, text, ok, err)
			}
		}
		for _, text := range c.bad {
			_, ok, err := get(text)
			if ok {
				t.Errorf("%s %q is found", c.typ, text)
			}
			expect(t, err, BadKey, "user__"+s.set)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGet_KeyColumns_AllAndNoOther(t *testing.T) {
	s, ctx := newStore(t), context.Background()
	s.load(0, "b bigint, a string, timestamp timestamp", "1 | x | 2026-01-01", "1 | y | 2026-01-02")
	v := s.vectors()
	for key, want := range map[string]bool{"x": true, "y": true, "z": false} {
		if got, ok, err := v.Get(ctx, "user", "spend", map[string]string{"a": key, "b": "1"}); ok != want || err != nil {
			t.Error(key, got, ok, err)
		}
	}
	_, _, err := v.Get(ctx, "user", "spend", map[string]string{"a": "x"})
	expect(t, err, BadKey, `"b" is missing`)
	_, _, err = v.Get(ctx, "user", "spend", map[string]string{"a": "x", "b": "1", "timestamp": "1"})
	expect(t, err, BadKey, `"timestamp" is no key column; the keys are ((b bigint), a text)`)
	_, _, err = v.Get(ctx, "user", "nothing", nil)
	expect(t, err, NoTable, "user__nothing")
	for range 2 {
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = v.Get(ctx, "user", "spend", nil)
	expect(t, err, NotOpen)
}

// Rule: S-1307.
func TestTTL_VisibleUntilTimestampAndTTL_AndCleaned(t *testing.T) {
	s := newStore(t)
	s.cfg.TTL = &config.TimeSpan{Text: "1 day", N: 1, Unit: "day", Micros: flow.MicrosPerDay}
	now := time.Now().UTC().Truncate(time.Second)
	in := func(d time.Duration) string { return now.Add(d - 24*time.Hour).Format(time.RFC3339Nano) }
	s.load(0, plain, "1 | "+in(-time.Hour)+" | 5", "2 | "+in(time.Hour)+" | 6", "3 | "+in(3*time.Second)+" | 7")
	v := s.vectors()
	defer v.Close()
	found := func(at time.Time) string {
		v.now = func() time.Time { return at }
		out := ""
		for _, k := range []string{"1", "2", "3"} {
			if _, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": k}); err != nil {
				t.Fatal(err)
			} else if ok {
				out += k
			}
		}
		return out
	}
	if got := found(now.Add(time.Hour - time.Millisecond)); !strings.HasPrefix(got, "2") {
		t.Errorf("just before its end: %q", got)
	}
	if got := found(now.Add(time.Hour)); got != "" {
		t.Errorf("at its end: %q", got)
	}
	// The server cleans: what is over is gone for a reader without ttl too.
	v.ttl = 0
	deadline := time.Now().Add(20 * time.Second)
	for found(now) != "2" {
		if time.Now().After(deadline) {
			t.Fatalf("the server still has %q", found(now))
		}
		time.Sleep(200 * time.Millisecond)
	}
	// An expired row still hides an older one.
	s.cfg.TTL = nil
	s.load(0, plain, "1 | 2000-01-01 | 1")
	if got := found(now); got != "2" {
		t.Errorf("an older row came back: %q", got)
	}
}

func TestExpiry_RoundedUpAndWithinLimits(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ago, ttl time.Duration
		want     int64
	}{
		{0, 0, 0}, {0, time.Hour, 3600}, {time.Millisecond, time.Hour, 3600}, {time.Second, time.Hour, 3599},
		{time.Hour, time.Hour, 1}, {1000 * time.Hour, time.Hour, 1}, {-365 * 24 * time.Hour, longestTTL, 0}, {0, 12 * 365 * 24 * time.Hour, 378432000},
		{0, 13 * 365 * 24 * time.Hour, 0}, // beyond what older versions count to
	} {
		if got := expiry(now.Add(-c.ago).UnixMicro(), c.ttl, now); got != c.want {
			t.Errorf("%v ago, ttl %v: %d, want %d", c.ago, c.ttl, got, c.want)
		}
	}
}

// Rule: S-1304.
func TestWriteTime_AnyRow_OrdersByMillisecondThenRevision(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		us := rapid.Int64Range(-1<<62, 1<<62)
		rev := rapid.Int64Range(0, lastRevision)
		a, b := us.Draw(rt, "a"), us.Draw(rt, "b")
		ra, rb := rev.Draw(rt, "ra"), rev.Draw(rt, "rb")
		floor := func(v int64) int64 { return (v - ((v%1000)+1000)%1000) / 1000 }
		x, y := writeTime(a, ra), writeTime(b, rb)
		switch {
		case floor(a) != floor(b):
			if (x < y) != (floor(a) < floor(b)) || x == y {
				rt.Fatalf("%d,%d and %d,%d give %d and %d", a, ra, b, rb, x, y)
			}
		case (x < y) != (ra < rb) || (x == y) != (ra == rb):
			rt.Fatalf("%d,%d and %d,%d give %d and %d", a, ra, b, rb, x, y)
		}
	})
}

func TestDecimal_AnyValue_ReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		typ := &arrow.Decimal128Type{Precision: 38, Scale: rapid.Int32Range(0, 38).Draw(rt, "scale")}
		high, low := rapid.Int64().Draw(rt, "high"), rapid.Uint64().Draw(rt, "low")
		v := decimal128.New(high>>rapid.IntRange(0, 63).Draw(rt, "shift"), low)
		if !v.FitsInPrecision(38) {
			return
		}
		got, err := decode(typ, appendDecimal(cell{}, v, typ.Scale))
		if err != nil || got != v.ToString(typ.Scale) {
			rt.Fatalf("got %v, %v, want %s", got, err, v.ToString(typ.Scale))
		}
		bytes := appendDecimal(nil, v, typ.Scale)[4:]
		if n := bigOf(bytes); n.Cmp(v.BigInt()) != 0 || len(bytes) > 1 && bigOf(bytes[1:]).Cmp(n) == 0 {
			rt.Fatalf("%x is not the shortest form of %s", bytes, new(big.Int).Set(n))
		}
	})
}

func FuzzDecode(f *testing.F) {
	r := hosttest.Record(f, everyType)
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 1, 7})
	f.Add([]byte{127, 255, 255, 255})
	f.Add([]byte{255, 255, 255, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, field := range r.Schema().Fields() {
			v, err := decode(field.Type, b)
			if err != nil || v == nil {
				continue
			}
			staged.Present(field.Type, v)
		}
	})
}
