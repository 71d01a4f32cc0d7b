package featureset

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func typed(name, typ string) config.Function { return config.Function{Name: name, Type: typ} }

// Golden case 07: a row for each key and timestamp, nulls among them; sample
// spread of one value is null; names in lower case.
// Rules: S-606, S-901, S-902, S-920, S-942.
func TestGolden_07_NoWindow(t *testing.T) {
	cfg := plainSet("butterfree",
		config.Feature{Name: "v", Aggregate: functions("count", "sum", "avg", "min", "max", "stddev_pop", "stddev", "variance", "var_pop")},
		config.Feature{Name: "s", Aggregate: functions("approx_count_distinct", "countDistinct")})
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double, s string", "1 | 2020-01-01 | 1 | a", "1 | 2020-01-01 | 3 | b", "1 | 2020-01-01 | null | null",
		"1 | 2020-01-02 | 5 | a", "2 | 2020-01-01 | null | null", "null | 2020-01-01 | 4 | c", "null | 2020-01-01 | 6 | c", "2 | null | 9 | x")
	for _, size := range sizes {
		b := bench{cfg: cfg, batch: size}
		table(t, b.run(t, rows), `
			null | 2020-01-01 | 2 | 10 | 5 | 4 | 6 | 1 | 1.4142135623730951 | 2 | 1 | 1 | 1
			1 | 2020-01-01 | 2 | 4 | 2 | 1 | 3 | 1 | 1.4142135623730951 | 2 | 1 | 2 | 2
			1 | 2020-01-02 | 1 | 5 | 5 | 5 | 5 | 0 | null | null | 0 | 1 | 1
			2 | null | 1 | 9 | 9 | 9 | 9 | 0 | null | null | 0 | 1 | 1
			2 | 2020-01-01 | 0 | null | null | null | null | null | null | null | null | 0 | 0`)
		if got := columnsOf(b.out); !strings.HasSuffix(got, "v__var_pop double, s__approx_count_distinct bigint, s__countdistinct bigint") {
			t.Errorf("columns are %s", got)
		}
	}
}

// Golden case 09: three windows, all days of all keys; a window without rows
// is null, one of only nulls a count of 0 and an empty set.
// Rules: S-912, S-914, S-919, S-920.
func TestGolden_09_SeveralWindows(t *testing.T) {
	cfg := plainSet("butterfree",
		config.Feature{Name: "v", Aggregate: functions("count", "sum", "avg", "min", "max")},
		config.Feature{Name: "w", Aggregate: []config.Function{typed("sum", "integer"), typed("collect_set", "array<bigint>")}})
	cfg.DeduplicateRows = false
	week := config.TimeSpan{Text: "1 week", N: 1, Unit: "week", Micros: 7 * 86400e6}
	cfg.Windows = rolling(span(1, "day"), span(1, "day"), span(3, "days"), week)
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-12"), batch: size}
		table(t, b.run(t, hosttest.Record(t, columns08, case08...)), rows09)
		got := columnsOf(b.out)
		if !strings.Contains(got, "v__count_over_1_week_rolling_windows bigint, v__sum_over_1_day_rolling_windows double, ") ||
			!strings.Contains(got, "w__sum_over_3_days_rolling_windows integer, ") || !strings.HasSuffix(got, "w__collect_set_over_1_week_rolling_windows array<bigint>") {
			t.Errorf("columns are %s", got)
		}
	}
}

const rows09 = `
1 | 2020-01-01 | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null
1 | 2020-01-02 | 1 | 1 | 1 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1 | 1 | 1 | [1] | [1] | [1]
1 | 2020-01-03 | 1 | 2 | 2 | 2000 | 3000 | 3000 | 2000 | 1500 | 1500 | 2000 | 1000 | 1000 | 2000 | 2000 | 2000 | null | 1 | 1 | [] | [1] | [1]
1 | 2020-01-04 | 1 | 3 | 3 | 1000 | 4000 | 4000 | 1000 | 1333.3333333333333 | 1333.3333333333333 | 1000 | 1000 | 1000 | 1000 | 2000 | 2000 | 4 | 5 | 5 | [4] | [1,4] | [1,4]
1 | 2020-01-05 | null | 2 | 3 | null | 3000 | 4000 | null | 1500 | 1333.3333333333333 | null | 1000 | 1000 | null | 2000 | 2000 | null | 4 | 5 | null | [4] | [1,4]
1 | 2020-01-06 | null | 1 | 3 | null | 1000 | 4000 | null | 1000 | 1333.3333333333333 | null | 1000 | 1000 | null | 1000 | 2000 | null | 4 | 5 | null | [4] | [1,4]
1 | 2020-01-07 | null | null | 3 | null | null | 4000 | null | null | 1333.3333333333333 | null | null | 1000 | null | null | 2000 | null | null | 5 | null | null | [1,4]
1 | 2020-01-08 | null | null | 3 | null | null | 4000 | null | null | 1333.3333333333333 | null | null | 1000 | null | null | 2000 | null | null | 5 | null | null | [1,4]
1 | 2020-01-09 | null | null | 2 | null | null | 3000 | null | null | 1500 | null | null | 1000 | null | null | 2000 | null | null | 4 | null | null | [4]
1 | 2020-01-10 | null | null | 1 | null | null | 1000 | null | null | 1000 | null | null | 1000 | null | null | 1000 | null | null | 4 | null | null | [4]
1 | 2020-01-11 | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null
1 | 2020-01-12 | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null
2 | 2020-01-01 | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null
2 | 2020-01-02 | 1 | 1 | 1 | 2000 | 2000 | 2000 | 2000 | 2000 | 2000 | 2000 | 2000 | 2000 | 2000 | 2000 | 2000 | 2 | 2 | 2 | [2] | [2] | [2]
2 | 2020-01-03 | null | 1 | 1 | null | 2000 | 2000 | null | 2000 | 2000 | null | 2000 | 2000 | null | 2000 | 2000 | null | 2 | 2 | null | [2] | [2]
2 | 2020-01-04 | null | 1 | 1 | null | 2000 | 2000 | null | 2000 | 2000 | null | 2000 | 2000 | null | 2000 | 2000 | null | 2 | 2 | null | [2] | [2]
2 | 2020-01-05 | null | null | 1 | null | null | 2000 | null | null | 2000 | null | null | 2000 | null | null | 2000 | null | null | 2 | null | null | [2]
2 | 2020-01-06 | null | null | 1 | null | null | 2000 | null | null | 2000 | null | null | 2000 | null | null | 2000 | null | null | 2 | null | null | [2]
2 | 2020-01-07 | null | null | 1 | null | null | 2000 | null | null | 2000 | null | null | 2000 | null | null | 2000 | null | null | 2 | null | null | [2]
2 | 2020-01-08 | null | null | 1 | null | null | 2000 | null | null | 2000 | null | null | 2000 | null | null | 2000 | null | null | 2 | null | null | [2]
2 | 2020-01-09 | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null | null
2 | 2020-01-10 | 1 | 1 | 1 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 1000 | 5 | 5 | 5 | [5] | [5] | [5]
2 | 2020-01-11 | 0 | 1 | 1 | null | 1000 | 1000 | null | 1000 | 1000 | null | 1000 | 1000 | null | 1000 | 1000 | null | 5 | 5 | [] | [5] | [5]
2 | 2020-01-12 | null | 1 | 1 | null | 1000 | 1000 | null | 1000 | 1000 | null | 1000 | 1000 | null | 1000 | 1000 | null | 5 | 5 | null | [5] | [5]`

// Golden case 14: first and last count nulls, lists do not, results are cast
// to their declared types; names are in lower case. Skewness and kurtosis are
// those of S-943, the original's but for the last digits.
// Rules: S-306, S-404, S-409, S-914, S-919, S-943.
func TestGolden_14_FirstLastSets(t *testing.T) {
	cfg := plainSet("butterfree",
		config.Feature{Name: "v", Aggregate: []config.Function{typed("collect_list", "array<float>"), typed("kurtosis", "double"), typed("skewness", "double"),
			typed("sumDistinct", "double"), typed("mean", "double"), typed("max", "string")}},
		config.Feature{Name: "s", Aggregate: []config.Function{typed("first", "string"), typed("last", "string"), typed("collect_set", "array<string>"),
			typed("min", "string"), typed("approx_count_distinct", "integer")}})
	cfg.Windows = rolling(span(1, "day"), span(1, "day"))
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double, s string", "1 | 2020-01-01T01:00Z | 3 | b", "1 | 2020-01-01T02:00Z | 3 | a", "1 | 2020-01-01T03:00Z | 1 | b",
		"2 | 2020-01-01T01:00Z | null | null", "2 | 2020-01-01T02:00Z | 7.5 | q")
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-02"), batch: size}
		table(t, b.run(t, rows), `
			1 | 2020-01-01 | null | null | null | null | null | null | null | null | null | null | null
			1 | 2020-01-02 | [3,3,1] | -1.4999999999999998 | -0.7071067811865479 | 4 | 2.3333333333333335 | 3.0 | b | b | ["a","b"] | a | 2
			2 | 2020-01-01 | null | null | null | null | null | null | null | null | null | null | null
			2 | 2020-01-02 | [7.5] | null | null | 7.5 | 7.5 | 7.5 | null | q | ["q"] | q | 1`)
		if got := columnsOf(b.out); !strings.Contains(got, "v__sumdistinct_over_1_day_rolling_windows double") || !strings.Contains(got, "v__collect_list_over_1_day_rolling_windows array<float>") {
			t.Errorf("columns are %s", got)
		}
	}
}

var case15 = []string{"1 | 2020-01-01T01:00Z | b | 1", "1 | 2020-01-01T02:00Z | a | 2", "1 | 2020-01-01T03:00Z | b | 2", "1 | 2020-01-01T04:00Z | null | null",
	"2 | 2020-01-01T01:00Z | q | 7", "2 | 2020-01-01T05:00Z | p | 9"}

// Golden case 15: modes are texts.
// Rules: S-202, S-912.
func TestGolden_15_Modes(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "s", Aggregate: functions("mode", "most_frequent_set")}, config.Feature{Name: "n", Aggregate: functions("mode", "most_frequent_set")})
	cfg.Windows = rolling(span(1, "day"), span(1, "day"))
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-02"), batch: size}
		table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, s string, n bigint", case15...)), `
			1 | 2020-01-01 | null | null | null | null
			1 | 2020-01-02 | b | ["b","a","None"] | 2.0 | ["2.0","1.0","nan"]
			2 | 2020-01-01 | null | null | null | null
			2 | 2020-01-02 | p | ["q","p"] | 7 | ["7","9"]`)
		if got := columnsOf(b.out); !strings.Contains(got, "n__mode_over_1_day_rolling_windows string, n__most_frequent_set_over_1_day_rolling_windows array<string>") {
			t.Errorf("columns are %s", got)
		}
	}
	cfg.Semantics = "featurehost"
	b := bench{cfg: cfg, interval: days(t, "", "2020-01-02")}
	table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, s string, n bigint", case15...)), `
		1 | 2020-01-02 | b | ["b","a"] | 2 | [2,1]
		2 | 2020-01-02 | p | ["p","q"] | 7 | [7,9]`)
	if got := columnsOf(b.out); !strings.Contains(got, "n__mode_over_1_day_rolling_windows bigint, n__most_frequent_set_over_1_day_rolling_windows array<bigint>") {
		t.Errorf("default columns are %s", got)
	}
}

var case17 = []string{"1 | 2020-01-01T13:01Z | 1000 | pub", "2 | 2020-01-01T14:01Z | 2000 | pub", "1 | 2020-01-02T13:01Z | 2000 | rented",
	"1 | 2020-01-03T13:01Z | 1000 | unpub", "2 | 2020-01-09T14:01Z | 1000 | unpub", "2 | 2020-01-09T14:01Z | 3000 | null"}

func set17(semantics string) config.FeatureSet {
	cfg := plainSet(semantics, config.Feature{Name: "feature1", From: "rent", Aggregate: functions("avg", "count")})
	cfg.Pivot = &config.Pivot{Column: "status", Values: []any{"pub", "unpub"}}
	return cfg
}

// Golden case 17: a pivot without windows; groups with none of the values give
// a row, and an absent value is null.
// Rules: S-901, S-919, S-931, S-932, S-933.
func TestGolden_17_Pivot(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, rent double, status string", case17...)
	for _, size := range sizes {
		b := bench{cfg: set17("butterfree"), batch: size}
		table(t, b.run(t, rows), `
			1 | 2020-01-01T13:01:00Z | 1000 | 1 | null | null
			1 | 2020-01-02T13:01:00Z | null | null | null | null
			1 | 2020-01-03T13:01:00Z | null | null | 1000 | 1
			2 | 2020-01-01T14:01:00Z | 2000 | 1 | null | null
			2 | 2020-01-09T14:01:00Z | null | null | 1000 | 1`)
		if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, pub_feature1__avg double, pub_feature1__count bigint, unpub_feature1__avg double, unpub_feature1__count bigint" {
			t.Errorf("columns are %s", got)
		}
	}
}

// In the default profile an absent value is the function's value over no rows.
// Rules: S-914, S-931.
func TestSet_17_Default(t *testing.T) {
	b := bench{cfg: set17("")}
	table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, rent double, status string", case17...)), `
		1 | 2020-01-01T13:01:00Z | 1000 | 1 | null | 0
		1 | 2020-01-02T13:01:00Z | null | 0 | null | 0
		1 | 2020-01-03T13:01:00Z | null | 0 | 1000 | 1
		2 | 2020-01-01T14:01:00Z | 2000 | 1 | null | 0
		2 | 2020-01-09T14:01:00Z | null | 0 | 1000 | 1`)
}

// Golden case 19: in every window one row of each h counts, the first.
// Rules: S-914, S-917, S-1101.
func TestGolden_19_DistinctFirst(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "v", Aggregate: functions("sum", "count")})
	cfg.Windows = rolling(span(1, "day"), span(1, "day"), span(2, "days"))
	cfg.Distinct = &config.Distinct{Subset: []string{"h"}, Keep: "first"}
	rows := hosttest.Record(t, "id bigint, ts timestamp, h bigint, v double", "1 | 2020-01-01T01:00Z | 10 | 1", "1 | 2020-01-01T02:00Z | 10 | 2", "1 | 2020-01-01T03:00Z | 11 | 4",
		"1 | 2020-01-02T01:00Z | 10 | 8", "2 | 2020-01-01T01:00Z | null | 16", "2 | 2020-01-01T02:00Z | null | 32")
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-04"), batch: size}
		table(t, b.run(t, rows), `
			1 | 2020-01-01 | null | null | null | null
			1 | 2020-01-02 | 5 | 5 | 2 | 2
			1 | 2020-01-03 | 8 | 5 | 1 | 2
			1 | 2020-01-04 | null | 8 | null | 1
			2 | 2020-01-01 | null | null | null | null
			2 | 2020-01-02 | 16 | 16 | 1 | 1
			2 | 2020-01-03 | null | 16 | null | 1
			2 | 2020-01-04 | null | null | null | null`)
	}
}

// Golden case 21: keys with a null part have rows, whose features are null.
// Rules: S-912, S-918.
func TestGolden_21_NullKeys(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "v", Aggregate: functions("sum")})
	cfg.Keys = append(cfg.Keys, config.Key{Name: "k2", Type: "string"})
	cfg.Windows = rolling(span(1, "day"), span(1, "day"))
	rows := hosttest.Record(t, "id bigint, k2 string, ts timestamp, v double", "1 | a | 2020-01-01T01:00Z | 1", "1 | null | 2020-01-01T01:00Z | 2", "null | null | 2020-01-01T01:00Z | 4")
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-03"), batch: size}
		table(t, b.run(t, rows), `
			null | null | 2020-01-01 | null
			1 | null | 2020-01-01 | null
			1 | a | 2020-01-01 | null
			1 | a | 2020-01-02 | 1
			1 | a | 2020-01-03 | null`)
	}
}

// positive knows the condition v > 0, over a column of numbers, and counts as
// the engine would: null is null.
func positive() *fakeSQL {
	return &fakeSQL{known: map[string]fakeExpr{
		"v > 0": {[]string{"v"}, "boolean", func(r map[string]string) string {
			if r["v"] == "null" {
				return "null"
			}
			return fmt.Sprint(!strings.HasPrefix(r["v"], "-") && r["v"] != "0")
		}},
		"s = 'a'": {[]string{"s"}, "boolean", func(r map[string]string) string { return fmt.Sprint(r["s"] == "a") }},
		"id = 1":  {[]string{"id"}, "boolean", func(r map[string]string) string { return fmt.Sprint(r["id"] == "1") }},
		"v + 1":   {[]string{"v"}, "bigint", func(r map[string]string) string { return r["v"] }},
	}}
}

// where takes rows out of its own feature; the rows still make labels. Equal
// conditions are evaluated once, all of them together.
// Rules: S-910, S-914, S-916.
func TestSet_Where_RowsOfOneFeature(t *testing.T) {
	cfg := plainSet("",
		config.Feature{Name: "v", Where: "v > 0", Aggregate: functions("count", "first", "collect_list")},
		config.Feature{Name: "w", From: "v", Aggregate: functions("count")},
		config.Feature{Name: "s", Where: "v > 0", Aggregate: functions("last")},
		config.Feature{Name: "x", From: "v", Where: "s = 'a'", Aggregate: functions("sum")},
		config.Feature{Name: "k", From: "v", Where: "id = 1", Aggregate: functions("count")})
	cfg.Windows = rolling(span(1, "day"), span(1, "day"))
	rows := hosttest.Record(t, "id string, ts timestamp, v bigint, s string", "1 | 2020-01-01T01:00Z | -1 | a", "1 | 2020-01-01T02:00Z | 2 | a", "1 | 2020-01-01T03:00Z | 3 | b", "1 | 2020-01-01T04:00Z | -4 | c",
		"1 | 2020-01-02T01:00Z | null | a", "2 | 2020-01-03T01:00Z | -5 | a")
	for _, size := range sizes {
		b := bench{cfg: cfg, sql: positive(), interval: days(t, "", "2020-01-05"), batch: size}
		table(t, b.run(t, rows), `
			1 | 2020-01-02 | 2 | 2 | [2,3] | 4 | b | 1 | 4
			1 | 2020-01-03 | 0 | null | [] | 0 | null | null | 0
			2 | 2020-01-04 | 0 | null | [] | 1 | null | -5 | 0
			2 | 2020-01-05 | 0 | null | [] | 0 | null | null | 0`)
		sql := b.sql.(*fakeSQL)
		if size == 0 && strings.Join(sql.evals, " ") != "fh_where_0+fh_where_1+fh_where_2" {
			t.Errorf("evaluated %v", sql.evals)
		}
		if sql.open != 0 {
			t.Errorf("%d evaluators were not closed", sql.open)
		}
	}
}

// Columns of the source may be named as the hidden ones are.
// Rule: S-916.
func TestSet_Where_HiddenNamesTaken(t *testing.T) {
	for _, semantics := range []string{"featurehost", "butterfree"} {
		cfg := plainSet(semantics, config.Feature{Name: "v", Where: "v > 0", Aggregate: functions("sum")},
			config.Feature{Name: "a", From: "fh_where_0", Aggregate: functions("sum")}, config.Feature{Name: "b", From: "fh_v_where_0", Aggregate: functions("sum")})
		b := bench{cfg: cfg, sql: positive()}
		rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint, fh_where_0 bigint, fh_v_where_0 bigint", "1 | 2020-01-01 | -1 | 10 | 100", "1 | 2020-01-01 | 2 | 20 | 200")
		table(t, b.run(t, rows), "1 | 2020-01-01 | 2 | 30 | 300")
	}
}

// Compat: the value becomes null, so first may be null and the row stays in
// counts of the window.
// Rules: S-202, S-916.
func TestSet_Where_Compat_ValueIsNull(t *testing.T) {
	cfg := plainSet("butterfree",
		config.Feature{Name: "v", Where: "v > 0", Aggregate: functions("count", "first", "last")},
		config.Feature{Name: "l", Where: "v > 0", Aggregate: functions("first", "last")},
		config.Feature{Name: "s", Where: "v > 0", Aggregate: functions("most_frequent_set")})
	rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint, l array<bigint>, s string", "1 | 2020-01-01 | -1 | [1] | a", "1 | 2020-01-01 | 2 | [2] | b", "2 | 2020-01-01 | -4 | [3] | c", "2 | 2020-01-02 | 7 | [4] | null")
	for _, size := range sizes {
		b := bench{cfg: cfg, sql: positive(), batch: size}
		table(t, b.run(t, rows), `
			1 | 2020-01-01 | 1 | null | 2 | null | [2] | ["None","b"]
			2 | 2020-01-01 | 0 | null | null | null | null | ["None"]
			2 | 2020-01-02 | 1 | 7 | 7 | [4] | [4] | ["None"]`)
	}
}

// Names of pivot columns: numbers, booleans and texts with characters that
// names cannot have; columns in order of value, feature, function, window.
// Rules: S-919, S-930, S-932, S-933.
func TestSet_Pivot_NamesAndOrder(t *testing.T) {
	cfg := plainSet("",
		config.Feature{Name: "v", Aggregate: []config.Function{{Name: "percentile", P: 0.95}, {Name: "top_k", K: 3, Type: "array<string>"}}},
		config.Feature{Name: "w", From: "v", Aggregate: functions("countDistinct")})
	cfg.Windows = rolling(span(1, "day"), span(1, "day"), span(24, "hours"))
	for _, c := range []struct {
		typ    string
		values []any
		want   [2]string
	}{
		{"string", []any{"a b-c", "É"}, [2]string{"a_b_c", "_"}},
		{"bigint", []any{int64(-1), int64(7)}, [2]string{"_1", "7"}},
		{"double", []any{1.5, 1e10}, [2]string{"1_5", "1_0E10"}},
		{"double", []any{int64(1), 2.0}, [2]string{"1", "2_0"}},
		{"boolean", []any{true, false}, [2]string{"true", "false"}},
		{"date", []any{"2020-01-01", "2020-1-2"}, [2]string{"2020_01_01", "2020_1_2"}},
		{"decimal(10,2)", []any{1.25, int64(3)}, [2]string{"1_25", "3"}},
	} {
		cfg.Pivot = &config.Pivot{Column: "p", Values: c.values}
		b := bench{cfg: cfg}
		b.run(t, hosttest.Record(t, "id bigint, ts timestamp, v bigint, p "+c.typ))
		want := "id bigint, timestamp timestamp"
		for _, v := range c.want {
			for _, f := range []string{"v__percentile_0_95 double", "v__top_k_3 array<string>", "w__countdistinct bigint"} {
				name, typ, _ := strings.Cut(f, " ")
				want += fmt.Sprintf(", %s_%s_over_1_day_rolling_windows %s, %s_%s_over_24_hours_rolling_windows %s", v, name, typ, v, name, typ)
			}
		}
		if got := columnsOf(b.out); got != want {
			t.Errorf("%s: columns are\n%s\nwant\n%s", c.typ, got, want)
		}
	}
	cfg.Semantics = "butterfree"
	cfg.Pivot = &config.Pivot{Column: "p", Values: []any{true}}
	b := bench{cfg: cfg}
	b.run(t, hosttest.Record(t, "id bigint, ts timestamp, v bigint, p boolean"))
	if got := columnsOf(b.out); !strings.Contains(got, ", True_v__percentile_0_95_over") {
		t.Errorf("columns are %s", got)
	}
}

// Values are compared after the column's type, more of them than are looked
// through one by one, too; null and NaN are no values.
// Rules: S-305, S-931.
func TestSet_Pivot_ComparesByType(t *testing.T) {
	for _, c := range []struct {
		typ    string
		values []any
		rows   []string // column, then the number of the value, -1 for none
	}{
		{"string", []any{"a", ""}, []string{"a 0", "b -1", "null -1"}},
		{"binary", []any{"a", "b"}, []string{"Yg== 1", "Yw== -1", "null -1"}},
		{"integer", []any{int64(1), 2.0}, []string{"1 0", "2 1", "3 -1", "null -1"}},
		{"bigint", []any{int64(9007199254740993), int64(1)}, []string{"9007199254740993 0", "9007199254740992 -1", "1 1"}},
		{"float", []any{0.1, int64(2)}, []string{"0.1 0", "2 1", "NaN -1"}},
		{"double", []any{math.Copysign(0, -1), 0.5}, []string{"0 0", "-0.0 0", "0.5 1", "NaN -1", "null -1"}},
		{"boolean", []any{false, true}, []string{"true 1", "false 0", "null -1"}},
		{"date", []any{"2020-01-01", "2020-1-2"}, []string{"2020-01-02 1", "2020-01-01 0", "2020-01-03 -1"}},
		{"timestamp", []any{"2020-01-01T00:00:00Z", "2020-01-02 03:00"}, []string{"2020-01-01 0", "2020-01-02T03:00Z 1", "2020-01-02 -1"}},
		{"decimal(10,2)", []any{1.25, int64(3)}, []string{"1.25 0", "3.00 1", "1.26 -1"}},
		{"bigint", []any{int64(0), int64(1), int64(2), int64(3), int64(4), int64(5), int64(6)}, []string{"6 6", "0 0", "7 -1", "null -1"}},
	} {
		cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")})
		cfg.Pivot = &config.Pivot{Column: "p", Values: c.values}
		var lines []string
		want := make([]string, len(c.values))
		for i := range want {
			want[i] = "null"
		}
		sums := make([]int, len(c.values))
		for i, r := range c.rows {
			value, number, _ := strings.Cut(r, " ")
			lines = append(lines, fmt.Sprintf("1 | 2020-01-01 | %s | %d", value, 1<<i))
			var k int
			fmt.Sscan(number, &k)
			if k >= 0 {
				sums[k] += 1 << i
				want[k] = fmt.Sprint(sums[k])
			}
		}
		for _, size := range sizes {
			b := bench{cfg: cfg, batch: size}
			table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, p "+c.typ+", v bigint", lines...)), "1 | 2020-01-01 | "+strings.Join(want, " | "))
		}
	}
}

// A result that does not fit is null where the feature says so.
// Rule: S-941.
func TestSet_OnOverflow_Null(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum", "count"), OnOverflow: "null"})
	rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint", "1 | 2020-01-01 | 9223372036854775807", "1 | 2020-01-01 | 1", "2 | 2020-01-01 | 1")
	b := bench{cfg: cfg}
	table(t, b.run(t, rows), "1 | 2020-01-01 | null | 2\n2 | 2020-01-01 | 1 | 1")
	cfg.Features[0].OnOverflow = ""
	b = bench{cfg: cfg}
	if _, err := b.try(t, rows, false); err == nil || !strings.Contains(err.Error(), "v__sum") {
		t.Errorf("got %v", err)
	}
}

// Windows of one length under two names stand side by side; months are those
// of the calendar, days those of the zone.
// Rules: S-907, S-919.
func TestSet_Calendar_MonthsAndZone(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("count")})
	cfg.Windows = &config.Windows{
		Rolling: []config.TimeSpan{parsed(t, "1 month"), parsed(t, "1 day"), parsed(t, "1 days"), parsed(t, "24 hours")},
		Slide:   parsed(t, "1 day"), Zone: "America/New_York",
	}
	rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint", "1 | 2026-03-07T05:30Z | 1", "1 | 2026-03-08T04:30Z | 1", "1 | 2026-03-08T05:30Z | 1")
	b := bench{cfg: cfg, interval: days(t, "", "2026-03-10")}
	// The 8th of March 2026 has 23 hours in New York, from 05:00Z to 04:00Z: it
	// holds one row, the 24 hours before its end two.
	table(t, b.run(t, rows), `
		1 | 2026-03-08T05:00:00Z | 2 | 2 | 2 | 2
		1 | 2026-03-09T04:00:00Z | 3 | 1 | 1 | 2
		1 | 2026-03-10T04:00:00Z | 3 | 0 | 0 | 0`)
	cfg.Windows = &config.Windows{Rolling: []config.TimeSpan{parsed(t, "1 month"), parsed(t, "1 year")}, Slide: parsed(t, "1 month")}
	b = bench{cfg: cfg, interval: days(t, "", "2026-04-30")}
	table(t, b.run(t, rows), "1 | 2026-04-01 | 3 | 3")
}

func parsed(t testing.TB, s string) config.TimeSpan {
	t.Helper()
	span, err := config.ParseTimeSpan(s)
	if err != nil {
		t.Fatal(err)
	}
	return span
}

// Every function that a pipeline file may name is known to the windows, and
// the other way round.
// Rule: S-930.
func TestFunctions_ConfigAndWindows_SameNames(t *testing.T) {
	listed := map[string]bool{}
	for _, name := range config.AggregateFunctions() {
		if _, ok := window.FunctionByName(name); !ok {
			t.Errorf("%s is listed, but not known", name)
		}
		listed[name] = true
	}
	for _, f := range window.Functions() {
		if !listed[f.String()] {
			t.Errorf("%s is known, but not listed", f)
		}
	}
}

// What the pipeline file's own checks let pass is refused here only for what
// the text does not tell.
func TestNew_TakesWhatConfigTakes(t *testing.T) {
	files, err := filepath.Glob("../../config/testdata/good/*.toml")
	if err != nil || len(files) < 6 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, path := range files {
		f, err := config.Load(path, func(name string) (string, bool) { return "x", !strings.HasPrefix(name, "AWS_") })
		if err != nil {
			t.Fatal(err)
		}
		env, _, _ := hosttest.Env(t)
		if _, err := New(*f.FeatureSet, flow.Interval{}, env); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSet_Aggregated_Refuses(t *testing.T) {
	const columns = "id bigint, ts timestamp, n integer, v bigint, s string, d date, dec decimal(4,1), l array<bigint>, b boolean"
	pivoted := func(column string, values ...any) config.FeatureSet {
		cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")})
		cfg.Pivot = &config.Pivot{Column: column, Values: values}
		return cfg
	}
	changed := func(semantics string, f func(*config.FeatureSet)) config.FeatureSet {
		cfg := plainSet(semantics, config.Feature{Name: "v", Aggregate: functions("sum")})
		f(&cfg)
		return cfg
	}
	value := func(i int) string { return fmt.Sprintf("feature_set.pivot.values[%d]", i) }
	one := func(c config.Feature) func(*config.FeatureSet) {
		return func(cfg *config.FeatureSet) { c.Name, c.Aggregate = "v", functions("sum"); cfg.Features[0] = c }
	}
	const feature = "feature_set.feature[0]"
	for _, c := range []struct {
		name        string
		cfg         config.FeatureSet
		code        fault.Code
		place, hint string
	}{
		{"pivot column", pivoted("ss", "a"), UnknownColumn, pivotColumnPlace, `did you mean "s"?`},
		{"number for a text", pivoted("s", "a", int64(1)), BadPivot, value(1), `write it as a text`},
		{"text for a number", pivoted("n", "1"), BadPivot, value(0), `"1" is no value of column "n", which is integer`},
		{"fraction for a whole number", pivoted("n", 1.5), BadPivot, value(0), "number"},
		{"too large", pivoted("n", int64(1<<40)), BadPivot, value(0), "1099511627776"},
		{"boolean for a number", pivoted("n", true), BadPivot, value(0), "number"},
		{"number for a boolean", pivoted("b", int64(1)), BadPivot, value(0), "true or false"},
		{"no date", pivoted("d", "yesterday"), BadPivot, value(0), "2026-01-31"},
		{"too fine", pivoted("dec", 1.25), BadPivot, value(0), "1.25"},
		{"list", pivoted("l", "a"), BadPivot, value(0), "single values"},
		{"same date", pivoted("d", "2020-01-01", "2020-1-1"), BadPivot, value(1), "numbered 1"},
		{"no values", pivoted("s"), BadPivot, "feature_set.pivot.values", "values ="},
		{"clash", pivoted("s", "a b", "a_b"), NameTaken, feature + ".name", "a_b_v__sum"},
		{"clash but for case", pivoted("s", "A", "a"), NameTaken, feature + ".name", "a_v__sum"},
		{"distinct column", changed("", func(c *config.FeatureSet) { c.Distinct = &config.Distinct{Subset: []string{"n", "vv"}} }), UnknownColumn, "feature_set.distinct.subset[1]", `did you mean "v"?`},
		{"empty distinct", changed("", func(c *config.FeatureSet) { c.Distinct = &config.Distinct{} }), BadPivot, "feature_set.distinct.subset", "columns"},
		{"pivot of a plain set", changed("", func(c *config.FeatureSet) { c.Features = nil; c.Pivot = &config.Pivot{Column: "s"} }), BadPivot, "feature_set.pivot", "aggregate"},
		{"distinct of a plain set", changed("", func(c *config.FeatureSet) { c.Features = nil; c.Distinct = &config.Distinct{} }), BadPivot, "feature_set.distinct", "aggregate"},
		{"condition of a number", changed("", one(config.Feature{Where: "v + 1"})), BadCondition, feature + ".where", "v + 1 IS NOT NULL"},
		{"condition the engine refuses", changed("", one(config.Feature{Where: "now()"})), 299, feature + ".where", "now()"},
		{"aggregate and sql", changed("", one(config.Feature{SQL: "1"})), BadFeature, feature + ".sql", "query"},
		{"aggregate and type", changed("", one(config.Feature{Type: "double"})), BadFeature, feature + ".type", "avg"},
		{"aggregate and function", changed("", one(config.Feature{Function: functions("cos")})), BadFeature, feature + ".function", "plain"},
		{"aggregate and use", changed("", one(config.Feature{Use: "x"})), BadFeature, feature + ".use", "stage"},
		{"aggregate and h3", changed("", one(config.Feature{H3: &config.H3{}})), BadFeature, feature + ".h3", "key"},
		{"aggregate and stack", changed("", one(config.Feature{Stack: []string{"a"}})), BadFeature, feature + ".stack", "key"},
		{"parameter", changed("", func(c *config.FeatureSet) { c.Features[0].Aggregate[0] = config.Function{Name: "percentile", P: 2} }), window.BadParameter, feature + ".aggregate[0]", "0 to 1"},
		{"months in compat", changed("butterfree", func(c *config.FeatureSet) {
			c.Windows = rolling(span(1, "day"), config.TimeSpan{Text: "1 month", N: 1, Unit: "month"})
		}), BadWindow, "feature_set.windows.rolling[0]", "days"},
		{"zone", changed("", func(c *config.FeatureSet) {
			c.Windows = rolling(span(1, "day"), span(1, "day"))
			c.Windows.Zone = "Mars/Olympus"
		}), BadWindow, "feature_set.windows.zone", "Sao_Paulo"},
		{"slide of a month", changed("", func(c *config.FeatureSet) {
			c.Windows = rolling(config.TimeSpan{Text: "1 month", N: 1, Unit: "month"}, span(30, "days"))
		}), BadWindow, "feature_set.windows.slide", "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, _, err := opened(t, c.cfg, positive(), columns)
			refused(t, err, c.code, c.place, c.hint)
		})
	}
}
