package featureset

import (
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// Rules: S-201, S-1005.
func TestStack_Patterns(t *testing.T) {
	const columns = "ts timestamp, a bigint, ab bigint, ab_ab bigint, id_a bigint, id_b bigint, xy bigint"
	for _, c := range []struct {
		patterns            string
		regex               bool
		featurehost, compat string
	}{
		{"a", false, "a", "a"},
		{"ab", false, "ab", "ab ab_ab"},
		{"a*", false, "a ab ab_ab", "a ab ab_ab"},
		{"*b", false, "ab ab_ab id_b", "ab ab_ab id_b"},
		{"a*b", false, "ab ab_ab", "ab ab_ab"},
		{"ab*b", false, "ab ab_ab", "ab ab_ab"},
		{"id_*,a", false, "a id_a id_b", "a id_a id_b"},
		{"i*_*b", false, "id_b", "id_b"},
		{"*b*", false, "error", "error"}, // all of them, the timestamp among them
		{"!*b", false, "a id_a xy", "error"},
		{"!*", false, "error", "error"},
		{"nope", false, "error", "error"},
		{"id_", true, "id_a id_b", "id_a id_b"},
		{"d_a", true, "error", "error"},
		{"a|id_b", true, "a ab ab_ab id_b", "a ab ab_ab id_b"},
		{"id_a$|ab$", true, "ab id_a", "ab id_a"},
		{"xy", false, "xy", "xy"},
	} {
		for semantics, want := range map[string]string{"featurehost": c.featurehost, "butterfree": c.compat} {
			cfg := plainSet(semantics, config.Feature{Name: "s", Stack: strings.Split(c.patterns, ","), Regex: c.regex})
			cfg.Keys, cfg.DeduplicateRows = []config.Key{{Name: "k", From: "a"}}, false
			b := bench{cfg: cfg}
			// Every column holds its number.
			text, err := b.try(t, hosttest.Record(t, columns, "2020-01-01 | 0 | 1 | 2 | 3 | 4 | 5"), false)
			got := "error"
			if err == nil {
				names := []string{"a", "ab", "ab_ab", "id_a", "id_b", "xy"}
				var seen []string
				for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
					seen = append(seen, names[line[len(line)-1]-'0'])
				}
				got = strings.Join(seen, " ")
			} else {
				refused(t, err, BadStack, "feature_set.feature[0].stack", "")
			}
			if got != want {
				t.Errorf("%s %q chooses %s, want %s (%v)", semantics, c.patterns, got, want, err)
			}
		}
	}
}

// Columns made before are stacked in the order they were made, one that
// replaces another in its place; types widen; other columns are repeated.
// Rules: S-603, S-1004, S-301.
func TestStack_ColumnsOfTheMoment(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "b", From: "a", Type: "bigint"}, config.Feature{Name: "made", From: "c"},
		config.Feature{Name: "s", Type: "double", Stack: []string{"made", "b", "c", "n"}}, config.Feature{Name: "t", From: "s"})
	rows := hosttest.Record(t, "id bigint, ts timestamp, a integer, b string, c integer, n bigint", "1 | 2020-01-01 | 1 | x | 3 | null")
	for _, size := range sizes {
		b := bench{cfg: cfg, batch: size}
		table(t, b.run(t, rows), `
			1 | 2020-01-01 | 1 | 3 | 1 | 1
			1 | 2020-01-01 | 1 | 3 | 3 | 3
			1 | 2020-01-01 | 1 | 3 | null | null
			1 | 2020-01-01 | 1 | 3 | 3 | 3`)
		if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, b bigint, made integer, s double, t double" {
			t.Error(got)
		}
		if b.counts.N["stacked_rows{s}"] != 3 {
			t.Errorf("counts are %v", b.counts.N)
		}
	}
	// The original keeps the type of the columns.
	cfg.Semantics = "butterfree"
	b := bench{cfg: cfg}
	b.run(t, rows)
	if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, b bigint, made integer, s bigint, t bigint" {
		t.Error(got)
	}
}

// Rule: S-1004.
func TestStack_Types(t *testing.T) {
	for types, want := range map[string]string{
		"integer integer": "integer", "integer bigint": "bigint", "bigint integer": "bigint", "float double": "double", "float float": "float",
		"integer double": "double", "integer float": "double", "bigint double": "", "bigint float": "", "string binary": "", "date timestamp": "",
		"array<bigint> array<bigint>": "array<bigint>", "boolean boolean": "boolean", "decimal(5,2) decimal(6,2)": "", "integer float bigint": "",
	} {
		columns := "id bigint, ts timestamp"
		for i, typ := range strings.Fields(types) {
			columns += ", x_" + string(rune('a'+i)) + " " + typ
		}
		sel, _, _, _, err := opened(t, plainSet("", config.Feature{Name: "s", Stack: []string{"x_*"}}), nil, columns)
		if want == "" {
			refused(t, err, BadStack, "feature_set.feature[0].stack", "a stack has one type")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if at := sel.out.FieldIndices("s")[0]; !strings.HasPrefix(columnsOf(flow.NewSchema(sel.out.Fields()[at:])), "s "+want+",") {
			t.Errorf("%s make %s", types, columnsOf(sel.out))
		}
	}
}

// Every type there is is repeated and stacked as it is, of slices too.
// Rule: S-1004.
func TestStack_EveryType_Repeated(t *testing.T) {
	const columns = "id bigint, ts timestamp, a string, b string, n boolean, o double, p decimal(5,2), q array<string>, r date, s binary, u integer, v float"
	rows := hosttest.Record(t, columns,
		`9 | 2020-01-01 | left | out | true | 1 | 1.00 | [] | 2020-01-01 | AA== | 1 | 1`,
		`1 | 2020-01-01 | x | | true | 1.5 | 1.25 | ["a","bb"] | 2020-01-01 | AA== | 7 | 0.5`,
		`2 | 2020-01-01 | null | yy | null | null | null | null | null | null | null | null`).NewSlice(1, 3)
	cfg := plainSet("", config.Feature{Name: "z", Stack: []string{"a", "b"}})
	for _, n := range strings.Split("nopqrsuv", "") {
		cfg.Features = append(cfg.Features, config.Feature{Name: n})
	}
	cfg.DeduplicateRows = false
	b := bench{cfg: cfg}
	table(t, b.run(t, rows), `
		1 | 2020-01-01 | x | true | 1.5 | 1.25 | ["a","bb"] | 2020-01-01 | AA== | 7 | 0.5
		1 | 2020-01-01 | | true | 1.5 | 1.25 | ["a","bb"] | 2020-01-01 | AA== | 7 | 0.5
		2 | 2020-01-01 | null | null | null | null | null | null | null | null | null
		2 | 2020-01-01 | yy | null | null | null | null | null | null | null | null`)
}

// Keys made by a stack are checked like others, each on its own: the letter of
// a row comes once for each of its keys that is null, and with the rows kept
// the sums agree.
// Rules: S-107, S-602, S-1004, S-1608.
func TestStack_NullKeys(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v"})
	cfg.Keys = []config.Key{{Name: "id", Type: "bigint", Stack: []string{"k_*"}}, {Name: "g"}}
	rows := hosttest.Record(t, "k_a bigint, k_b bigint, k_c bigint, g string, ts timestamp, v bigint",
		"1 | null | 2 | x | 2020-01-01 | 10", "null | null | 3 | x | 2020-01-02 | 20", "4 | 5 | 6 | null | 2020-01-03 | 30", "7 | 8 | 9 | x | null | 40")
	for _, size := range sizes {
		b := bench{cfg: cfg, batch: size}
		table(t, b.run(t, rows), "1 | x | 2020-01-01 | 10\n 2 | x | 2020-01-01 | 10\n 3 | x | 2020-01-02 | 20")
		counts := map[string]int{}
		for _, r := range b.rejected.Rows {
			counts[r[:strings.Index(r, ":")]+" "+r[strings.LastIndex(r, "| ")+2:len(r)-1]]++
		}
		for what, n := range map[string]int{"null_key 10": 1, "null_key 20": 2, "null_key 30": 3, "null_timestamp 40": 3} {
			if counts[what] != n {
				t.Errorf("%s: %d letters, want %d: %q", what, counts[what], n, b.rejected.Rows)
			}
		}
		if added := b.counts.N["stacked_rows{id}"]; rows.NumRows()+added != int64(len(b.rejected.Rows))+3 {
			t.Errorf("%d rows and %d added are not %d rejected and 3 used", rows.NumRows(), added, len(b.rejected.Rows))
		}
	}
	cfg.NullKeys = "keep"
	b := bench{cfg: cfg}
	b.run(t, rows)
	if len(b.rejected.Rows) != 3 {
		t.Errorf("rejected %q", b.rejected.Rows)
	}
}

// An aggregated set may have stacked keys.
// Rule: S-1004.
func TestStack_KeyOfAnAggregatedSet(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum", "count")})
	cfg.Keys = []config.Key{{Name: "id", Stack: []string{"k_a", "k_b"}}}
	b := bench{cfg: cfg}
	table(t, b.run(t, hosttest.Record(t, "k_a bigint, k_b bigint, ts timestamp, v bigint", "1 | 2 | 2020-01-01 | 10", "2 | 3 | 2020-01-01 | 20")),
		"1 | 2020-01-01 | 10 | 1\n 2 | 2020-01-01 | 30 | 2\n 3 | 2020-01-01 | 20 | 1")
}

// Rules: S-1004, S-1005.
func TestStack_Refused(t *testing.T) {
	const columns = "id bigint, ts timestamp, v bigint"
	for _, c := range []struct {
		f           config.Feature
		place, hint string
	}{
		{config.Feature{Name: "s", Stack: []string{"v", "["}, Regex: true}, "feature_set.feature[0].stack[1]", "cannot be read"},
		{config.Feature{Name: "s", Stack: []string{"w*", "x"}}, "feature_set.feature[0].stack", `no column matches "w*", "x"; the columns are id, ts, v, timestamp`},
	} {
		_, _, _, _, err := opened(t, plainSet("", c.f), nil, columns)
		refused(t, err, BadStack, c.place, c.hint)
	}
	for _, k := range []struct {
		key   config.Key
		place string
	}{
		{config.Key{Name: "k", From: "v", Stack: []string{"v"}}, "feature_set.keys[0].from"},
		{config.Key{Name: "k", H3: places(1), Stack: []string{"v"}}, "feature_set.keys[0].stack"},
	} {
		cfg := plainSet("", config.Feature{Name: "v"})
		cfg.Keys = []config.Key{k.key}
		_, _, _, _, err := opened(t, cfg, nil, columns)
		refused(t, err, BadKey, k.place, "remove")
	}
}
