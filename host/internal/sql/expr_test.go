//go:build duckdb_arrow

package sql_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/sql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open gives an engine that is closed after the test.
func open(t testing.TB, o sql.Options) *sql.Engine {
	t.Helper()
	if o.Scratch == "" {
		o.Scratch = t.TempDir()
	}
	e, err := sql.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// compile binds expressions named c0, c1, ... and closes them after the test.
func compile(t testing.TB, e *sql.Engine, in *arrow.Schema, compat bool, exprs ...string) (flow.Evaluator, error) {
	t.Helper()
	list := make([]flow.Expr, len(exprs))
	for i, x := range exprs {
		list[i] = flow.Expr{Name: fmt.Sprintf("c%d", i), SQL: x, Compat: compat}
	}
	ev, err := e.Expressions(context.Background(), in, list)
	if err == nil {
		t.Cleanup(func() { ev.Close() })
	}
	return ev, err
}

func eval(t testing.TB, ev flow.Evaluator, r arrow.RecordBatch) string {
	t.Helper()
	out, err := ev.Eval(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	return hosttest.Text(out)
}

func typesOf(s *arrow.Schema) string {
	var out []string
	for _, f := range s.Fields() {
		out = append(out, schema.TypeName(f.Type))
	}
	return strings.Join(out, ", ")
}

// wantCode fails unless err has the code and its text holds all parts.
func wantCode(t testing.TB, what string, err error, code fault.Code, parts ...string) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("%s: got %v, want code %s", what, err, code)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %q does not hold %q", what, err, p)
		}
	}
}

const wide = "id bigint, a bigint, b bigint, x double, y double, d decimal(10,2), e decimal(10,2), i integer, s string, ok boolean, ts timestamp, loc timestamp_ntz, day date, tags array<string>"

func wideRows(t testing.TB) arrow.RecordBatch {
	return hosttest.Record(t, wide,
		`1 | 10 | 4 | 1.5 | 0 | 1.25 | 0.00 | 7 | x    | true  | 2020-01-01T10:11:12.5Z | 2020-01-01 | 2020-01-01 | ["p","q"]`,
		`2 | -7 | 0 | -0  | 2 | 9.99 | 2.50 | 0 | null | false | 2021-12-31T23:59:59Z   | 2021-05-05 | 2021-05-05 | []`,
		`3 | null | 2 | NaN | null | null | 1.00 | -3 | Ünï | null | null | null | null | null`,
	)
}

// Rule: S-702.
func TestExpressions_Values(t *testing.T) {
	e := open(t, sql.Options{})
	rows := wideRows(t)
	defer rows.Release()
	for _, c := range []struct{ sql, typ, want string }{
		{"a / b", "double", "2.5 null null"},
		{"a % b", "bigint", "2 null null"},
		{"x / y", "double", "null -0 null"},
		{"x % y", "double", "null -0 null"},
		{"d / e", "double", "null 3.996 null"},
		{"d % e", "decimal(10,2)", "null 2.49 null"},
		{"i / 0", "double", "null null null"},
		{"i % 0", "integer", "null null null"},
		{"-7 % 3", "integer", "-1 -1 -1"},
		{"a + 1", "bigint", "11 -6 null"},
		{"i + 1::smallint", "integer", "8 1 -2"},
		{"i::tinyint", "integer", "7 0 -3"},
		{"abs(i)::ubigint", "decimal(20,0)", "7 0 3"},
		{"a::hugeint", "decimal(38,0)", "10 -7 null"},
		{"d + e", "decimal(11,2)", "1.25 12.49 null"},
		{"x > 1", "boolean", "true false true"},
		{"lower(s) || '!'", "string", "x! null ünï!"},
		{"length(s)", "bigint", "1 null 3"},
		{"tags", "array<string>", `["p","q"] [] null`},
		{"tags[1]", "string", "p null null"},
		{"list_transform(tags, t -> upper(t))", "array<string>", `["P","Q"] [] null`},
		{"[t || '1' for t in tags]", "array<string>", `["p1","q1"] [] null`},
		{"[a, b]", "array<bigint>", "[10,4] [-7,0] [null,2]"},
		{"year(ts)", "bigint", "2020 2021 null"},
		{"ts", "timestamp", "2020-01-01T10:11:12.5Z 2021-12-31T23:59:59Z null"},
		{"ts + interval 1 day", "timestamp", "2020-01-02T10:11:12.5Z 2022-01-01T23:59:59Z null"},
		{"date_trunc('hour', ts)", "timestamp", "2020-01-01T10:00:00Z 2021-12-31T23:00:00Z null"},
		{"loc + interval 1 day", "timestamp_ntz", "2020-01-02 2021-05-06 null"},
		{"ts::varchar", "string", "2020-01-01 10:11:12.5 2021-12-31 23:59:59 null"},
		{"hour(ts AT TIME ZONE 'Asia/Tokyo')", "bigint", "19 8 null"},
		{"ts AT TIME ZONE 'Asia/Tokyo'", "timestamp", "2020-01-01T19:11:12.5Z 2022-01-01T08:59:59Z null"},
		{"to_timestamp(id)", "timestamp", "1970-01-01T00:00:01Z 1970-01-01T00:00:02Z 1970-01-01T00:00:03Z"},
		{"day + 1", "date", "2020-01-02 2021-05-06 null"},
		{"epoch_us(ts)", "bigint", "1577873472500000 1640995199000000 null"},
		{"ok and id > 1", "boolean", "false false null"},
		{"encode(s)", "binary", "eA== null w5xuw68="},
		{"1", "integer", "1 1 1"},
		{"null", "integer", "null null null"},
		{"'it''s'", "string", "it's it's it's"},
		{"case when false then a else id end", "bigint", "1 2 3"},
		{"case when false then id else a end", "bigint", "10 -7 null"},
		{"case when 1 > 2 then x else b end", "double", "4 0 2"},
		{"uuid '00000000-0000-0000-0000-000000000001'", "string", strings.Repeat("00000000-0000-0000-0000-000000000001 ", 3)},
		{"ID + \"A\"", "bigint", "11 -5 null"},
		{"a -- a comment", "bigint", "10 -7 null"},
		{"try_cast(s as bigint)", "bigint", "null null null"},
		{"x::float", "float", "1.5 -0 NaN"},
	} {
		ev, err := compile(t, e, rows.Schema(), false, c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got := typesOf(ev.Schema()); got != c.typ {
			t.Errorf("%s: type %s, want %s", c.sql, got, c.typ)
		}
		got := strings.TrimSpace(strings.ReplaceAll(eval(t, ev, rows), "\n", " "))
		if got != strings.TrimSpace(c.want) {
			t.Errorf("%s: got %s, want %s", c.sql, got, c.want)
		}
	}
}

// Rule: S-701.
func TestExpressions_Refused(t *testing.T) {
	e := open(t, sql.Options{})
	in, _ := schema.Parse(wide)
	for _, c := range []struct {
		sql   string
		code  fault.Code
		parts []string
	}{
		{"a + ) b", sql.BadSyntax, []string{"1:5", "    1 | a + ) b\n      |     ^"}},
		{"a +\n  + (", sql.BadSyntax, []string{"2:6"}},
		{"", sql.BadSyntax, []string{"empty"}},
		{"a\x00b", sql.BadSyntax, []string{"zero byte"}},
		{"'abc", sql.BadSyntax, nil},
		{"rate + 1", sql.UnknownColumn, []string{`"rate"`, "1:1", "columns are id, a"}},
		{"1 + idd", sql.UnknownColumn, []string{`"idd"`, "1:5", `did you mean "id"`}},
		{"t.a", sql.UnknownColumn, nil},
		{"sum(a)", sql.NotRowWise, []string{"sum", "1:1"}},
		{"a + count(*)", sql.NotRowWise, nil},
		{"max(a)", sql.NotRowWise, nil},
		{"list(a)", sql.NotRowWise, nil},
		{"weighted_avg(a, b)", sql.NotRowWise, nil},
		{"json_group_array(a)", sql.NotRowWise, nil},
		{"upper(distinct s)", sql.NotRowWise, nil},
		{"sum(a) over ()", sql.NotRowWise, []string{"window"}},
		{"row_number() over (order by a)", sql.NotRowWise, nil},
		{"(select 1)", sql.NotRowWise, []string{"subquery"}},
		{"exists (select 1)", sql.NotRowWise, nil},
		{"a in (select 1)", sql.NotRowWise, nil},
		{"unnest(tags)", sql.NotRowWise, nil},
		{"generate_subscripts(tags, 1)", sql.NotRowWise, nil},
		{"now()", sql.NotRepeatable, nil},
		{"current_date", sql.NotRepeatable, nil},
		{"current_timestamp", sql.NotRepeatable, nil},
		{"localtimestamp", sql.NotRepeatable, nil},
		{"current_localtime()", sql.NotRepeatable, nil},
		{"today()", sql.NotRepeatable, nil},
		{"get_current_timestamp()", sql.NotRepeatable, nil},
		{"age(ts)", sql.NotRepeatable, nil},
		{"ago(interval 1 day)", sql.NotRepeatable, nil},
		{"random()", sql.NotRepeatable, []string{"random"}},
		{"uuid()", sql.NotRepeatable, nil},
		{"gen_random_uuid()", sql.NotRepeatable, nil},
		{"setseed(0.5)", sql.NotRepeatable, nil},
		{"getenv('HOME')", sql.NotRepeatable, nil},
		{"current_setting('threads')", sql.NotRepeatable, nil},
		{"nextval('s')", sql.NotRepeatable, nil},
		{"version()", sql.NotRepeatable, nil},
		{"current_user", sql.NotRepeatable, nil},
		{"pg_conf_load_time()", sql.NotRepeatable, nil},
		{"a, b", sql.NotOneThing, []string{"2 expressions"}},
		{"a as z", sql.NotOneThing, []string{"AS z"}},
		{"a; select 2", sql.NotOneThing, nil},
		{"a;", sql.NotOneThing, []string{"semicolon"}},
		{"*", sql.NotOneThing, nil},
		{"columns('a')", sql.NotOneThing, nil},
		{"a from range(3)", sql.NotOneThing, []string{"FROM"}},
		{"1 union select 2", sql.NotOneThing, nil},
		{"distinct a", sql.NotOneThing, nil},
		{"a limit 1", sql.NotOneThing, nil},
		{"a where true", sql.NotOneThing, []string{"WHERE"}},
		{"$1", sql.NotOneThing, nil},
		{"a + ?", sql.NotOneThing, nil},
		{"lowr(s)", sql.UnknownFunction, []string{`did you mean "lower"`}},
		{"read_text('/etc/passwd')", sql.BadTypes, nil},
		{"s + tags", sql.BadTypes, nil},
		{"{'k': a}", sql.BadTypes, []string{"struct"}},
		{"map {'k': a}", sql.BadTypes, []string{"map"}},
		{"interval 1 day", sql.BadTypes, []string{"interval"}},
		{"ts::time", sql.BadTypes, nil},
		{"[[a]]", sql.BadTypes, []string{"list"}},
		{"year(s)", sql.BadTypes, nil},
	} {
		_, err := compile(t, e, in, false, c.sql)
		wantCode(t, c.sql, err, c.code, append(c.parts, `sql of "c0"`)...)
	}
}

// A later failure blames the expression, the row and the reason.
// Rule: S-701.
func TestEval_FailingRow_Named(t *testing.T) {
	e := open(t, sql.Options{})
	in, _ := schema.Parse("s string")
	b := array.NewRecordBuilder(memory.DefaultAllocator, in)
	defer b.Release()
	for i := range 5000 {
		s := fmt.Sprint(i)
		if i == 4321 {
			s = "oops"
		}
		b.Field(0).(*array.StringBuilder).Append(s)
	}
	rows := b.NewRecordBatch()
	defer rows.Release()
	ev, err := compile(t, e, in, false, "length(s)", "s::bigint")
	if err != nil {
		t.Fatal(err)
	}
	_, err = ev.Eval(context.Background(), rows)
	wantCode(t, "cast", err, sql.ComputationFailed, `sql of "c1"`, "row 4322 of 5000", "oops")
	part := rows.NewSlice(0, 100)
	defer part.Release()
	if got := eval(t, ev, part); !strings.HasPrefix(got, "1 | 0\n1 | 1\n") {
		t.Errorf("after a failure: %q", got[:20])
	}
}

// The golden case 01 of the original, with features seeing earlier ones.
// Rules: S-202, S-703.
func TestCompat_Golden01(t *testing.T) {
	e := open(t, sql.Options{})
	rows := hosttest.Record(t, "id bigint, timestamp timestamp, a bigint, b bigint, s string, ratio double",
		"1 | 2020-01-01 | 10 | 4 | x | 2.5", "1 | 2020-01-02 | 7 | 0 | null | null",
		"2 | 2020-01-01 | null | 2 | yy | null", "2 | 2020-01-03 | -3 | 2 | X | -1.5")
	defer rows.Release()
	ev, err := compile(t, e, rows.Schema(), true, "a / b", "ratio > 2",
		"case when lower(s) = 'x' then concat(s, '-', id) else coalesce(s, 'none') end", "a % b",
		"year(timestamp) * 100 + dayofmonth(timestamp)")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := typesOf(ev.Schema()), "double, boolean, string, bigint, integer"; got != want {
		t.Errorf("types %s, want %s", got, want)
	}
	want := "2.5 | true | x-1 | 2 | 202001\nnull | null | none | null | 202002\nnull | null | yy | null | 202001\n-1.5 | false | X-2 | -1 | 202003\n"
	if got := eval(t, ev, rows); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := strings.Join(ev.Columns(), ","); got != "id,timestamp,a,b,s,ratio" {
		t.Errorf("columns %s", got)
	}
}

// Rule: S-703.
func TestCompat_Dialect(t *testing.T) {
	e := open(t, sql.Options{})
	rows := wideRows(t)
	defer rows.Release()
	for _, c := range []struct{ sql, want string }{
		{"concat(s, a)", "x10 null null"},
		{"concat(s, null)", "null null null"},
		{"concat('a')", "a a a"},
		{"nvl(s, 'z')", "x z Ünï"},
		{"month(ts)", "1 12 null"},
		{"length(s)", "1 null 3"},
		{"if(ok, 1, 2)", "1 2 2"},
		{"a between 0 and 20", "true false null"},
		{"s in ('x', 'y')", "true null false"},
		{"not ok", "false true null"},
		{"s like 'x%'", "true null false"},
		{"true", "true true true"},
		{"ts > '2021-01-01'", "false true null"},
		{"day = date '2020-01-01'", "true false null"},
		{"cast(a as string)", "10 -7 null"},
		{"cast(a as double) / 4", "2.5 -1.75 null"},
		{"a is null", "false false true"},
		{"-a", "-10 7 null"},
		{"greatest(a, b)", "10 0 2"},
	} {
		ev, err := compile(t, e, rows.Schema(), true, c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got := strings.TrimSpace(strings.ReplaceAll(eval(t, ev, rows), "\n", " ")); got != c.want {
			t.Errorf("%s: got %s, want %s", c.sql, got, c.want)
		}
	}
	for sqlText, part := range map[string]string{
		"regexp_extract(s, 'a')":           `"regexp_extract"`,
		"dayofweek(ts)":                    `"dayofweek"`,
		"nosuch(a)":                        `"nosuch"`,
		"sqrt(a)":                          `"sqrt"`,
		"a ^ b":                            "operator",
		"a // b":                           "operator",
		"concat(x, s)":                     "floating-point",
		"cast(x as bigint)":                "cast",
		"cast(s as int)":                   "cast",
		"s > 2":                            "beside",
		"case when ok then 1 else 'a' end": "beside",
		"coalesce(a, s)":                   "beside",
		"d / e":                            "decimal",
		"ts - ts":                          "date or time",
		"day + 1":                          "date or time",
		"s like s":                         "like",
		"a is distinct from b":             "DISTINCT",
		"[a]":                              "no meaning",
		"tags[1]":                          "no meaning",
	} {
		_, err := compile(t, e, rows.Schema(), true, sqlText)
		wantCode(t, sqlText, err, sql.NotMapped, part)
	}
	_, err := compile(t, e, rows.Schema(), true, "sum(a)")
	wantCode(t, "sum", err, sql.NotRowWise)
}

// The original divides floats in doubles. Rule: S-703.
func TestCompat_FloatsDivided_Doubles(t *testing.T) {
	e := open(t, sql.Options{})
	in, _ := schema.Parse("rent float, area bigint")
	rows, _, err := array.RecordFromJSON(memory.DefaultAllocator, in, strings.NewReader(`[{"rent": 3200, "area": 175}]`))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Release()
	for compat, want := range map[bool]string{true: "18.285714285714285", false: "18.285715103149414"} {
		ev, err := compile(t, e, in, compat, "rent / area")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(eval(t, ev, rows)); got != want {
			t.Errorf("compat %v: %s, expected %s", compat, got, want)
		}
	}
}

// Whatever columns an expression reads, in whatever order, and however the
// rows are cut, each row gets its own value.
func TestEval_ColumnsAndSlices_SameValues(t *testing.T) {
	e := open(t, sql.Options{})
	in, _ := schema.Parse("n bigint, f double, s string, b boolean, t timestamp, l array<bigint>")
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 5000).Draw(rt, "rows")
		b := array.NewRecordBuilder(memory.DefaultAllocator, in)
		defer b.Release()
		nullEvery := rapid.IntRange(2, 9).Draw(rt, "nullEvery")
		for i := range n {
			if i%nullEvery == 0 {
				b.Field(i / nullEvery % 6).AppendNull()
			}
			for k := range 6 {
				if b.Field(k).Len() > i {
					continue
				}
				switch f := b.Field(k).(type) {
				case *array.Int64Builder:
					f.Append(int64(i) * 3)
				case *array.Float64Builder:
					f.Append(float64(i) / 7)
				case *array.StringBuilder:
					f.Append(strings.Repeat("é", i%9) + fmt.Sprint(i))
				case *array.BooleanBuilder:
					f.Append(i%3 == 0)
				case *array.TimestampBuilder:
					f.Append(arrow.Timestamp(i) * 1_000_003)
				case *array.ListBuilder:
					f.Append(true)
					for j := range i % 4 {
						f.ValueBuilder().(*array.Int64Builder).Append(int64(i + j))
					}
				}
			}
		}
		rows := b.NewRecordBatch()
		defer rows.Release()
		order := rapid.Permutation([]string{"n", "f", "s", "b", "t", "l"}).Draw(rt, "order")
		order = order[:rapid.IntRange(1, 6).Draw(rt, "columns")]
		ev, err := e.Expressions(context.Background(), in, exprsOf(order))
		if err != nil {
			rt.Fatal(err)
		}
		defer ev.Close()
		from := rapid.IntRange(0, n).Draw(rt, "from")
		to := rapid.IntRange(from, n).Draw(rt, "to")
		part := rows.NewSlice(int64(from), int64(to))
		defer part.Release()
		out, err := ev.Eval(context.Background(), part)
		if err != nil {
			rt.Fatal(err)
		}
		defer out.Release()
		for k, name := range order {
			want := part.Column(in.FieldIndices(name)[0])
			if !array.Equal(out.Column(k), want) {
				rt.Fatalf("column %s differs", name)
			}
		}
	})
}

func exprsOf(columns []string) []flow.Expr {
	var out []flow.Expr
	for i, c := range columns {
		out = append(out, flow.Expr{Name: fmt.Sprint("e", i), SQL: c})
		out = append(out, flow.Expr{Name: fmt.Sprint("dead", i), SQL: "case when false then " + c + " end"})
	}
	// Values first, in order; then expressions whose columns fold away.
	var values, dead []flow.Expr
	for i, x := range out {
		if i%2 == 0 {
			values = append(values, x)
		} else {
			dead = append(dead, x)
		}
	}
	return append(values, dead...)
}

func TestEval_Forks_Concurrent(t *testing.T) {
	e := open(t, sql.Options{})
	in, _ := schema.Parse("n bigint, s string")
	ev, err := compile(t, e, in, false, "n * 2", "s || '-' || n")
	if err != nil {
		t.Fatal(err)
	}
	forker := ev.(interface {
		Fork(context.Context) (flow.Evaluator, error)
	})
	var wait sync.WaitGroup
	for w := range 4 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			fork, err := forker.Fork(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			defer fork.Close()
			for i := range 20 {
				var lines []string
				want := ""
				for k := range 50 {
					n := w*10000 + i*100 + k
					lines = append(lines, fmt.Sprintf("%d | v", n))
					want += fmt.Sprintf("%d | v-%d\n", 2*n, n)
				}
				rows := hosttest.Record(t, "n bigint, s string", lines...)
				out, err := fork.Eval(context.Background(), rows)
				rows.Release()
				if err != nil {
					t.Error(err)
					return
				}
				if got := hosttest.Text(out); got != want {
					t.Errorf("worker %d: got %s", w, got)
				}
				out.Release()
			}
		}()
	}
	wait.Wait()
}

func TestEval_Life(t *testing.T) {
	e := open(t, sql.Options{})
	rows := hosttest.Record(t, "n bigint", "1")
	defer rows.Release()
	ev, err := compile(t, e, rows.Schema(), false, "n")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ev.Eval(ctx, rows); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	other := hosttest.Record(t, "n string", "1")
	defer other.Release()
	_, err = ev.Eval(context.Background(), other)
	wantCode(t, "other schema", err, sql.EngineFailed)
	if err := errors.Join(ev.Close(), ev.Close()); err != nil {
		t.Error(err)
	}
	_, err = ev.Eval(context.Background(), rows)
	wantCode(t, "closed", err, sql.EngineClosed)

	twice, _ := schema.Parse("a bigint, A bigint")
	_, err = compile(t, e, twice, false, `a + "A"`)
	wantCode(t, "case", err, sql.BadTypes, `"A"`)
}

func TestEval_CancelStopsLongWork(t *testing.T) {
	e := open(t, sql.Options{})
	rows := hosttest.Record(t, "n bigint", "1")
	defer rows.Release()
	ev, err := compile(t, e, rows.Schema(), false, "list_sum(list_transform(range(n * 3000000), v -> v % 7))")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go cancel()
	if _, err := ev.Eval(ctx, rows); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestEngine_Closed(t *testing.T) {
	e, err := sql.Open(context.Background(), sql.Options{Scratch: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	in, _ := schema.Parse("a bigint")
	_, err = compile(t, e, in, false, "a")
	wantCode(t, "closed", err, sql.EngineClosed)
	_, err = sql.Open(context.Background(), sql.Options{Threads: -1})
	wantCode(t, "threads", err, sql.BadOptions)
	_, err = sql.Open(context.Background(), sql.Options{Scratch: "/nonexistent/folder"})
	wantCode(t, "scratch", err, sql.FileTrouble)
}

func TestCodes_InRange(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range sql.Codes() {
		if d.Code < 7100 || d.Code > 7199 || seen[d.Code] || d.Title == "" || d.Explain == "" {
			t.Errorf("%v", d)
		}
		seen[d.Code] = true
	}
}

func BenchmarkEval(b *testing.B) {
	e := open(b, sql.Options{})
	in, _ := schema.Parse("id bigint, x double, name string, ts timestamp")
	rb := array.NewRecordBuilder(memory.DefaultAllocator, in)
	for i := range 8192 {
		rb.Field(0).(*array.Int64Builder).Append(int64(i))
		rb.Field(1).(*array.Float64Builder).Append(float64(i) / 7)
		rb.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("name %d", i%100))
		rb.Field(3).(*array.TimestampBuilder).Append(arrow.Timestamp(i) * 1e6)
	}
	rows := rb.NewRecordBatch()
	for name, exprs := range map[string][]string{
		"filter": {"x > 100"},
		"four":   {"id % 7", "x * 2", "case when name = 'name 5' then 'x' else name end", "year(ts)"},
	} {
		b.Run(name, func(b *testing.B) {
			ev, err := compile(b, e, in, false, exprs...)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				out, err := ev.Eval(context.Background(), rows)
				if err != nil {
					b.Fatal(err)
				}
				out.Release()
			}
		})
	}
}
