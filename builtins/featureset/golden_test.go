package featureset

import (
	"strconv"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/hosttest"
)

func plainSet(semantics string, features ...config.Feature) config.FeatureSet {
	return config.FeatureSet{
		Name: "fs", Entity: "e", Semantics: semantics, DeduplicateRows: true,
		Keys:      []config.Key{{Name: "id", Type: "bigint"}},
		Timestamp: config.Timestamp{From: "ts"},
		Features:  features,
	}
}

func functions(names ...string) []config.Function {
	var out []config.Function
	for _, n := range names {
		out = append(out, config.Function{Name: n})
	}
	return out
}

// sizes are the batches every golden case is cut into.
var sizes = []int{0, 1, 2, 3}

// Golden case 01: expressions see those before them; the declared type is not
// applied by the original, and is by the default.
// Rules: S-404, S-603.
func TestGolden_01_SQLExpression(t *testing.T) {
	number := func(s string) (float64, bool) {
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	sql := &fakeSQL{known: map[string]fakeExpr{
		"a / b": {[]string{"a", "b"}, "double", func(r map[string]string) string {
			a, ok := number(r["a"])
			b, ok2 := number(r["b"])
			if !ok || !ok2 || b == 0 {
				return "null"
			}
			return strconv.FormatFloat(a/b, 'g', -1, 64)
		}},
		"ratio > 2": {[]string{"ratio"}, "boolean", func(r map[string]string) string {
			v, ok := number(r["ratio"])
			if !ok {
				return "null"
			}
			return strconv.FormatBool(v > 2)
		}},
		"a % b": {[]string{"a", "b"}, "bigint", func(r map[string]string) string {
			a, err := strconv.Atoi(r["a"])
			b, err2 := strconv.Atoi(r["b"])
			if err != nil || err2 != nil || b == 0 {
				return "null"
			}
			return strconv.Itoa(a % b)
		}},
	}}
	rows := hosttest.Record(t, "id bigint, ts timestamp, a bigint, b bigint",
		"1 | 2020-01-01 | 10   | 4", "1 | 2020-01-02 | 7 | 0", "2 | 2020-01-01 | null | 2", "2 | 2020-01-03 | -3 | 2")
	features := []config.Feature{
		{Name: "ratio", Type: "float", SQL: "a / b"},
		{Name: "is_big", Type: "boolean", SQL: "ratio > 2"},
		{Name: "intdiv", Type: "string", SQL: "a % b"},
	}
	for _, size := range sizes {
		b := bench{cfg: plainSet("butterfree", features...), sql: sql, batch: size}
		table(t, b.run(t, rows), `
			1 | 2020-01-01 | 2.5  | true  | 2
			1 | 2020-01-02 | null | null  | null
			2 | 2020-01-01 | null | null  | null
			2 | 2020-01-03 | -1.5 | false | -1`)
		if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, ratio double, is_big boolean, intdiv bigint" {
			t.Errorf("columns are %s", got)
		}
	}
	b := bench{cfg: plainSet("", features...), sql: sql}
	b.run(t, rows)
	if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, ratio float, is_big boolean, intdiv string" {
		t.Errorf("default columns are %s", got)
	}
	if sql.open != 0 {
		t.Errorf("%d evaluators were not closed", sql.open)
	}
}

var case03 = []string{"7 | 1577836800123 | 12 | 2.9 | 1", "8 | 1577836801999 | abc | -2.9 | 300", "9 | null | null | 1e+20 | null", "9 | 1577923200000 | 5 | null | 2"}

func set03(semantics string) config.FeatureSet {
	cfg := plainSet(semantics,
		config.Feature{Name: "s_int", Type: "integer", From: "s"},
		config.Feature{Name: "d_int", Type: "integer", From: "d"},
		config.Feature{Name: "d_big", Type: "bigint", From: "d"},
		config.Feature{Name: "d_float", Type: "float", From: "d"},
		config.Feature{Name: "n_str", Type: "string", From: "n"},
		config.Feature{Name: "n_bool", Type: "boolean", From: "n"},
		config.Feature{Name: "ts_ms", Type: "string"},
		config.Feature{Name: "d_date", Type: "date", From: "timestamp"})
	cfg.Keys = []config.Key{{Name: "id", Type: "bigint", From: "uid"}}
	cfg.Timestamp = config.Timestamp{From: "ts_ms", Unit: "ms"}
	return cfg
}

// Golden case 03: renaming and casts; the timestamp's source column becomes
// the timestamp.
// Rules: S-202, S-405, S-605, S-606, S-607.
func TestGolden_03_RenameCast(t *testing.T) {
	rows := hosttest.Record(t, "uid string, ts_ms bigint, s string, d double, n integer", case03...)
	for _, size := range sizes {
		b := bench{cfg: set03("butterfree"), batch: size}
		table(t, b.run(t, rows), `
			7 | 2020-01-01T00:00:00.123Z | 12   | 2  | 2  | 2.9000000953674316  | 1   | true | 2020-01-01 00:00:00.123 | 2020-01-01
			8 | 2020-01-01T00:00:01.999Z | null | -2 | -2 | -2.9000000953674316 | 300 | true | 2020-01-01 00:00:01.999 | 2020-01-01
			9 | null | null | 2147483647 | 9223372036854775807 | 1.0000000200408773e+20 | null | null | null | null
			9 | 2020-01-02 | 5 | null | null | null | 2 | true | 2020-01-02 00:00:00 | 2020-01-02`)
		if b.counts.N["cast_failures{s_int}"] != 1 {
			t.Errorf("counts are %v", b.counts.N)
		}
	}
}

// The same rows in the default profile: the source column stays a number, out
// of range is null, no timestamp is a dead letter.
// Rules: S-403, S-405, S-605, S-606, S-607.
func TestSet_03_Default(t *testing.T) {
	b := bench{cfg: set03("")}
	rows := hosttest.Record(t, "uid string, ts_ms bigint, s string, d double, n integer", append(case03, "9 | 1577923200001 | 1 | 1e20 | 0")...)
	table(t, b.run(t, rows), `
		7 | 2020-01-01T00:00:00.123Z | 12   | 2  | 2  | 2.9000000953674316  | 1   | true | 1577836800123 | 2020-01-01
		8 | 2020-01-01T00:00:01.999Z | null | -2 | -2 | -2.9000000953674316 | 300 | true | 1577836801999 | 2020-01-01
		9 | 2020-01-02               | 5    | null | null | null | 2 | true | 1577923200000 | 2020-01-02
		9 | 2020-01-02T00:00:00.001Z | 1    | null | null | 1.0000000200408773e+20 | 0 | false | 1577923200001 | 2020-01-02`)
	if len(b.rejected.Rows) != 1 || b.rejected.Rows[0] != "null_timestamp: 9 | null | null | 1e+20 | null\n" {
		t.Errorf("rejected %q", b.rejected.Rows)
	}
	for column, want := range map[string]int64{"s_int": 1, "d_int": 1, "d_big": 1} {
		if got := b.counts.N["cast_failures{"+column+"}"]; got != want {
			t.Errorf("%d casts of %s failed, not %d", got, column, want)
		}
	}
}

var case08 = []string{"1 | 2020-01-01T13:01Z | 1000 | 1", "2 | 2020-01-01T14:01Z | 2000 | 2", "1 | 2020-01-02T13:01Z | 2000 | null",
	"1 | 2020-01-03T13:01Z | 1000 | 4", "2 | 2020-01-09T14:01Z | 1000 | 5", "2 | 2020-01-10 | null | null"}

const columns08 = "id bigint, ts timestamp, v double, w bigint"

// Golden case 08: keys x midnights, an empty window is null, repeats dropped.
// Rules: S-202, S-912, S-914, S-919.
func TestGolden_08_OneWindow(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "feature1", From: "v", Aggregate: functions("avg", "stddev_pop", "count")})
	cfg.Windows = rolling(span(1, "day"), span(3, "days"))
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-15"), batch: size}
		table(t, b.run(t, hosttest.Record(t, columns08, case08...)), `
			1 | 2020-01-01 | null | null | null
			1 | 2020-01-02 | 1000 | 0 | 1
			1 | 2020-01-03 | 1500 | 500 | 2
			1 | 2020-01-04 | 1333.3333333333333 | 471.4045207910317 | 3
			1 | 2020-01-05 | 1500 | 500 | 2
			1 | 2020-01-06 | 1000 | 0 | 1
			1 | 2020-01-07 | null | null | null
			2 | 2020-01-01 | null | null | null
			2 | 2020-01-02 | 2000 | 0 | 1
			2 | 2020-01-05 | null | null | null
			2 | 2020-01-10 | 1000 | 0 | 1
			2 | 2020-01-13 | null | null | 0
			2 | 2020-01-14 | null | null | null`)
		if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, feature1__avg_over_3_days_rolling_windows double, "+
			"feature1__stddev_pop_over_3_days_rolling_windows double, feature1__count_over_3_days_rolling_windows bigint" {
			t.Errorf("columns are %s", got)
		}
	}
}

// The same rows in the default profile: nothing before a key's first event,
// a count of no rows is 0.
// Rules: S-910, S-911, S-914.
func TestSet_08_Default(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "feature1", From: "v", Aggregate: functions("avg", "count")})
	cfg.Windows = rolling(span(1, "day"), span(3, "days"))
	b := bench{cfg: cfg, interval: days(t, "", "2020-01-15")}
	table(t, b.run(t, hosttest.Record(t, columns08, case08...)), `
		1 | 2020-01-02 | 1000 | 1
		1 | 2020-01-03 | 1500 | 2
		1 | 2020-01-04 | 1333.3333333333333 | 3
		1 | 2020-01-05 | 1500 | 2
		1 | 2020-01-06 | 1000 | 1
		1 | 2020-01-07 | null | 0
		2 | 2020-01-02 | 2000 | 1
		2 | 2020-01-05 | null | 0
		2 | 2020-01-10 | 1000 | 1
		2 | 2020-01-13 | null | 0`)
}

// Golden case 10: hourly slide; null keys come apart, one row per window.
// Rules: S-906, S-913, S-918, S-919.
func TestGolden_10_SlideHour(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "v", Aggregate: functions("sum", "count")})
	cfg.Windows = rolling(span(1, "hour"), span(1, "hour"), span(2, "hours"))
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double",
		"1 | 2020-01-01T00:00Z | 1", "1 | 2020-01-01T00:30Z | 2", "1 | 2020-01-01T01:00Z | 4", "1 | 2020-01-01T05:59:59.999Z | 8",
		"2 | 2020-01-01T03:10Z | 16", "null | 2020-01-01T03:10Z | 32", "null | 2020-01-01T03:20Z | 64")
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-01"), batch: size}
		table(t, b.run(t, rows), `
			null | 2020-01-01T04:00:00Z | 96 | null | 2 | null
			null | 2020-01-01T04:00:00Z | null | 96 | null | 2
			1 | 2020-01-01T01:00:00Z | 3 | 3 | 2 | 2
			1 | 2020-01-01T02:00:00Z | 4 | 7 | 1 | 3
			1 | 2020-01-01T03:00:00Z | null | 4 | null | 1
			1 | 2020-01-01T06:00:00Z | 8 | 8 | 1 | 1
			1 | 2020-01-01T07:00:00Z | null | 8 | null | 1
			2 | 2020-01-01T04:00:00Z | 16 | 16 | 1 | 1
			2 | 2020-01-01T05:00:00Z | null | 16 | null | 1`)
		if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, v__sum_over_1_hour_rolling_windows double, v__sum_over_2_hours_rolling_windows double, "+
			"v__count_over_1_hour_rolling_windows bigint, v__count_over_2_hours_rolling_windows bigint" {
			t.Errorf("columns are %s", got)
		}
	}
}

// Golden case 12: 24 hours is not the text 1 day.
// Rule: S-913.
func TestGolden_12_Slide24Hours(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "v", Aggregate: functions("sum")})
	cfg.DeduplicateRows = false
	cfg.Windows = rolling(span(24, "hours"), span(3, "days"))
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-15"), batch: size}
		table(t, b.run(t, hosttest.Record(t, columns08, case08...)), `
			1 | 2020-01-02 | 1000
			1 | 2020-01-03 | 3000
			1 | 2020-01-04 | 4000
			1 | 2020-01-05 | 3000
			1 | 2020-01-06 | 1000
			2 | 2020-01-02 | 2000
			2 | 2020-01-03 | 2000
			2 | 2020-01-04 | 2000
			2 | 2020-01-10 | 1000
			2 | 2020-01-11 | 1000
			2 | 2020-01-12 | 1000
			2 | 2020-01-13 | null`)
	}
}

var case20 = []string{"1 | 2020-01-01 | 0 | null | 1", "1 | 2020-01-02 | 0 | 1 | 1", "1 | 2020-01-03 | null | null | null", "1 | 2020-01-04 | 0 | 1 | 1",
	"1 | 2020-01-05 | 0 | 1 | 1", "1 | 2020-01-06 | null | null | null", "1 | 2020-01-07 | null | null | null", "null | 2020-01-01 | 1 | 1 | 1",
	"null | 2020-01-02 | 1 | 1 | 1", "2 | 2020-01-01 | 5 | 5 | 5", "2 | 2020-01-01 | 5 | 5 | 5"}

func set20(semantics string) config.FeatureSet {
	return plainSet(semantics, config.Feature{Name: "f1", Type: "bigint"}, config.Feature{Name: "f2", Type: "bigint"}, config.Feature{Name: "f3", Type: "bigint"})
}

const rows20 = `
	1 | 2020-01-01 | 0 | null | 1
	1 | 2020-01-02 | 0 | 1 | 1
	1 | 2020-01-03 | null | null | null
	1 | 2020-01-04 | 0 | 1 | 1
	1 | 2020-01-06 | null | null | null
	2 | 2020-01-01 | 5 | 5 | 5`

// Golden case 20: duplicates, with the null key as a key.
// Rules: S-602, S-1101.
func TestGolden_20_Dedup(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, f1 bigint, f2 bigint, f3 bigint", case20...)
	for _, size := range sizes {
		b := bench{cfg: set20("butterfree"), batch: size}
		table(t, b.run(t, rows), "null | 2020-01-01 | 1 | 1 | 1"+rows20)
		if got := b.counts.N["duplicates_dropped{}"]; got != 4 {
			t.Errorf("%d duplicates, not 4", got)
		}
	}
}

// Rules: S-602, S-1101.
func TestSet_20_Default_NullKeysRejected(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, f1 bigint, f2 bigint, f3 bigint", case20...)
	b := bench{cfg: set20("")}
	table(t, b.run(t, rows), rows20)
	if len(b.rejected.Rows) != 2 || b.rejected.Rows[0] != "null_key: null | 2020-01-01 | 1 | 1 | 1\n" {
		t.Errorf("rejected %q", b.rejected.Rows)
	}
	b.cfg.NullKeys = "keep"
	table(t, b.run(t, rows), "null | 2020-01-01 | 1 | 1 | 1"+rows20)
}

// Golden case 22: duplicates are looked for before the cut, in both profiles.
// Rules: S-104, S-1105, S-1107.
func TestGolden_22_Dates(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint", "1 | 2020-01-01T23:59:59Z | 1", "1 | 2020-01-02 | 1", "1 | 2020-01-03T23:59:59.999Z | 2",
		"1 | 2020-01-04 | 3", "2 | 2020-01-02 | 1")
	for _, semantics := range []string{"butterfree", "featurehost"} {
		for _, size := range sizes {
			b := bench{cfg: plainSet(semantics, config.Feature{Name: "v", Type: "bigint"}), interval: days(t, "2020-01-02", "2020-01-03"), batch: size}
			table(t, b.run(t, rows), "1 | 2020-01-03T23:59:59.999Z | 2\n 2 | 2020-01-02 | 1")
			if b.counts.N["duplicates_dropped{}"] != 1 || b.counts.N["outside_interval{}"] != 2 {
				t.Errorf("counts are %v", b.counts.N)
			}
		}
	}
}

// Golden case 24: the newest row of a key, null timestamps oldest, its nulls
// kept.
// Rules: S-306, S-1301.
func TestGolden_24_Latest(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "v", Type: "bigint"})
	cfg.Keys = append(cfg.Keys, config.Key{Name: "k2", Type: "string"})
	rows := hosttest.Record(t, "id bigint, k2 string, ts timestamp, v bigint", "1 | a | 2020-01-01 | 1", "1 | a | 2020-01-03 | null", "1 | a | 2020-01-02 | 2",
		"1 | b | 2020-01-01 | 9", "2 | a | null | 5", "2 | a | 2020-01-01 | 6", "null | a | 2020-01-01 | 7", "null | a | 2020-01-02 | 8")
	for _, size := range sizes {
		b := bench{cfg: cfg, batch: size}
		table(t, b.latest(t, rows), `
			null | a | 2020-01-02 | 8
			1 | a | 2020-01-03 | null
			1 | b | 2020-01-01 | 9
			2 | a | 2020-01-01 | 6`)
	}
}
