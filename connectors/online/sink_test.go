package online

import (
	"context"
	"database/sql/driver"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

const plain = "id bigint, timestamp timestamp, v double"

func expect(t *testing.T, err error, want fault.Code, text string) {
	t.Helper()
	if !fault.Is(err, want) || !strings.Contains(err.Error(), text) {
		t.Fatalf("got %v, want %s with %q", err, want, text)
	}
}

// Rules: S-1301, S-1302.
func TestSink_NewestWins_NullsToo(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 6", "null | 2026-01-02 | 7")
	got := s.load(0, plain, "1 | 2026-01-03 | null", "2 | 2026-01-01 | 9", "3 | null | 1", "null | 2026-01-04 | 8")
	if want := (flow.Published{Rows: 3, Stale: 1}); got != want {
		t.Errorf("published %+v, want %+v", got, want)
	}
	want := "<nil> 2026-01-04T00:00:00Z 8\n1 2026-01-03T00:00:00Z <nil>\n2 2026-01-02T00:00:00Z 6\n3 <nil> 1\n"
	if got := s.all(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	s.load(0, plain, "3 | 1960-01-01 | 2") // any timestamp is above null
	if got := s.all(); !strings.Contains(got, "3 1960-01-01T00:00:00Z 2\n") {
		t.Errorf("got\n%s", got)
	}
}

// Rules: S-1302, S-1303.
func TestSink_EqualTimestamps_RevisionThenBytes(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second int64 // revisions
		a, b, want    string
	}{
		{"greater revision", 0, 1, "9", "1", "1"},
		{"smaller revision", 1, 0, "1", "9", "1"},
		{"greater bytes", 1, 1, "1", "9", "9"},
		{"smaller bytes", 1, 1, "9", "1", "9"},
		{"null is the least", 1, 1, "null", "-1", "-1"},
		{"+0 above -0", 1, 1, "0", "-0", "0"},
		{"NaN above all", 1, 1, "+Inf", "NaN", "NaN"},
	} {
		s := newStore(t)
		s.load(c.first, plain, "1 | 2026-01-02 | "+c.a)
		got := s.load(c.second, plain, "1 | 2026-01-02 | "+c.b)
		if won := c.want == c.b; won != (got == flow.Published{Rows: 1}) || !won != (got == flow.Published{Stale: 1}) {
			t.Errorf("%s: published %+v", c.name, got)
		}
		if got := s.all(); got != "1 2026-01-02T00:00:00Z "+strings.Replace(c.want, "null", "<nil>", 1)+"\n" {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// Rule: S-401.
func TestSink_EveryType_BitForBit(t *testing.T) {
	s := newStore(t)
	columns := "id string, timestamp timestamp, ntz timestamp_ntz, d date, b boolean, i integer, l bigint, f float, x double, n decimal(20,3), bin binary, " +
		"la array<bigint>, ls array<string>, lf array<float>, lb array<boolean>, ld array<date>"
	build := array.NewRecordBuilder(memory.DefaultAllocator, hosttest.Record(t, columns).Schema())
	defer build.Release()
	row := func(values ...any) {
		for i, v := range values {
			if err := staged.Append(build.Field(i), v); err != nil {
				t.Fatal(err)
			}
		}
	}
	negZero, third := math.Copysign(0, -1), float64(float32(1)/3)
	rows := [][]any{
		{"a", int64(1), int64(-1), "2026-01-31", true, int64(math.MinInt32), int64(math.MaxInt64), third, 0.1, "-12345678901234567.125", []byte{0, 255},
			[]any{int64(math.MinInt64), nil, int64(1<<53 + 1)}, []any{"", "<\"\x00é"}, []any{third, math.Inf(-1), negZero}, []any{true, nil, false}, []any{"1960-02-29"}},
		{"b", int64(0), int64(0), "-0044-03-15", false, int64(0), int64(0), negZero, negZero, "0.000", []byte{}, []any{}, []any{nil}, []any{math.NaN(), math.Inf(1)}, nil, nil},
		{"b\x00\x00c", nil, nil, "12026-01-01", nil, nil, nil, math.Inf(-1), math.Inf(1), nil, nil, nil, nil, nil, nil, nil},
		{"c", nil, nil, nil, nil, nil, nil, math.NaN(), math.NaN(), nil, nil, nil, nil, nil, nil, nil},
		{"d", nil, nil, nil, nil, nil, nil, float64(math.SmallestNonzeroFloat32), math.SmallestNonzeroFloat64, nil, nil, nil, nil, nil, nil, nil},
		{"e", nil, nil, nil, nil, nil, nil, float64(math.MaxFloat32), float64(1 << 60), nil, nil, nil, nil, nil, nil, nil},
	}
	for _, r := range rows {
		row(r...)
	}
	rec := build.NewRecordBatch()
	defer rec.Release()
	s.publish(s.prepare(0, rec))
	v := s.vectors()
	defer v.Close()
	for _, want := range rows {
		got, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": want[0].(string)})
		if err != nil || !ok {
			t.Fatal(want[0], ok, err)
		}
		for i := range want {
			typ := rec.Schema().Field(i).Type
			if w := staged.Present(typ, want[i]); !identical(w, got.Values[i]) {
				t.Errorf("key %q, column %s: got %#v, want %#v", want[0], got.Columns[i], got.Values[i], w)
			}
			if got.Types[i] != (column{typ: typ}).typeName() {
				t.Errorf("column %s has type %s", got.Columns[i], got.Types[i])
			}
		}
	}
}

// TestSink_Images_AsDocumented looks at the table as other programs do.
// Rule: S-401.
func TestSink_Images_AsDocumented(t *testing.T) {
	s := newStore(t)
	s.load(0, "id bigint, timestamp timestamp, z double, n double, i double, b boolean, d date, m decimal(10,2), x binary, l array<double>",
		`1 | 2026-01-02 | -0 | NaN | +Inf | true | 2026-01-31 | 1.5 | | [1.5, null]`)
	c, err := open(s.at.State+"/online.db", forReading, readerPatience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	row, err := c.one(context.Background(), `SELECT z, n, i, b, d, m, x, l, timestamp, fh_timestamp, fh_revision, fh_key FROM user__spend`)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(1767312000000000)
	want := []driver.Value{"-0.0", "NaN", math.Inf(1), int64(1), "2026-01-31", "1.50", []byte{}, "[1.5,null]", at, at, int64(0), []byte{1, 128, 0, 0, 0, 0, 0, 0, 1}}
	if !reflect.DeepEqual(row, want) {
		t.Errorf("got %#v, want %#v", row, want)
	}
}

// identical is equality of bits: NaN equals itself, -0.0 is not 0.
func identical(a, b any) bool {
	if x, ok := a.(float64); ok {
		y, ok := b.(float64)
		return ok && (math.Float64bits(x) == math.Float64bits(y) || x != x && y != y)
	}
	if x, ok := a.([]any); ok {
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !identical(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

func TestSink_Prepared_NothingVisibleAndStaysAfterClose(t *testing.T) {
	s := newStore(t)
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5")
	defer r.Release()
	p := s.prepare(3, r)
	if _, err := os.Stat(filepath.Join(s.at.State, "online.db")); !os.IsNotExist(err) {
		t.Error("the database exists before Publish")
	}
	if len(s.staged()) != 1 || p.Rows != 1 || p.Sink != "online" || !strings.Contains(string(p.Data), `"file":"state/pending/run-1/online.arrow"`) {
		t.Errorf("staged %v, pending %s", s.staged(), p.Data)
	}
	s.publish(p)
	if len(s.staged()) != 0 {
		t.Error("the staged file is left behind")
	}
}

func TestSink_FolderMoved_StillPublished(t *testing.T) {
	s := newStore(t)
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5")
	defer r.Release()
	p := s.prepare(0, r)
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(s.at.Dir, moved); err != nil {
		t.Fatal(err)
	}
	s.at = parts.Place{Dir: moved, State: moved + "/state"}
	s.publish(p)
	if got := s.all(); got != "1 2026-01-02T00:00:00Z 5\n" {
		t.Error(got)
	}
}

func TestSink_ClosedOrDiscarded_NothingStaged(t *testing.T) {
	s, ctx := newStore(t), context.Background()
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5")
	defer r.Release()
	k := s.sink()
	if err := k.Close(); err != nil { // without Open
		t.Fatal(err)
	}
	run := s.run(0)
	if err := k.Open(ctx, run, r.Schema()); err != nil {
		t.Fatal(err)
	}
	if err := k.Write(ctx, flow.Batch{Record: r}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := k.Close(); err != nil || len(s.staged()) != 0 {
			t.Fatal(err, s.staged())
		}
	}
	_, err := k.Prepare(ctx)
	expect(t, err, DiskRefused, "not open")
	expect(t, k.Write(ctx, flow.Batch{Record: r}), DiskRefused, "not open")

	s.prepare(0, r)
	other := s.prepare(0, r)
	for range 2 {
		if err := s.sink().Discard(ctx, flow.Run{ID: "run-2", Entity: "user", Set: "spend"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.staged(); len(got) != 1 || got[0] != "run-3" {
		t.Errorf("left: %v", got)
	}
	s.publish(other)
}

func TestPublish_Twice_SameReport(t *testing.T) {
	s := newStore(t)
	s.load(5, plain, "1 | 2026-01-09 | 5")
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 5")
	defer r.Release()
	p := s.prepare(0, r)
	first := s.publish(p)
	if again := s.publish(p); again != first || first != (flow.Published{Rows: 1, Stale: 1}) {
		t.Errorf("first %+v, again %+v", first, again)
	}
}

func TestPublish_StagedFileGoneOrAltered_NothingVisible(t *testing.T) {
	s, ctx := newStore(t), context.Background()
	s.load(0, plain, "1 | 2026-01-02 | 5")
	before := s.all()
	r := hosttest.Record(t, plain, "1 | 2026-01-03 | 6")
	defer r.Release()
	p := s.prepare(0, r)
	path := staged.Path(s.at.State, "run-2", "online")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = s.sink().Publish(ctx, p)
	expect(t, err, PendingLost, "digest")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = s.sink().Publish(ctx, p)
	expect(t, err, PendingLost, "gone")
	_, err = s.sink().Publish(ctx, flow.Pending{Data: []byte(`{"format":9}`)})
	expect(t, err, PendingLost, "format 9")
	_, err = s.sink().Publish(ctx, flow.Pending{Data: []byte(`nonsense`)})
	expect(t, err, PendingLost, "cannot be read")
	if got := s.all(); got != before {
		t.Errorf("got\n%s", got)
	}
}

func TestPublish_NoRows_TableMade(t *testing.T) {
	s := newStore(t)
	if got := s.load(0, plain); got != (flow.Published{}) {
		t.Errorf("%+v", got)
	}
	if got := s.all(); got != "" {
		t.Error(got)
	}
}

func TestSchema_NewColumns_AddedAndNull(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 5")
	v := s.vectors() // opened before the change
	defer v.Close()
	get := func() flow.Vector {
		out, _, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": "2"})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	get()
	older := hosttest.Record(t, plain, "1 | 2026-01-05 | 8")
	defer older.Release()
	late := s.prepare(0, older)
	s.load(0, "id bigint, timestamp timestamp, new string, v double", "1 | 2026-01-03 | x | 6")
	if got, want := s.all(), "1 2026-01-03T00:00:00Z x 6\n2 2026-01-02T00:00:00Z <nil> 5\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := get(); len(got.Columns) != 4 || got.Columns[2] != "new" {
		t.Errorf("an open reader sees %v", got.Columns)
	}
	// A write prepared before the column existed leaves no old value in it.
	s.publish(late)
	if got, want := s.all(), "1 2026-01-05T00:00:00Z <nil> 8\n2 2026-01-02T00:00:00Z <nil> 5\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Rule: S-1304.
func TestUpserter_ColumnAddedMeanwhile_NoMixedRow(t *testing.T) {
	s := newStore(t)
	s.load(0, "id bigint, timestamp timestamp", "0 | 2026-01-01")
	var rows []string
	for i := range 1500 {
		rows = append(rows, strings.Replace("# | 2026-01-05", "#", string(rune('0'+i%10))+strings.Repeat("1", i/10%3)+"7", 1))
	}
	r := hosttest.Record(t, "id bigint, timestamp timestamp", append(rows, "424242 | 2026-01-05")...)
	defer r.Release()
	p := s.prepare(0, r)
	k, once := s.sink(), false
	k.reached = func(point string) {
		if point == pointCommit && !once {
			once = true
			s.load(0, "id bigint, timestamp timestamp, late string", "424242 | 2026-01-04 | old")
		}
	}
	if _, err := k.Publish(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	if got := s.all(); !strings.Contains(got, "424242 2026-01-05T00:00:00Z <nil>\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestOpen_SchemaChange_Refused(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5")
	for _, c := range []struct{ columns, text string }{
		{"id bigint, timestamp timestamp, v float", `"v" has type double in the table and float`},
		{"id string, timestamp timestamp, v double", "(id bigint)"},
		{"id bigint, other bigint, timestamp timestamp, v double", "(id bigint, other bigint)"},
		{"id bigint, timestamp timestamp", `"v" of the table is not in the feature set`},
		{"id bigint, timestamp timestamp, v double, V double", "ignores case"},
		{"id bigint, timestamp timestamp, V double", "same name in SQLite"},
	} {
		k := s.sink()
		err := k.Open(context.Background(), s.run(0), hosttest.Record(t, c.columns).Schema())
		if e := fault.As(err); e == nil || e.Code != SchemaChange && e.Code != BadColumn || e.Code.Class() != fault.Usage || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.columns, err)
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.staged(); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestPublish_TypeChangedSincePrepare_Refused(t *testing.T) {
	s := newStore(t)
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5")
	defer r.Release()
	p := s.prepare(0, r)
	s.load(0, "id bigint, timestamp timestamp, v string", "1 | 2026-01-01 | a")
	_, err := s.sink().Publish(context.Background(), p)
	expect(t, err, SchemaChange, `"v"`)
}

func TestOpen_BadColumns_Refused(t *testing.T) {
	ts := arrow.Field{Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_us}
	id := arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64}
	many := []arrow.Field{id, ts}
	for i := range maxColumns {
		many = append(many, arrow.Field{Name: "c" + strings.Repeat("x", i), Type: id.Type})
	}
	for _, c := range []struct {
		text   string
		fields []arrow.Field
	}{
		{"0 columns named", []arrow.Field{id}},
		{"no key column", []arrow.Field{ts, id}},
		{"timestamp[us, UTC] is needed", []arrow.Field{id, {Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_ns}}},
		{"keeps for itself", []arrow.Field{id, ts, {Name: "FH_key", Type: id.Type}}},
		{"no feature type", []arrow.Field{id, ts, {Name: "x", Type: arrow.PrimitiveTypes.Uint8}}},
		{"more than", many},
	} {
		s := newStore(t)
		err := s.sink().Open(context.Background(), s.run(0), arrow.NewSchema(c.fields, nil))
		expect(t, err, BadColumn, c.text)
	}
}

func TestOpen_BadPlaces_Refused(t *testing.T) {
	ctx := context.Background()
	r := hosttest.Record(t, plain)
	defer r.Release()
	for _, cfg := range []config.Sink{{Store: "cassandra"}, {Path: "s3://x/y"}} {
		_, err := New(cfg, parts.Place{}, flow.Env{})
		expect(t, err, BadPlace, "")
		_, err = OpenVectors(cfg, parts.Place{})
		expect(t, err, BadPlace, "")
	}
	s := newStore(t)
	for _, run := range []flow.Run{{ID: "r", Set: "x"}, {ID: "../r", Entity: "e", Set: "x"}, {ID: "..", Entity: "e", Set: "x"}, {ID: "r", Entity: "SQLite_e", Set: "x"}} {
		expect(t, s.sink().Open(ctx, run, r.Schema()), BadPlace, "")
		expect(t, s.sink().Discard(ctx, run), BadPlace, "")
	}
	file := filepath.Join(t.TempDir(), "plain.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]fault.Code{file: NotOurs, file + "/below.db": NotWritable, t.TempDir(): NotWritable} {
		k, err := newSink(config.Sink{Path: path}, s.at, flow.Env{})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, k.Open(ctx, s.run(0), r.Schema()), code, "")
	}
	blocked := newStore(t)
	if err := os.WriteFile(blocked.at.State, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	k, err := newSink(config.Sink{Path: "x.db"}, blocked.at, flow.Env{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, k.Open(ctx, s.run(0), r.Schema()), NotWritable, "")
}

func TestTable_OfSomethingElse_Refused(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ sql, text string }{
		{`CREATE TABLE "USER__spend" (x)`, "not made by featurehost"},
		{catalogue + `INSERT INTO fh_tables VALUES ('user__spend', 'user__spend', '', 1)`, "belongs to"},
		{catalogue + `INSERT INTO fh_tables VALUES ('user__spend', 'user', 'spend', 2)`, "format 2"},
	} {
		s := newStore(t)
		if err := os.MkdirAll(s.at.State, 0o755); err != nil {
			t.Fatal(err)
		}
		s.raw(c.sql)
		err := s.sink().Open(ctx, s.run(0), hosttest.Record(t, plain).Schema())
		expect(t, err, NotOurs, c.text)
	}
}

// raw executes SQL as another program would.
func (s *store) raw(sql string) {
	s.t.Helper()
	c, err := open(s.at.State+"/online.db", forWriting, writerPatience)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.exec(sql); err != nil {
		s.t.Fatal(err)
	}
	if err := c.close(); err != nil {
		s.t.Fatal(err)
	}
}

func TestWrite_OtherColumns_Refused(t *testing.T) {
	s, ctx := newStore(t), context.Background()
	for _, columns := range []string{"id bigint, timestamp timestamp", "id bigint, timestamp timestamp, w double", "id bigint, timestamp timestamp, v float"} {
		k := s.sink()
		if err := k.Open(ctx, s.run(0), hosttest.Record(t, plain).Schema()); err != nil {
			t.Fatal(err)
		}
		expect(t, k.Write(ctx, flow.Batch{Record: hosttest.Record(t, columns)}), WrongBatch, "")
	}
	if got := s.staged(); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestPublish_ListTextNotUTF8_Refused(t *testing.T) {
	s := newStore(t)
	r := hosttest.Record(t, "id bigint, timestamp timestamp, l array<string>")
	defer r.Release()
	b := array.NewRecordBuilder(memory.DefaultAllocator, r.Schema())
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(1)
	b.Field(1).(*array.TimestampBuilder).Append(0)
	b.Field(2).(*array.ListBuilder).Append(true)
	b.Field(2).(*array.ListBuilder).ValueBuilder().(*array.StringBuilder).Append("\xff")
	bad := b.NewRecordBatch()
	defer bad.Release()
	_, err := s.sink().Publish(context.Background(), s.prepare(0, bad))
	expect(t, err, BadText, `"\xff"`)
	if got := s.all(); got != "" {
		t.Error(got)
	}
}

func TestPublish_Busy_SaysSoAndRetries(t *testing.T) {
	s, ctx := newStore(t), context.Background()
	s.load(0, plain)
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5")
	defer r.Release()
	p := s.prepare(0, r)
	holder, err := open(s.at.State+"/online.db", forWriting, writerPatience)
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	k := s.sink()
	k.patience = 0
	_, err = k.Publish(ctx, p)
	expect(t, err, Busy, "another process")
	if e := fault.As(err); !e.Retry || e.Code.Class() != fault.System {
		t.Errorf("%+v", e)
	}
	if got := s.all(); got != "" { // readers are not held up
		t.Error(got)
	}
	if err := holder.close(); err != nil {
		t.Fatal(err)
	}
	s.publish(p)
}

func TestPublish_Cancelled_ThenAgain(t *testing.T) {
	s := newStore(t)
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5")
	defer r.Release()
	p := s.prepare(0, r)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.sink().Publish(ctx, p); err == nil || fault.ClassOf(err) == fault.System {
		t.Fatal(err)
	}
	s.publish(p)
}

func TestCodes_EveryCodeExplained(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range Codes() {
		if seen[d.Code] || d.Title == "" || d.Explain == "" || d.Code < 7520 || d.Code > 7599 {
			t.Errorf("%+v", d)
		}
		seen[d.Code] = true
	}
	for _, c := range []fault.Code{BadPlace, NoDatabase, NoTable, BadKey, BadColumn, SchemaChange, NotOurs, Damaged, BadText, WrongBatch, DiskFull, NotWritable, Busy, DiskRefused, PendingLost} {
		if !seen[c] {
			t.Errorf("%s is not explained", c)
		}
	}
}
