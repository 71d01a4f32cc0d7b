package featureset

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// opened gives Select and Fold of a set opened on the columns.
func opened(t testing.TB, cfg config.FeatureSet, sql flow.SQL, columns string) (*Select, flow.Keyed, *hosttest.Rejected, *hosttest.Counts, error) {
	t.Helper()
	env, rejected, counts := hosttest.Env(t)
	env.SQL = sql
	set, err := New(cfg, flow.Interval{}, env)
	if err != nil {
		return nil, nil, rejected, counts, err
	}
	sel, fold := set.Steps()[0].(*Select), set.Fold()
	t.Cleanup(func() { sel.Close(); fold.Close() })
	out, err := sel.Open(context.Background(), hosttest.Record(t, columns).Schema())
	if err == nil {
		_, err = fold.Open(context.Background(), out)
	}
	return sel, fold, rejected, counts, err
}

// Rows carry what orders them: the source columns the set names, by name, each
// once, and only where no other column tells as much.
// Rules: S-301, S-302, S-303.
func TestSelect_TieColumns_OnlyWhatIsNeeded(t *testing.T) {
	plain := func(change func(*config.FeatureSet)) config.FeatureSet {
		cfg := plainSet("", config.Feature{Name: "v", Type: "bigint"})
		change(&cfg)
		return cfg
	}
	for _, c := range []struct {
		name, columns string
		cfg           config.FeatureSet
		out           string
		order         flow.Order
	}{
		{"everything as it comes", "id bigint, ts timestamp, v bigint", plain(func(*config.FeatureSet) {}),
			"id bigint, timestamp timestamp, v bigint", flow.Order{Ties: []string{"v"}}},
		{"widened in the same order", "id bigint, ts timestamp, v integer", plain(func(*config.FeatureSet) {}),
			"id bigint, timestamp timestamp, v bigint", flow.Order{Ties: []string{"v"}}},
		{"a cast that loses", "id bigint, ts timestamp, v double", plain(func(*config.FeatureSet) {}),
			"id bigint, timestamp timestamp, v bigint, fh_v double", flow.Order{Ties: []string{"fh_v"}}},
		{"a cast in the same width", "id bigint, ts timestamp, v integer",
			plain(func(c *config.FeatureSet) { c.Features[0].Type = "float" }),
			"id bigint, timestamp timestamp, v float, fh_v integer", flow.Order{Ties: []string{"fh_v"}}},
		{"a key and a timestamp read from texts", "id string, ts string, v bigint", plain(func(*config.FeatureSet) {}),
			"id bigint, timestamp timestamp, v bigint, fh_id string, fh_ts string", flow.Order{Ties: []string{"fh_id", "fh_ts", "v"}}},
		{"milliseconds are as good as the timestamp", "id bigint, ts bigint, v bigint",
			plain(func(c *config.FeatureSet) { c.Timestamp.Unit = "ms" }),
			"id bigint, timestamp timestamp, v bigint", flow.Order{Ties: []string{"v"}}},
		{"milliseconds that may be no instant are kept", "id bigint, ts bigint, v bigint",
			plain(func(c *config.FeatureSet) { c.Timestamp.Unit = "ms"; c.Semantics = "butterfree" }),
			"id bigint, timestamp timestamp, v bigint, fh_ts bigint", flow.Order{Ties: []string{"fh_ts", "v"}}},
		{"order columns", "id bigint, ts timestamp, v bigint, seen timestamp, n integer",
			plain(func(c *config.FeatureSet) { c.OrderArrival, c.OrderSequence = "seen", "n" }),
			"id bigint, timestamp timestamp, v bigint, fh_seen timestamp, fh_n integer",
			flow.Order{Then: []string{"fh_seen", "fh_n"}, Ties: []string{"v"}}},
		{"an order column that is a feature", "id bigint, ts timestamp, v bigint",
			plain(func(c *config.FeatureSet) { c.OrderSequence = "v" }),
			"id bigint, timestamp timestamp, v bigint", flow.Order{Then: []string{"v"}}},
		{"one source, two features", "id bigint, ts timestamp, v bigint",
			plain(func(c *config.FeatureSet) {
				c.Features = append(c.Features, config.Feature{Name: "w", From: "v", Type: "string"})
			}),
			"id bigint, timestamp timestamp, v bigint, w string", flow.Order{Ties: []string{"v"}}},
		{"names are tried until one is free", "id bigint, ts timestamp, v double",
			plain(func(c *config.FeatureSet) {
				c.Features = append(c.Features, config.Feature{Name: "fh_v", From: "id"})
			}),
			"id bigint, timestamp timestamp, v bigint, fh_v bigint, fh_v_ double", flow.Order{Ties: []string{"fh_v_"}}},
		{"inputs of aggregates once, by name", "id bigint, ts timestamp, b double, a double",
			plain(func(c *config.FeatureSet) {
				c.Features = []config.Feature{
					{Name: "b", Aggregate: functions("sum")}, {Name: "x", From: "a", Aggregate: functions("sum")},
					{Name: "y", From: "b", Aggregate: functions("count")}, {Name: "z", From: "id", Aggregate: functions("count")},
				}
			}),
			"id bigint, timestamp timestamp, a double, b double", flow.Order{Ties: []string{"a", "b"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sel, fold, _, _, err := opened(t, c.cfg, nil, c.columns)
			if err != nil {
				t.Fatal(err)
			}
			if got := columnsOf(sel.out); got != c.out {
				t.Errorf("columns\n%s, want\n%s", got, c.out)
			}
			c.order.Keys, c.order.Time = []string{"id"}, "timestamp"
			if got := fold.Order(); !reflect.DeepEqual(got, c.order) {
				t.Errorf("order %+v, want %+v", got, c.order)
			}
		})
	}
}

func TestSelect_Reads_OnlyWhatIsUsed(t *testing.T) {
	sql := &fakeSQL{known: map[string]fakeExpr{"x": {[]string{"x"}, "bigint", func(r map[string]string) string { return r["x"] }}}}
	cfg := plainSet("", config.Feature{Name: "v", Type: "bigint", From: "w"}, config.Feature{Name: "q", SQL: "x"})
	cfg.OrderArrival = "seen"
	sel, _, _, _, err := opened(t, cfg, sql, "unused bigint, id bigint, ts timestamp, w bigint, x bigint, y bigint, seen timestamp")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sel.Reads(), " "); got != "id seen ts w x" {
		t.Errorf("reads %s", got)
	}
}

// Features that do not depend on each other are computed together, and each
// sees those before it.
// Rule: S-603.
func TestSelect_SQL_Grouped(t *testing.T) {
	id := func(name string) func(map[string]string) string {
		return func(r map[string]string) string { return r[name] }
	}
	sql := &fakeSQL{known: map[string]fakeExpr{
		"v":    {[]string{"v"}, "bigint", id("v")},
		"w":    {[]string{"w"}, "bigint", id("w")},
		"one":  {[]string{"one"}, "bigint", id("one")},
		"W":    {[]string{"W"}, "bigint", id("W")},
		"7":    {nil, "bigint", func(map[string]string) string { return "7" }},
		"id*2": {[]string{"id"}, "bigint", id("id")},
	}}
	cfg := plainSet("",
		config.Feature{Name: "one", SQL: "v"}, config.Feature{Name: "two", SQL: "w"},
		config.Feature{Name: "three", SQL: "one"},
		config.Feature{Name: "plain", From: "three", Type: "string"},
		config.Feature{Name: "four", SQL: "w"}, config.Feature{Name: "five", SQL: "W"},
		config.Feature{Name: "six", SQL: "7"})
	b := bench{cfg: cfg, sql: sql}
	table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, v bigint, w bigint, W bigint", "1 | 2020-01-01 | 3 | 4 | 5")),
		"1 | 2020-01-01 | 3 | 4 | 3 | 3 | 4 | 5 | 7")
	if got := strings.Join(sql.evals, " "); got != "one+two three four five+six" {
		t.Errorf("evaluated %s", got)
	}
	if sql.open != 0 {
		t.Errorf("%d evaluators left open", sql.open)
	}
}

// A new column hides a source column of its name from the features after it.
// Rule: S-603.
func TestSelect_NewColumnReplacesSameName(t *testing.T) {
	cfg := plainSet("",
		config.Feature{Name: "v", Type: "string", From: "w"},
		config.Feature{Name: "u", From: "v"},
		config.Feature{Name: "k", From: "id"})
	cfg.Keys[0].From = "uid"
	b := bench{cfg: cfg}
	table(t, b.run(t, hosttest.Record(t, "uid string, id bigint, ts timestamp, v bigint, w bigint", "7 | 9 | 2020-01-01 | 1 | 2")),
		"7 | 2020-01-01 | 2 | 2 | 7")
	if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, v string, u string, k bigint" {
		t.Error(got)
	}
}

// Rule: S-604.
func TestSelect_Timestamp_EveryForm(t *testing.T) {
	for _, c := range []struct {
		column, value string
		spec          config.Timestamp
		want          string
	}{
		{"timestamp", "2020-01-01T01:02:03.000004Z", config.Timestamp{}, "2020-01-01T01:02:03.000004Z"},
		{"timestamp_ntz", "2020-01-01", config.Timestamp{}, "2020-01-01"},
		{"date", "2020-01-01", config.Timestamp{}, "2020-01-01"},
		{"integer", "-1", config.Timestamp{Unit: "s"}, "1969-12-31T23:59:59Z"},
		{"bigint", "1577836800123", config.Timestamp{Unit: "ms"}, "2020-01-01T00:00:00.123Z"},
		{"bigint", "1577836800123456", config.Timestamp{Unit: "us"}, "2020-01-01T00:00:00.123456Z"},
		{"double", "1577836800123", config.Timestamp{Unit: "ms"}, "2020-01-01T00:00:00.123Z"},
		{"decimal(20,3)", "1577836800.123", config.Timestamp{Unit: "s"}, "2020-01-01T00:00:00.123Z"},
		{"string", "31/12/2020 10h", config.Timestamp{Mask: "%d/%m/%Y %Hh"}, "2020-12-31T10:00:00Z"},
		{"string", "2020-12-31 10:00", config.Timestamp{}, "2020-12-31T10:00:00Z"},
	} {
		cfg := plainSet("")
		c.spec.From = "ts"
		cfg.Timestamp = c.spec
		b := bench{cfg: cfg}
		table(t, b.run(t, hosttest.Record(t, "id bigint, ts "+c.column, "1 | "+c.value)), "1 | "+c.want)
	}
	cfg := plainSet("")
	cfg.Timestamp = config.Timestamp{}
	b := bench{cfg: cfg}
	table(t, b.run(t, hosttest.Record(t, "id bigint, timestamp timestamp", "1 | 2020-01-01")), "1 | 2020-01-01")
}

// A text that does not match the mask: dead letter with a message, or null in
// the original's profile; either way counted.
// Rules: S-604, S-606.
func TestSelect_MaskFails(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts string, v bigint", "1 | 2020-01-01 | 1", "1 | soon | 2", "null | 2020-01-03 | 3", "2 | null | 4", "null | null | 5")
	cfg := plainSet("", config.Feature{Name: "v", Type: "bigint"})
	cfg.Timestamp.Mask = "%Y-%m-%d"
	for _, size := range sizes {
		b := bench{cfg: cfg, batch: size}
		table(t, b.run(t, rows), "1 | 2020-01-01 | 1")
		want := map[string]bool{"null_key: null | 2020-01-03 | 3\n": true, "null_key: null | null | 5\n": true, "null_timestamp: 2 | null | 4\n": true, "null_timestamp: 1 | soon | 2\n": true}
		for _, r := range b.rejected.Rows {
			if !want[r] {
				t.Errorf("rejected %q", r)
			}
			delete(want, r)
		}
		if len(want) > 0 || b.counts.N["cast_failures{timestamp}"] != 1 {
			t.Errorf("not rejected: %v; counts %v", want, b.counts.N)
		}
	}
	cfg.Semantics = "butterfree"
	b := bench{cfg: cfg}
	table(t, b.run(t, rows), "null | null | 5\n null | 2020-01-03 | 3\n 1 | null | 2\n 1 | 2020-01-01 | 1\n 2 | null | 4")
	if b.counts.N["cast_failures{timestamp}"] != 1 || len(b.rejected.Rows) > 0 {
		t.Errorf("counts %v, rejected %v", b.counts.N, b.rejected.Rows)
	}
}

type letters struct{ seen []flow.Rejection }

func (l *letters) Reject(_ context.Context, r flow.Rejection) error {
	l.seen = append(l.seen, r)
	return nil
}

// Rule: S-107.
func TestSelect_Rejections_SayWhy(t *testing.T) {
	env, _, _ := hosttest.Env(t)
	l := &letters{}
	env.Rejects = l
	cfg := plainSet("")
	cfg.Timestamp.Mask = "%Y-%m-%d"
	set, err := New(cfg, flow.Interval{}, env)
	if err != nil {
		t.Fatal(err)
	}
	s := set.Steps()[0].(*Select)
	in := hosttest.Batch(t, "id bigint, ts string", "null | 2020-01-01", "1 | soon", "2 | null", "3 | 2020-01-01")
	if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	var out hosttest.Recorder
	if err := s.Process(context.Background(), in, out.Emit); err != nil {
		t.Fatal(err)
	}
	want := []string{"null_key: a key is null", `null_timestamp: column "ts" is null`, `null_timestamp: a text in column "ts" does not match the mask "%Y-%m-%d"`}
	for i, r := range l.seen {
		if got := r.Reason + ": " + r.Message; got != want[i] || len(r.Rows) != 1 || r.Rows[0] != []int{0, 2, 1}[i] || r.Stage != "feature_set" {
			t.Errorf("rejection %d is %s, rows %v, by %s", i, got, r.Rows, r.Stage)
		}
	}
	if len(l.seen) != 3 || out.Batches[0].Position != (flow.Position{}) {
		t.Errorf("%d rejections; position %v of rows that are no run", len(l.seen), out.Batches[0].Position)
	}
}

// Rolling windows have no place for rows without a timestamp: counted.
// Rule: S-606.
func TestSelect_Compat_WindowsDropNullTimestamps(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "v", Aggregate: functions("count")})
	cfg.Windows = rolling(span(1, "hour"), span(1, "hour"))
	b := bench{cfg: cfg}
	table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, v bigint", "1 | 2020-01-01 | 1", "1 | null | 1")), "1 | 2020-01-01T01:00:00Z | 1")
	if b.counts.N["dropped_null_timestamp{ts}"] != 1 || len(b.rejected.Rows) != 0 {
		t.Errorf("counts %v, rejected %v", b.counts.N, b.rejected.Rows)
	}
}

// Small and large source types enter as the types users can name.
// Rule: S-402.
func TestSelect_WidensSources(t *testing.T) {
	in := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Uint32},
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_ns},
		{Name: "v", Type: arrow.BinaryTypes.LargeString},
	}, nil)
	r, _, err := array.RecordFromJSON(memory.DefaultAllocator, in, strings.NewReader(
		`[{"id": 5, "ts": "2020-01-01T00:00:00.000000999Z", "v": "x"}, {"id": null, "ts": "2020-01-01T00:00:00Z", "v": "x"}]`))
	if err != nil {
		t.Fatal(err)
	}
	b := bench{cfg: plainSet("", config.Feature{Name: "v"})}
	table(t, b.run(t, r), "5 | 2020-01-01 | x")
	if got := columnsOf(b.selected); got != "id bigint, timestamp timestamp, v string" {
		t.Error(got)
	}
}

// Float keys: refused, or one NaN and one zero.
// Rule: S-601.
func TestSelect_FloatKeys(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v"})
	cfg.Keys[0].Type = "double"
	_, _, _, _, err := opened(t, cfg, nil, "id double, ts timestamp, v bigint")
	refused(t, err, BadKey, "feature_set.keys[0].type", "decimal(p,s)")
	for _, typ := range []string{"double", "float"} {
		cfg.Semantics, cfg.Keys[0].Type = "butterfree", typ
		b := bench{cfg: cfg}
		sel, _, _, _, err := opened(t, cfg, nil, "id "+typ+", ts timestamp, v bigint")
		if err != nil {
			t.Fatal(err)
		}
		var out hosttest.Recorder
		in := hosttest.Batch(t, "id "+typ+", ts timestamp, v bigint", "-0.0 | 2020-01-01 | 1", "0 | 2020-01-01 | 1", "null | 2020-01-01 | 1", "-1.5 | 2020-01-01 | 1")
		if err := sel.Process(context.Background(), in, out.Emit); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for i := range 4 {
			ids = append(ids, hosttest.Value(out.Batches[0].Record.Column(0), i))
		}
		if got := strings.Join(ids, " "); got != "0 0 null -1.5" {
			t.Errorf("%s keys %s", typ, got)
		}
		_ = b
	}
}

func TestSelect_Fork_SameRows(t *testing.T) {
	sql := &fakeSQL{known: map[string]fakeExpr{"v": {[]string{"v"}, "bigint", func(r map[string]string) string { return r["v"] }}}}
	sel, _, _, _, err := opened(t, plainSet("", config.Feature{Name: "q", SQL: "v"}), sql, "id bigint, ts timestamp, v bigint")
	if err != nil {
		t.Fatal(err)
	}
	fork, err := sel.Fork(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	in := hosttest.Batch(t, "id bigint, ts timestamp, v bigint", "1 | 2020-01-01 | 5")
	for _, s := range []flow.Stage{sel, fork} {
		var out hosttest.Recorder
		if err := s.Process(context.Background(), in, out.Emit); err != nil {
			t.Fatal(err)
		}
		table(t, out.Text(), "1 | 2020-01-01 | 5 | 5")
		if out.Batches[0].Position.Object != "test" {
			t.Error("the position was lost")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal("closed twice:", err)
		}
	}
	if sql.open != 0 {
		t.Errorf("%d evaluators left open", sql.open)
	}
}

// Rules: S-102, S-411, S-601, S-604, S-908.
func TestSet_Refuses(t *testing.T) {
	const columns = "id bigint, ts timestamp, value double, b binary, s string, n bigint, l array<bigint>"
	change := func(f func(*config.FeatureSet)) config.FeatureSet {
		cfg := plainSet("", config.Feature{Name: "value", Type: "double"})
		f(&cfg)
		return cfg
	}
	feature := func(fs ...config.Feature) config.FeatureSet {
		return change(func(c *config.FeatureSet) { c.Features = fs })
	}
	windows := func(w *config.Windows) config.FeatureSet {
		return change(func(c *config.FeatureSet) {
			c.Features = []config.Feature{{Name: "value", Aggregate: functions("sum")}}
			c.Windows = w
		})
	}
	for _, c := range []struct {
		name        string
		cfg         config.FeatureSet
		code        fault.Code
		place, hint string
	}{
		{"semantics", change(func(c *config.FeatureSet) { c.Semantics = "spark" }), UnknownProfile, "feature_set.semantics", "butterfree"},
		{"no key", change(func(c *config.FeatureSet) { c.Keys = nil }), BadKey, "feature_set.keys", "keys = ["},
		{"from", feature(config.Feature{Name: "a", From: "value"}, config.Feature{Name: "x", From: "valeu"}), UnknownColumn, "feature_set.feature[1].from", `did you mean "value"?`},
		{"name", feature(config.Feature{Name: "zzzzzz"}), UnknownColumn, "feature_set.feature[0].name", "the columns are id, timestamp, ts, value"},
		{"input", feature(config.Feature{Name: "x", From: "valeu", Aggregate: functions("sum")}), UnknownColumn, "feature_set.feature[0].from", `"value"`},
		{"key", change(func(c *config.FeatureSet) { c.Keys[0].From = "idd" }), UnknownColumn, "feature_set.keys[0].from", `"id"`},
		{"key name", change(func(c *config.FeatureSet) { c.Keys[0].Name = "idd" }), UnknownColumn, "feature_set.keys[0].name", `"id"`},
		{"timestamp", change(func(c *config.FeatureSet) { c.Timestamp.From = "tss" }), UnknownColumn, "feature_set.timestamp.from", `"ts"`},
		{"no timestamp", change(func(c *config.FeatureSet) { c.Timestamp.From = "" }), UnknownColumn, "feature_set.timestamp.from", `write timestamp = { from = "..." } with one of id, ts`},
		{"arrival", change(func(c *config.FeatureSet) { c.OrderArrival = "nn" }), UnknownColumn, "feature_set.order.arrival", `"n"`},
		{"sequence", change(func(c *config.FeatureSet) { c.OrderSequence = "nn" }), UnknownColumn, "feature_set.order.sequence", `"n"`},
		{"type", feature(config.Feature{Name: "value", Type: "dubble"}), BadType, "feature_set.feature[0].type", "double"},
		{"key type", change(func(c *config.FeatureSet) { c.Keys[0].Type = "number" }), BadType, "feature_set.keys[0].type", "bigint"},
		{"cast", feature(config.Feature{Name: "b", Type: "bigint"}), BadCast, "feature_set.feature[0].type", "binary cannot become bigint"},
		{"key cast", change(func(c *config.FeatureSet) { c.Keys[0].From = "b" }), BadCast, "feature_set.keys[0].type", "binary"},
		{"list key", change(func(c *config.FeatureSet) { c.Keys[0] = config.Key{Name: "l"} }), BadKey, "feature_set.keys[0].type", "array<bigint>"},
		{"aggregate cast", feature(config.Feature{Name: "value", Aggregate: []config.Function{{Name: "sum"}, {Name: "avg", Type: "binary"}}}), BadCast, "feature_set.feature[0].aggregate[1].type", "double cannot become binary"},
		{"aggregate type", feature(config.Feature{Name: "value", Aggregate: []config.Function{{Name: "avg", Type: "dubble"}}}), BadType, "feature_set.feature[0].aggregate[0].type", "double"},
		{"function", feature(config.Feature{Name: "value", Aggregate: functions("sun")}), BadFeature, "feature_set.feature[0].aggregate[0]", `did you mean "sum"?`},
		{"no such function", feature(config.Feature{Name: "value", Aggregate: functions("wobble")}), BadFeature, "feature_set.feature[0].aggregate[0]", "count, sum"},
		{"mixed", feature(config.Feature{Name: "a", From: "value"}, config.Feature{Name: "value", Aggregate: functions("sum")}), BadFeature, "feature_set.feature[1]", "mixes"},
		{"sql and aggregate", feature(config.Feature{Name: "a", SQL: "1", Aggregate: functions("sum")}), BadFeature, "feature_set.feature[0].sql", "query"},
		{"type and aggregate", feature(config.Feature{Name: "a", Type: "double", Aggregate: functions("sum")}), BadFeature, "feature_set.feature[0].type", "avg"},
		{"sql and from", feature(config.Feature{Name: "a", SQL: "1", From: "value"}), BadFeature, "feature_set.feature[0].from", "expression"},
		{"same name", feature(config.Feature{Name: "id"}), NameTaken, "feature_set.feature[0].name", `key "id"`},
		{"timestamp as a feature", feature(config.Feature{Name: "timestamp", From: "ts"}), NameTaken, "feature_set.feature[0].name", "the timestamp"},
		{"partition name", feature(config.Feature{Name: "year", From: "n"}), NameTaken, "feature_set.feature[0].name", "Hive"},
		{"same aggregate", feature(config.Feature{Name: "value", Aggregate: functions("sum", "SUM")}), NameTaken, "feature_set.feature[0].name", "value__sum"},
		{"windows of plain features", change(func(c *config.FeatureSet) { c.Windows = rolling(span(1, "day"), span(1, "day")) }), BadWindow, "feature_set.windows", "aggregate"},
		{"no window", windows(rolling(span(1, "day"))), BadWindow, "feature_set.windows.rolling", "no rolling"},
		{"window twice", windows(rolling(span(1, "day"), span(2, "days"), span(2, "days"))), BadWindow, "feature_set.windows.rolling[1]", "twice"},
		{"long slide", windows(rolling(span(2, "days"), span(1, "day"))), BadWindow, "feature_set.windows.slide", "longer"},
		{"number without unit", change(func(c *config.FeatureSet) { c.Timestamp.From = "n" }), BadTimestamp, "feature_set.timestamp.from", `unit = "s"`},
		{"unit of a timestamp", change(func(c *config.FeatureSet) { c.Timestamp.Unit = "s" }), BadTimestamp, "feature_set.timestamp.unit", "remove"},
		{"mask of a timestamp", change(func(c *config.FeatureSet) { c.Timestamp.Mask = "%Y" }), BadTimestamp, "feature_set.timestamp.mask", "remove"},
		{"unit of a text", change(func(c *config.FeatureSet) { c.Timestamp = config.Timestamp{From: "s", Unit: "s"} }), BadTimestamp, "feature_set.timestamp.unit", "mask"},
		{"mask of a number", change(func(c *config.FeatureSet) { c.Timestamp = config.Timestamp{From: "n", Unit: "s", Mask: "%Y"} }), BadTimestamp, "feature_set.timestamp.mask", "remove"},
		{"bad mask", change(func(c *config.FeatureSet) { c.Timestamp = config.Timestamp{From: "s", Mask: "%Q"} }), BadTimestamp, "feature_set.timestamp.mask", "mask"},
		{"binary timestamp", change(func(c *config.FeatureSet) { c.Timestamp.From = "b" }), BadTimestamp, "feature_set.timestamp.from", "binary"},
		{"no engine", feature(config.Feature{Name: "a", SQL: "1"}), BadFeature, "feature_set.feature[0].sql", "engine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, _, err := opened(t, c.cfg, nil, columns)
			refused(t, err, c.code, c.place, c.hint)
		})
	}
}

// What the SQL engine refuses is about the feature's expression, and what was
// compiled before is closed.
func TestSelect_SQLRefused_PlaceOfTheFeature(t *testing.T) {
	sql := &fakeSQL{known: map[string]fakeExpr{"v": {[]string{"v"}, "bigint", func(r map[string]string) string { return r["v"] }}}}
	cfg := plainSet("", config.Feature{Name: "a", SQL: "v"}, config.Feature{Name: "p", From: "v"}, config.Feature{Name: "q", SQL: "now()"})
	_, _, _, _, err := opened(t, cfg, sql, "id bigint, ts timestamp, v bigint")
	if e := fault.As(err); e == nil || e.Place != "feature_set.feature[2].sql" {
		t.Errorf("got %v", err)
	}
	if sql.open != 0 {
		t.Errorf("%d evaluators left open", sql.open)
	}
}

// Rule: S-402.
func TestSelect_StructColumn_Refused(t *testing.T) {
	env, _, _ := hosttest.Env(t)
	set, err := New(plainSet("", config.Feature{Name: "v"}), flow.Interval{}, env)
	if err != nil {
		t.Fatal(err)
	}
	_, err = set.Steps()[0].(*Select).Open(context.Background(), arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "v", Type: arrow.StructOf()}, {Name: "unused", Type: arrow.StructOf()}}, nil))
	refused(t, err, BadInput, "feature_set.feature[0].name", "struct")
}

func TestFold_BeforeSelect_Refused(t *testing.T) {
	env, _, _ := hosttest.Env(t)
	set, err := New(plainSet(""), flow.Interval{}, env)
	if err != nil {
		t.Fatal(err)
	}
	s := hosttest.Record(t, "a bigint").Schema()
	if _, err := set.Fold().Open(context.Background(), s); !fault.Is(err, NotSelected) {
		t.Errorf("fold: %v", err)
	}
	if _, err := set.Latest().Open(context.Background(), s); !fault.Is(err, NotSelected) {
		t.Errorf("latest: %v", err)
	}
}

// Every code has a text, and every text a code.
func TestCodes_Explained(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range Codes() {
		if seen[d.Code] || d.Title == "" || d.Explain == "" {
			t.Errorf("%s is explained badly", d.Code)
		}
		seen[d.Code] = true
	}
	for _, c := range []fault.Code{BadCast, UnknownColumn, BadType, NameTaken, BadKey, BadTimestamp, BadFeature, BadWindow, UnknownProfile, BadInput, NotSelected, LostRows, BadFunction, BadPlugin, BadStack, BadH3, BadEvents, PluginRows, Overflow} {
		if !seen[c] {
			t.Errorf("%s is not explained", c)
		}
	}
}
