package online

import (
	"context"
	"errors"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

func TestVectors_NothingYet_SaysRun(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenVectors(config.Sink{}, parts.Place{Dir: dir, State: dir})
	expect(t, err, NoDatabase, "run the pipeline first")
	_, err = OpenVectors(config.Sink{Path: "x/y.db"}, parts.Place{Dir: dir, State: dir})
	expect(t, err, NoDatabase, dir+"/x/y.db")

	s := newStore(t)
	s.load(0, plain)
	v := s.vectors()
	defer v.Close()
	_, _, err = v.Get(context.Background(), "user", "other", nil)
	expect(t, err, NoTable, "run the pipeline first")
	if fault.ClassOf(err) != fault.Usage {
		t.Error(err)
	}
	expect(t, v.All(context.Background(), "user", "other", nil), NoTable, "")
}

func TestGet_KeyOfEveryType_Found(t *testing.T) {
	for _, c := range []struct {
		typ, row string
		good     []string
		bad      []string
	}{
		{"bigint", "-7", []string{"-7"}, []string{"", "x", "1.5", "9223372036854775808"}},
		{"integer", "7", []string{"7", "+7"}, []string{"2147483648"}},
		{"string", "a b", []string{"a b"}, nil},
		{"boolean", "true", []string{"true"}, []string{"1", "True"}},
		{"date", "2026-01-31", []string{"2026-01-31"}, []string{"2026-1-31", "2026-02-30", "x", "2026-01-31 "}},
		{"timestamp", "2026-01-31T10:00:00.000001Z", []string{"2026-01-31T10:00:00.000001Z", "2026-01-31 10:00:00.000001", "2026-01-31T11:00:00.000001+01:00"}, []string{"2026-01-31T10:00:00.0000011Z", "yesterday"}},
		{"double", "0.1", []string{"0.1", "1e-1"}, []string{"one"}},
		{"float", "0.1", []string{"0.1"}, []string{"1e99"}},
		{"decimal(10,2)", "-1.50", []string{"-1.5", "-1.50", "-01.5"}, []string{"-1.505", "1.5.0", "--1", "", "999999999", "1_0"}},
		{"binary", "YQA=", []string{"YQA="}, []string{"?"}},
	} {
		s := newStore(t)
		s.load(0, "k "+c.typ+", timestamp timestamp, v double", c.row+" | 2026-01-01 | 5")
		v := s.vectors()
		for _, text := range c.good {
			got, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"k": text})
			if err != nil || !ok || got.Values[2] != 5.0 {
				t.Errorf("%s %q: %v %v %v", c.typ, text, got, ok, err)
			}
		}
		for _, text := range c.bad {
			_, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"k": text})
			if ok || !fault.Is(err, BadKey) {
				t.Errorf("%s %q: %v %v", c.typ, text, ok, err)
			}
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGet_KeyColumns_AllAndNoOther(t *testing.T) {
	s, ctx := newStore(t), context.Background()
	s.load(0, "a string, b bigint, timestamp timestamp", "x | 1 | 2026-01-01", "x1 | null | 2026-01-01")
	v := s.vectors()
	defer v.Close()
	if _, ok, err := v.Get(ctx, "user", "spend", map[string]string{"a": "x", "b": "1"}); !ok || err != nil {
		t.Error(ok, err)
	}
	if _, ok, err := v.Get(ctx, "user", "spend", map[string]string{"a": "x", "b": "2"}); ok || err != nil {
		t.Error(ok, err)
	}
	_, _, err := v.Get(ctx, "user", "spend", map[string]string{"a": "x"})
	expect(t, err, BadKey, `"b" is missing`)
	_, _, err = v.Get(ctx, "user", "spend", map[string]string{"a": "x", "b": "1", "timestamp": "1"})
	expect(t, err, BadKey, `"timestamp" is no key column; the keys are (a string, b bigint)`)
}

func TestVectors_ValueOfAnotherType_Damaged(t *testing.T) {
	for _, c := range []struct{ column, value string }{
		{"v", "'x'"}, {"v", "7"}, {"timestamp", "'soon'"}, {"d", "'2026-13-01'"}, {"d", "5.5"}, {"l", "'[1'"}, {"l", "'[\"a\"]'"}, {"b", "2"}, {"i", "3000000000"}, {"n", "'1.234'"}, {"s", "x'00'"}, {"bin", "'x'"},
	} {
		s := newStore(t)
		s.load(0, "id bigint, timestamp timestamp, v double, d date, l array<bigint>, b boolean, i integer, n decimal(10,2), s string, bin binary",
			"1 | 2026-01-01 | 1 | 2026-01-01 | [1] | true | 1 | 1 | s | YQ==")
		s.raw(`UPDATE "user__spend" SET ` + c.column + ` = ` + c.value)
		v := s.vectors()
		_, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": "1"})
		if c.column == "v" && c.value == "7" {
			// A whole number is read as the double it is.
			if !fault.Is(err, Damaged) && !ok {
				t.Error(err)
			}
		} else if ok || !fault.Is(err, Damaged) {
			t.Errorf("%s = %s: %v %v", c.column, c.value, ok, err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAll_ErrorOfCaller_PassedOn(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 5")
	v := s.vectors()
	stop, n := errors.New("stop"), 0
	if err := v.All(context.Background(), "user", "spend", func(flow.Vector) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Error(n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := v.Get(ctx, "user", "spend", map[string]string{"id": "1"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range 2 {
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := v.Get(context.Background(), "user", "spend", nil)
	expect(t, err, DiskRefused, "closed")
}

func FuzzKeyText(f *testing.F) {
	f.Add("17")
	f.Add("2026-01-31")
	f.Add("-1.50")
	r := hosttest.Record(f, "a bigint, b date, c decimal(10,2), d timestamp, e double, f binary, g boolean, h string")
	f.Fuzz(func(t *testing.T, s string) {
		for _, field := range r.Schema().Fields() {
			tb := &table{name: "t", columns: []column{{name: "k", typ: field.Type, role: roleKey}, {name: "timestamp", role: roleTimestamp}}}
			if _, err := tb.keyOf(map[string]string{"k": s}); err != nil && !fault.Is(err, BadKey) {
				t.Fatal(err)
			}
		}
	})
}
