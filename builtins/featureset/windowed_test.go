package featureset

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// over makes a feature of functions over windows of rows or of time.
func over(name, from string, w config.FeatureWindow, names ...string) config.Feature {
	return config.Feature{Name: name, From: from, Function: functions(names...), Window: &w}
}

func twoRows() config.FeatureWindow {
	return config.FeatureWindow{Rows: []config.RowSpan{{N: 2, Unit: "rows"}}}
}

func oneHour() config.FeatureWindow {
	return config.FeatureWindow{Fixed: []config.TimeSpan{span(1, "hour")}}
}

func by(w config.FeatureWindow, order string, partition ...string) config.FeatureWindow {
	w.PartitionBy, w.OrderBy = partition, order
	return w
}

// stagesOf tells the stages of a set and what each windows stage computes.
func stagesOf(t *testing.T, cfg config.FeatureSet, sql flow.SQL, columns string) string {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	env.SQL = sql
	made, err := New(cfg, flow.Interval{}, env)
	if err != nil {
		t.Fatal(err)
	}
	set := made.(*Set)
	in := hosttest.Record(t, columns).Schema()
	steps := append(set.Steps(), set.Fold())
	for _, s := range steps {
		defer s.Close()
		if in, err = s.Open(context.Background(), in); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	var keyed []flow.Keyed
	for _, s := range steps {
		if k, ok := s.(flow.Keyed); ok {
			keyed = append(keyed, k)
		}
	}
	for i, k := range set.design.stages {
		var passes []string
		for _, b := range k.barriers {
			var names []string
			for _, a := range b.aggregates {
				names = append(names, strings.SplitN(a.spec.Outputs[0], "__", 2)[0])
			}
			passes = append(passes, strings.Join(names, "+"))
		}
		order := keyed[i].Order()
		out = append(out, strings.Join(order.Keys, ",")+"["+strings.Join(passes, " ")+"]")
	}
	return strings.Join(out, " ")
}

// The usual set has one exchange, that of Fold. Windows share a pass over the
// rows when they may, and a stage when they must not.
// Rules: S-603, S-801, S-805.
func TestSet_Stages(t *testing.T) {
	sql := &fakeSQL{known: map[string]fakeExpr{}}
	read := func(column string) string {
		text := "of " + column
		sql.known[text] = fakeExpr{[]string{column}, "bigint", func(r map[string]string) string { return r[column] }}
		return text
	}
	const h, r = "__sum_over_1_hour_fixed_windows", "__sum_over_2_rows_row_windows"
	for _, c := range []struct {
		name     string
		features []config.Feature
		want     string
	}{
		{"none", []config.Feature{{Name: "v"}}, "id[]"},
		{"alike", []config.Feature{over("a", "v", oneHour(), "sum", "count"), {Name: "v"}, over("b", "n", oneHour(), "sum")}, "id[a+a+b]"},
		{"other frames", []config.Feature{over("a", "v", oneHour(), "sum"), over("b", "v", twoRows(), "sum"), over("c", "n", oneHour(), "sum")}, "id[a+c b]"},
		{"windows of windows", []config.Feature{over("a", "v", oneHour(), "sum"), over("b", "a"+h, oneHour(), "sum")}, "id[a b]"},
		{"through an expression", []config.Feature{over("a", "v", oneHour(), "sum"), {Name: "q", SQL: read("a" + h)}, over("b", "q", oneHour(), "sum"), over("c", "v", oneHour(), "sum")}, "id[a+c b]"},
		{"the keys by name", []config.Feature{over("a", "v", by(oneHour(), "timestamp", "id"), "sum")}, "id[a]"},
		{"the source of the timestamp", []config.Feature{over("a", "v", by(oneHour(), "ts"), "sum")}, "id[a]"},
		{"the source of the timestamp made anew", []config.Feature{{Name: "ts", From: "v"}, over("a", "v", by(oneHour(), "ts"), "sum")}, "id[a] id[]"},
		{"another partition", []config.Feature{over("a", "v", by(oneHour(), "", "p"), "sum"), over("b", "v", oneHour(), "sum")}, "p[a] id[b]"},
		{"another partition, named later", []config.Feature{over("b", "v", oneHour(), "sum"), over("a", "v", by(oneHour(), "", "p"), "sum")}, "p[a] id[b]"},
		{"expressions before and behind windows", []config.Feature{over("a", "v", oneHour(), "sum"), {Name: "q", SQL: read("v")}, {Name: "r", SQL: read("a" + h)}, over("b", "q", by(oneHour(), "", "p"), "sum")}, "p[b] id[a]"},
		{"another order", []config.Feature{over("a", "v", by(oneHour(), "n"), "sum"), over("b", "n", by(twoRows(), "n"), "sum")}, "id[a b] id[]"},
		{"another partition of what windows made", []config.Feature{over("b", "v", oneHour(), "sum"), over("a", "b"+h, by(oneHour(), "", "p"), "sum"), over("c", "v", oneHour(), "sum")}, "id[b] p[a] id[c]"},
		{"two partitions and back", []config.Feature{over("a", "v", by(oneHour(), "", "p"), "sum"), over("b", "a"+h, by(oneHour(), "", "n"), "sum"), over("c", "b"+h, by(oneHour(), "", "p"), "sum"), over("d", "v", by(oneHour(), "", "p"), "sum")}, "p[a+d] n[b] p[c] id[]"},
		{"partitions in any order of names", []config.Feature{over("a", "v", by(oneHour(), "", "p", "n"), "sum"), over("b", "v", by(oneHour(), "", "n", "p", "n"), "sum")}, "p,n[a+b] id[]"},
		{"a stack parts windows", []config.Feature{over("a", "v", oneHour(), "sum"), {Name: "s", Stack: []string{"v", "n"}}, over("b", "v", oneHour(), "sum")}, "id[a] id[b]"},
		{"a stack before windows", []config.Feature{{Name: "s", Stack: []string{"v", "n"}}, over("b", "s", oneHour(), "sum")}, "id[b]"},
		{"a column of a name made anew", []config.Feature{over("a", "v", by(oneHour(), "", "p"), "sum"), {Name: "p", From: "n"}, over("b", "v", by(oneHour(), "", "p"), "sum")}, "p[a] p[b] id[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := stagesOf(t, plainSet("", c.features...), sql, "id bigint, ts timestamp, p bigint, n bigint, v bigint")
			if got = strings.NewReplacer("fh_p", "p", "fh_n", "n", "fh_v", "v").Replace(got); got != c.want {
				t.Errorf("stages %s, want %s", got, c.want)
			}
		})
	}
}

// Rows carry what is needed further on and no more, and a stage asks for the
// order of S-301, keys among the ties where several keys share a partition.
// Rules: S-301, S-303, S-805.
func TestSet_WindowsCarry_OnlyWhatIsNeeded(t *testing.T) {
	cfg := plainSet("", over("a", "v", by(oneHour(), "d", "p"), "sum"), config.Feature{Name: "w", Type: "string"})
	cfg.OrderArrival = "seen"
	env, _, _ := hosttest.Env(t)
	made, err := New(cfg, flow.Interval{}, env)
	if err != nil {
		t.Fatal(err)
	}
	steps := append(made.Steps(), made.Fold())
	in := hosttest.Record(t, "unused bigint, id integer, ts timestamp, p double, d double, v bigint, w bigint, seen timestamp").Schema()
	want := []string{
		"id bigint, timestamp timestamp, w string, fh_seen timestamp, fh_d double, fh_p double, fh_v bigint, fh_w bigint, fh_8 double, fh_9 double",
		"id bigint, timestamp timestamp, a__sum_over_1_hour_fixed_windows bigint, w string, fh_seen timestamp, fh_d double, fh_p double, fh_v bigint, fh_w bigint",
		"id bigint, timestamp timestamp, a__sum_over_1_hour_fixed_windows bigint, w string",
	}
	for i, s := range steps {
		defer s.Close()
		if in, err = s.Open(context.Background(), in); err != nil {
			t.Fatal(err)
		}
		if got := columnsOf(in); got != want[i] {
			t.Errorf("stage %d gives\n%s, want\n%s", i, got, want[i])
		}
	}
	if got, want := steps[1].(flow.Keyed).Order(), (flow.Order{Keys: []string{"fh_8"}, Then: []string{"fh_9", "timestamp", "fh_seen"},
		Ties: []string{"fh_d", "id", "fh_p", "fh_v", "fh_w"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("order %+v, want %+v", got, want)
	}
	if got, want := steps[2].(flow.Keyed).Order(), (flow.Order{Keys: []string{"id"}, Time: "timestamp", Then: []string{"fh_seen"},
		Ties: []string{"fh_d", "fh_p", "fh_v", "fh_w"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("order %+v, want %+v", got, want)
	}
}

// The partition and the order are by value: one NaN, one zero, nulls together.
// Rules: S-305, S-805, S-806.
func TestSet_PartitionAndOrder_ByValue(t *testing.T) {
	cfg := plainSet("", over("c", "v", by(twoRows(), "", "p"), "count"), over("s", "v", by(config.FeatureWindow{Fixed: []config.TimeSpan{{N: 1, Unit: "second", Micros: 1e6}}}, "p"), "sum"))
	cfg.DeduplicateRows = false
	b := bench{cfg: cfg}
	table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, p double, v bigint",
		"1 | 2020-01-01 | 0 | 1", "1 | 2020-01-02 | -0 | 2", "1 | 2020-01-03 | NaN | 4", "1 | 2020-01-04 | NaN | 8", "1 | 2020-01-05 | null | 16", "1 | 2020-01-06 | null | 32", "1 | 2020-01-07 | 0.5 | 64")), `
		1 | 2020-01-01 | 1 | 3
		1 | 2020-01-02 | 2 | 3
		1 | 2020-01-03 | 1 | 12
		1 | 2020-01-04 | 2 | 12
		1 | 2020-01-05 | 1 | 48
		1 | 2020-01-06 | 2 | 48
		1 | 2020-01-07 | 1 | 67`)
}

// Names as written, NaN kept, results cast, functions with parameters, lists.
// Rules: S-801, S-930, S-404.
func TestSet_Windowed_NamesAndTypes(t *testing.T) {
	w := config.FeatureWindow{Fixed: []config.TimeSpan{span(1, "hour"), {N: 2, Unit: "days", Micros: 2 * flow.MicrosPerDay}}}
	f := config.Feature{Name: "v", Window: &w, Function: []config.Function{{Name: "Avg", Type: "float"}, {Name: "percentile", P: 0.95}, {Name: "collect_list", Type: "array<string>"}}}
	cfg := plainSet("", f)
	b := bench{cfg: cfg}
	table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, v double", "1 | 2020-01-01 | 1", "1 | 2020-01-01T02:00Z | NaN")), `
		1 | 2020-01-01 | 1 | 1 | 1 | 1 | ["1.0"] | ["1.0"]
		1 | 2020-01-01T02:00:00Z | NaN | NaN | NaN | NaN | ["NaN"] | ["1.0","NaN"]`)
	if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, v__Avg_over_1_hour_fixed_windows float, v__Avg_over_2_days_fixed_windows float, "+
		"v__percentile_0_95_over_1_hour_fixed_windows double, v__percentile_0_95_over_2_days_fixed_windows double, "+
		"v__collect_list_over_1_hour_fixed_windows array<string>, v__collect_list_over_2_days_fixed_windows array<string>" {
		t.Error(got)
	}
}

// Bounds, calendar months and years, and the original's.
// Rules: S-802, S-803.
func TestSet_Windowed_BoundsAndCalendar(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint", "1 | 2020-01-31 | 1", "1 | 2020-02-29 | 2", "1 | 2021-01-31 | 4", "1 | 2021-02-28 | 8", "1 | 2021-02-28 | 16", "1 | 2021-03-31 | 32")
	month, year, days := config.TimeSpan{N: 1, Unit: "month"}, config.TimeSpan{N: 1, Unit: "year"}, config.TimeSpan{N: 28, Unit: "days", Micros: 28 * flow.MicrosPerDay}
	for _, c := range []struct {
		semantics, bounds string
		span              config.TimeSpan
		want              string
	}{
		{"", "", month, "1 3 4 28 28 32"}, // 31 March reaches back to the end of February
		{"", "[]", month, "1 3 4 28 28 56"},
		{"", "[)", month, "null 1 null 4 4 24"},
		{"", "()", month, "null 1 null 4 4 null"},
		{"", "", year, "1 3 6 30 30 60"},
		{"", "[]", year, "1 3 7 30 30 60"},
		{"", "[]", days, "1 2 4 28 28 32"},
		{"", "(]", days, "1 2 4 24 24 32"},
		{"", "(]", config.TimeSpan{N: 29, Unit: "days", Micros: 29 * flow.MicrosPerDay}, "1 2 4 28 28 32"},
		{"", "[]", config.TimeSpan{N: 29, Unit: "days", Micros: 29 * flow.MicrosPerDay}, "1 3 4 28 28 32"},
		{"butterfree", "", days, "1 2 4 28 28 32"},
		{"butterfree", "", year, "1 3 4 28 28 60"},
	} {
		w := config.FeatureWindow{Fixed: []config.TimeSpan{c.span}, Bounds: c.bounds}
		cfg := plainSet(c.semantics, over("s", "v", w, "sum"))
		cfg.DeduplicateRows = false
		b := bench{cfg: cfg}
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(b.run(t, rows)), "\n") {
			got = append(got, line[strings.LastIndex(line, " ")+1:])
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s %s %d %s: got %s, want %s", c.semantics, c.bounds, c.span.N, c.span.Unit, g, c.want)
		}
	}
}

// Sums that do not fit: an error, or null.
// Rules: S-801, S-941.
func TestSet_Windowed_Overflow(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint", "1 | 2020-01-01 | 9223372036854775807", "1 | 2020-01-01T00:10Z | 1")
	b := bench{cfg: plainSet("", over("s", "v", oneHour(), "sum"))}
	if _, err := b.try(t, rows, false); !fault.Is(err, window.Overflow) || !strings.Contains(err.Error(), "s__sum_over_1_hour_fixed_windows") {
		t.Errorf("got %v", err)
	}
	b.cfg.Features[0].OnOverflow = "null"
	table(t, b.run(t, rows), "1 | 2020-01-01 | 9223372036854775807\n 1 | 2020-01-01T00:10:00Z | null")
}

// Rules: S-102, S-411, S-603, S-802, S-803, S-805.
func TestSet_Windowed_Refused(t *testing.T) {
	const columns = "id bigint, ts timestamp, v bigint, s string, l array<bigint>, m decimal(5,2)"
	feature := func(f config.Feature) []config.Feature { return []config.Feature{f} }
	with := func(change func(*config.FeatureWindow)) []config.Feature {
		w := oneHour()
		change(&w)
		return feature(over("a", "v", w, "sum"))
	}
	typed := func(typ string) []config.Feature {
		f := over("a", "v", oneHour(), "sum")
		f.Function[0].Type = typ
		return feature(f)
	}
	const at = "feature_set.feature[0]"
	for _, c := range []struct {
		name        string
		features    []config.Feature
		semantics   string
		code        fault.Code
		place, hint string
	}{
		{"source", feature(over("a", "vv", oneHour(), "sum")), "", UnknownColumn, at + ".from", `did you mean "v"?`},
		{"source by name", feature(over("vv", "", oneHour(), "sum")), "", UnknownColumn, at + ".name", `did you mean "v"?`},
		{"partition", with(func(w *config.FeatureWindow) { w.PartitionBy = []string{"id", "ss"} }), "", UnknownColumn, at + ".window.partition_by[1]", `"s"`},
		{"no partition", with(func(w *config.FeatureWindow) { w.PartitionBy = []string{} }), "", BadEvents, at + ".window.partition_by", "the keys part"},
		{"list partition", with(func(w *config.FeatureWindow) { w.PartitionBy = []string{"l"} }), "", BadEvents, at + ".window.partition_by[0]", "array<bigint>"},
		{"order", with(func(w *config.FeatureWindow) { w.OrderBy = "tss" }), "", UnknownColumn, at + ".window.order_by", `"ts"`},
		{"text order", with(func(w *config.FeatureWindow) { w.OrderBy = "s" }), "", BadEvents, at + ".window.order_by", "string"},
		{"decimal order", with(func(w *config.FeatureWindow) { w.OrderBy = "m" }), "", BadEvents, at + ".window.order_by", "a double"},
		{"bounds", with(func(w *config.FeatureWindow) { w.Bounds = "][" }), "", BadEvents, at + ".window.bounds", `"(]"`},
		{"months of a number", with(func(w *config.FeatureWindow) {
			w.OrderBy, w.Fixed = "v", []config.TimeSpan{span(1, "hour"), {Text: "1 month", N: 1, Unit: "month"}}
		}), "", BadEvents, at + ".window.fixed[1]", "in days"},
		{"months of the original", with(func(w *config.FeatureWindow) { w.Fixed[0] = config.TimeSpan{Text: "1 month", N: 1, Unit: "month"} }), "butterfree", BadEvents, at + ".window.fixed[0]", "months"},
		{"no length", with(func(w *config.FeatureWindow) { w.Fixed[0] = config.TimeSpan{Text: "0 days"} }), "", BadEvents, at + ".window.fixed[0]", "7 days"},
		{"no rows", with(func(w *config.FeatureWindow) { w.Fixed, w.Rows = nil, []config.RowSpan{{N: 0}} }), "", BadEvents, at + ".window.rows[0]", "1 or more"},
		{"no window", with(func(w *config.FeatureWindow) { w.Fixed = nil }), "", BadFeature, at + ".window", "7 days"},
		{"both windows", with(func(w *config.FeatureWindow) { w.Rows = twoRows().Rows }), "", BadFeature, at + ".window.rows", "two features"},
		{"no function", feature(config.Feature{Name: "v", Window: &config.FeatureWindow{}}), "", BadFeature, at + ".window", `function = "sum"`},
		{"function", feature(over("a", "v", oneHour(), "count", "sun")), "", BadFeature, at + ".function[1]", `did you mean "sum"?`},
		{"function of one value", feature(over("a", "v", oneHour(), "cos")), "", BadFunction, at + ".function[0]", "remove window"},
		{"function of a type", feature(over("a", "s", oneHour(), "sum")), "", window.BadAggregate, at + ".function[0]", "numbers"},
		{"type of a window", typed("binary"), "", BadCast, at + ".function[0].type", "bigint cannot become binary"},
		{"unknown type", typed("dubble"), "", BadType, at + ".function[0].type", "double"},
		{"percentile", feature(config.Feature{Name: "v", Function: []config.Function{{Name: "percentile", P: 2}}, Window: &config.FeatureWindow{Rows: twoRows().Rows}}), "", window.BadParameter, at + ".function[0]", "0.95"},
		{"the same twice", feature(over("a", "v", oneHour(), "sum", "sum")), "", NameTaken, at + ".name", "a__sum_over_1_hour_fixed_windows"},
		{"type of a function", feature(config.Feature{Name: "v", Type: "double", Function: functions("abs")}), "", BadFeature, at + ".type", `{ function = "abs", type = "double" }`},
		{"two kinds", feature(config.Feature{Name: "v", SQL: "1", Function: functions("abs")}), "", BadFeature, at + ".function", "two features"},
		{"from of a plugin", feature(config.Feature{Name: "v", From: "v", Use: "x"}), "", BadFeature, at + ".from", "remove"},
		{"from of a stack", feature(config.Feature{Name: "v", From: "v", Stack: []string{"v"}}), "", BadFeature, at + ".from", "remove"},
		{"no pattern", feature(config.Feature{Name: "v", Stack: []string{}}), "", BadFeature, at + ".stack", "id_*"},
		{"where", feature(config.Feature{Name: "v", Where: "v > 1"}), "", BadFeature, at + ".where", "aggregates"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, _, err := opened(t, plainSet(c.semantics, c.features...), nil, columns)
			refused(t, err, c.code, c.place, c.hint)
		})
	}
}

// Windows opened on rows of another set, or before Select, are refused.
func TestEvents_BeforeSelect_Refused(t *testing.T) {
	env, _, _ := hosttest.Env(t)
	set, err := New(plainSet("", over("a", "v", by(oneHour(), "", "v"), "sum")), flow.Interval{}, env)
	if err != nil {
		t.Fatal(err)
	}
	s := set.Steps()[1]
	if _, err := s.Open(context.Background(), hosttest.Record(t, "a bigint").Schema()); !fault.Is(err, NotSelected) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
