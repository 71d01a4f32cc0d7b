package cassandra

import (
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// open opens and closes a sink for columns.
func (s *store) open(columns string) error {
	s.t.Helper()
	r := hosttest.Record(s.t, columns)
	defer r.Release()
	k := s.sink()
	defer k.Close()
	return k.Open(context.Background(), s.run(0), r.Schema())
}

// migration prints what a migration would do, one change a line.
func (s *store) migration(columns string) (flow.Migration, string) {
	s.t.Helper()
	r := hosttest.Record(s.t, columns)
	defer r.Release()
	k := s.sink()
	defer k.Close()
	m, err := k.Migration(context.Background(), flow.Run{Entity: "user", Set: s.set}, r.Schema())
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range m.Changes {
		b.WriteString(c.Text)
		if c.Loses {
			b.WriteString(" (loses)")
		}
		if c.Refused != "" {
			b.WriteString(" (refused)")
		}
		b.WriteString("\n")
	}
	return m, b.String()
}

func (s *store) migrate(m flow.Migration) error {
	k := s.sink()
	defer k.Close()
	return k.Migrate(context.Background(), m)
}

func TestOpen_SchemaChange_RefusedWithMigrateAsHint(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5")
	for _, c := range []struct{ columns, text string }{
		{"id bigint, timestamp timestamp, v float", `column "v" is double in the table, float in the feature set`},
		{"id string, timestamp timestamp, v double", "keys are ((id bigint)), the feature set's ((id text))"},
		{"id bigint, other bigint, timestamp timestamp, v double", "((id bigint), other bigint)"},
		{"id bigint, timestamp timestamp", `"v" of the table is not in the feature set; run "featurehost migrate"`},
		{"id bigint, timestamp timestamp, v double, w double", `no column "w" double; run "featurehost migrate"`},
		{"id bigint, timestamp timestamp, V double", `no column "V" double`},
	} {
		err := s.open(c.columns)
		expect(t, err, SchemaChange, c.text, "user__spend")
	}
	if got := s.staged(".arrow"); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	if err := s.open(plain); err != nil {
		t.Error(err)
	}
}

func TestOpen_BadColumns_Refused(t *testing.T) {
	ts := arrow.Field{Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_us}
	id := arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64}
	k, err := newSink(config.Sink{WriteToEntity: true, Cassandra: &config.Cassandra{Hosts: []string{"nowhere"}, Keyspace: "k"}}, parts.Place{}, flow.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text   string
		fields []arrow.Field
	}{
		{"0 columns named", []arrow.Field{id}},
		{"no key column", []arrow.Field{ts, id}},
		{"timestamp[us, UTC] is needed", []arrow.Field{id, {Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_ns}}},
		{"no feature type", []arrow.Field{id, ts, {Name: "x", Type: arrow.PrimitiveTypes.Uint8}}},
		{"two columns", []arrow.Field{id, ts, {Name: "x", Type: id.Type}, {Name: "x", Type: id.Type}}},
		{"keeps for itself", []arrow.Field{id, ts, {Name: "set__timestamp", Type: id.Type}}},
	} {
		expect(t, k.CheckColumns(arrow.NewSchema(c.fields, nil)), BadColumn, c.text)
	}
	good := arrow.NewSchema([]arrow.Field{id, ts}, nil)
	if err := k.CheckColumns(good); err != nil {
		t.Error(err)
	}
	for _, run := range []flow.Run{{ID: "r", Set: "x"}, {ID: "r", Entity: "e", Set: "a b"}, {ID: "r", Entity: strings.Repeat("e", 223), Set: "x"}} {
		expect(t, k.Open(context.Background(), run, good), BadColumn)
	}
	for _, id := range []string{"", "..", "../r"} {
		expect(t, k.Open(context.Background(), flow.Run{ID: id, Entity: "e", Set: "x"}, good), BadConfig)
		expect(t, k.Discard(context.Background(), flow.Run{ID: id, Entity: "e", Set: "x"}), BadConfig)
	}
}

func TestWrite_RowsCassandraCannotHold_Refused(t *testing.T) {
	s := newStore(t)
	for _, c := range []struct{ columns, row, text string }{
		{plain, "null | 2026-01-02 | 5", `row 2, column "id"`},
		{plain, "1 | null | 5", `column "timestamp"`},
		{"id string, timestamp timestamp", " | 2026-01-02", "empty"},
		{"id string, timestamp timestamp", strings.Repeat("x", 65536) + " | 2026-01-02", "65536 bytes"},
		{"id bigint, at timestamp, timestamp timestamp", "1 | 2026-01-02T00:00:00.000001Z | 2026-01-02", "milliseconds"},
		{"id bigint, timestamp timestamp, s string", "1 | 2026-01-02 | \xff", `column "s"`},
	} {
		good := map[string]string{"id bigint": "0"}[strings.Split(c.columns, ",")[0]]
		if good == "" {
			good = "good"
		}
		first := strings.Replace(c.row, strings.SplitN(c.row, "|", 2)[0], good+" ", 1)
		switch {
		case strings.Contains(c.columns, " at "):
			first = "0 | 2026-01-02 | 2026-01-02"
		case strings.Contains(c.text, "timestamp"):
			first = "0 | 2026-01-02 | 5"
		case strings.HasSuffix(c.columns, "s string"):
			first = "0 | 2026-01-02 | s"
		}
		r := hosttest.Record(t, c.columns, first, c.row)
		_, err := s.stage(0, r)
		r.Release()
		expect(t, err, BadRow, c.text, "row 2", "[[sink.stage]]")
	}
	if got := s.staged(".arrow"); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

// Rule: S-1308.
func TestMigration_NewTable_ThenNothingToDo(t *testing.T) {
	s := newStore(t)
	const columns = "id bigint, region string, timestamp timestamp, v double, l array<string>"
	m, text := s.migration(columns)
	if !strings.HasPrefix(text, "make table "+s.cfg.Cassandra.Keyspace+".user__spend with keys ((id bigint), region text) and 5 columns\n") || len(m.Changes) != 1 {
		t.Fatal(text)
	}
	if !strings.Contains(m.Changes[0].Statement, `("id" bigint, "region" text, "timestamp" timestamp, "v" double, "l" frozen<list<text>>, PRIMARY KEY (("id"), "region"))`) {
		t.Error(m.Changes[0].Statement)
	}
	if err := s.migrate(m); err != nil {
		t.Fatal(err)
	}
	if _, text := s.migration(columns); text != "" {
		t.Errorf("after it: %s", text)
	}
	s.load(0, columns, `1 | sp | 2026-01-02 | 5 | ["a"]`)
	if _, text := s.migration(columns); text != "" {
		t.Errorf("after a run: %s", text)
	}
}

// Rules: S-1304, S-1308.
func TestMigration_ColumnsAddedAndDropped(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 6")
	r := hosttest.Record(t, plain, "2 | 2026-01-04 | 9")
	defer r.Release()
	late := s.prepare(0, r) // of the old shape, published after the change

	const wider = "id bigint, timestamp timestamp, a bigint, v double, b array<bigint>"
	m, text := s.migration(wider)
	if want := "add column a bigint, b frozen<list<bigint>>\ndescribe the columns in the table's comment\n"; text != want {
		t.Fatalf("got %s", text)
	}
	if want := `ALTER TABLE "` + s.cfg.Cassandra.Keyspace + `"."user__spend" ADD ("a" bigint, "b" frozen<list<bigint>>)`; m.Changes[0].Statement != want {
		t.Fatalf("got %s", m.Changes[0].Statement)
	}
	if err := s.migrate(m); err != nil {
		t.Fatal(err)
	}
	s.load(0, wider, "1 | 2026-01-03 | 7 | 8 | [1]", "2 | 2026-01-03 | 1 | 1 | [2]")
	want := "1 2026-01-03T00:00:00Z 7 8 [1]\n2 2026-01-03T00:00:00Z 1 1 [2]\n"
	if got := s.all(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// The older shape sets the columns that it does not know to null.
	s.publish(late)
	want = "1 2026-01-03T00:00:00Z 7 8 [1]\n2 2026-01-04T00:00:00Z <nil> 9 <nil>\n"
	if got := s.all(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	m, text = s.migration(plain)
	if want := "drop column a; the name cannot be used again (loses)\ndrop column b; the name cannot be used again (loses)\ndescribe the columns in the table's comment\n"; text != want {
		t.Fatalf("got %s", text)
	}
	if err := s.migrate(m); err != nil {
		t.Fatal(err)
	}
	if err := s.open(plain); err != nil {
		t.Error(err)
	}
	if _, text := s.migration(plain); text != "" {
		t.Errorf("after it: %s", text)
	}
	// A dropped column would hide values of event times before the drop.
	expect(t, s.open(wider), SchemaChange, `"a" was dropped once`)
	m, text = s.migration(wider)
	if !strings.Contains(text, `column "a" was dropped once: Cassandra hides its values of a write time before that (refused)`) {
		t.Errorf("got %s", text)
	}
	expect(t, s.migrate(m), MigrationRefused, "user__spend", `"a"`)
	// Someone brings it back by hand all the same.
	s.cql(`ALTER TABLE %k.user__spend ADD a bigint`)
	expect(t, s.open("id bigint, timestamp timestamp, v double, a bigint"), SchemaChange, `"a" was dropped once`)
}

func TestMigration_TypesAndKeys_Refused(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5")
	for columns, want := range map[string]string{
		"id bigint, timestamp timestamp, v float, w bigint": "column \"v\" is double in the table, float in the feature set (refused)\nadd column w bigint\n",
		"id bigint, k bigint, timestamp timestamp":          "the table's keys are ((id bigint)), the feature set's ((id bigint), k bigint) (refused)\n",
	} {
		m, text := s.migration(columns)
		if text != want {
			t.Errorf("%s: got\n%swant\n%s", columns, text, want)
		}
		expect(t, s.migrate(m), MigrationRefused)
	}
	if got := s.all(); got != "1 2026-01-02T00:00:00Z 5\n" {
		t.Error(got)
	}
}

func TestMigration_Keyspace_MadeOnlyWithReplication(t *testing.T) {
	s := newStore(t)
	s.cql("DROP KEYSPACE %k")
	expect(t, s.open(plain), UnknownKeyspace, s.cfg.Cassandra.Keyspace, "replication")
	m, text := s.migration(plain)
	if !strings.HasPrefix(text, "make keyspace "+s.cfg.Cassandra.Keyspace+" (refused)\nmake table") {
		t.Fatal(text)
	}
	expect(t, s.migrate(m), MigrationRefused, "replication")
	s.cfg.Cassandra.Replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
	m, _ = s.migration(plain)
	if err := s.migrate(m); err != nil {
		t.Fatal(err)
	}
	s.load(0, plain, "1 | 2026-01-02 | 5")
	if got := s.all(); got != "1 2026-01-02T00:00:00Z 5\n" {
		t.Error(got)
	}
}

// A table that somebody else made will do when it fits, and is left as it is.
func TestTable_MadeByHand_Taken(t *testing.T) {
	s := newStore(t)
	s.cql(`CREATE TABLE %k.user__spend (id bigint PRIMARY KEY, timestamp timestamp, v double, owner text) WITH comment = 'of the risk team'`)
	v := s.vectors()
	defer v.Close()
	x, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": "1"})
	if ok || err != nil {
		t.Error(x, ok, err)
	}
	s.load(0, plain, "1 | 2026-01-02 | 5")
	s.cql(`INSERT INTO %k.user__spend (id, owner) VALUES (1, 'ann')`)
	s.load(0, plain, "1 | 2026-01-03 | 6")
	if got := s.all(); got != "1 2026-01-03T00:00:00Z 6\n" {
		t.Error(got)
	}
	s.raw(func(c *session) {
		if err := c.read(context.Background(), "SELECT owner FROM "+s.cfg.Cassandra.Keyspace+".user__spend", nil, func(row []cell) error {
			if string(row[0]) != "ann" {
				t.Errorf("the owner is %q", row[0])
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// Two pairs of names can make one table name.
func TestTable_OfAnotherSet_Refused(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5")
	r := hosttest.Record(t, plain)
	defer r.Release()
	s.cql(`CREATE TABLE %k.a__b__c (id bigint PRIMARY KEY, timestamp timestamp, v double) WITH comment = '{"featurehost":1,"entity":"a__b","set":"c","columns":[]}'`,
		`CREATE TABLE %k.a__later (id bigint PRIMARY KEY, timestamp timestamp, v double) WITH comment = '{"featurehost":2,"entity":"a","set":"later","columns":[]}'`)
	for set, text := range map[string]string{"b__c": `feature set "c" of entity "a__b", not to feature set "b__c" of entity "a"`, "later": "format 2"} {
		k := s.sink()
		err := k.Open(context.Background(), flow.Run{ID: "r", Entity: "a", Set: set}, r.Schema())
		expect(t, err, NotOurs, text, "a__")
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
	v := s.vectors()
	defer v.Close()
	_, _, err := v.Get(context.Background(), "a", "b__c", map[string]string{"id": "1"})
	expect(t, err, NoTable, "a__b__c")
}

// Rule: S-1305.
func TestEntity_SetsShareRows_EachItsVersion(t *testing.T) {
	s := newStore(t)
	s.cfg.WriteToEntity = true
	load := func(set, columns string, rows ...string) { t.Helper(); s.set = set; s.load(0, columns, rows...) }
	load("spend", plain, "1 | 1970-01-03 | 5", "2 | 1970-01-02 | 6")
	load("visits", "id bigint, timestamp timestamp, pages bigint", "2 | 1970-01-05 | 40", "3 | 1970-01-01 | 7")
	load("spend", plain, "1 | 1970-01-02 | 99", "3 | 1970-01-04 | 8")
	print := func() string {
		out := ""
		s.raw(func(c *session) {
			q := "SELECT id, timestamp, spend__timestamp, v, visits__timestamp, pages FROM " + s.cfg.Cassandra.Keyspace + ".user WHERE id IN (1, 2, 3)"
			if err := c.read(context.Background(), q, nil, func(row []cell) error {
				for i, b := range row {
					typ := []string{"bigint", "timestamp", "timestamp", "double", "timestamp", "bigint"}[i]
					x, err := decode(typeOf(typ), b)
					if err != nil {
						return err
					}
					if n, is := x.(int64); is && typ == "timestamp" {
						x = n / flow.MicrosPerDay
					}
					out += strings.TrimSpace(strings.ReplaceAll(sprint(x), "<nil>", "-")) + " "
				}
				out += "\n"
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		})
		return out
	}
	if got, want := print(), "1 2 2 5 - - \n2 4 1 6 4 40 \n3 3 3 8 0 7 \n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	s.set = "visits"
	if got, want := s.all(), "2 1970-01-05T00:00:00Z 40\n3 1970-01-01T00:00:00Z 7\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	s.set = "spend"
	if got, want := s.all(), "1 1970-01-03T00:00:00Z 5\n2 1970-01-02T00:00:00Z 6\n3 1970-01-04T00:00:00Z 8\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	v := s.vectors()
	defer v.Close()
	x, ok, err := v.Get(context.Background(), "user", "visits", map[string]string{"id": "2"})
	if !ok || err != nil || sprint(x.Columns) != "[id timestamp pages]" {
		t.Error(x, ok, err)
	}
	if _, ok, err := v.Get(context.Background(), "user", "visits", map[string]string{"id": "1"}); ok || err != nil {
		t.Error(ok, err) // the row is there, the set's part of it is not
	}
	_, _, err = v.Get(context.Background(), "user", "nothing", nil)
	expect(t, err, NoTable, "nothing")

	s.set = "other"
	expect(t, s.open("id bigint, timestamp timestamp, v double"), ColumnClash, `"v" belongs to feature set "spend"`)
	expect(t, s.open("id string, timestamp timestamp, o double"), SchemaChange, "keys")
	if _, text := s.migration("id bigint, timestamp timestamp, v double"); !strings.Contains(text, `"v" belongs to feature set "spend" of the entity (refused)`) {
		t.Error(text)
	}
	// A set that loses a column keeps it in the table, as null.
	s.set = "spend"
	if _, text := s.migration("id bigint, timestamp timestamp"); strings.Contains(text, "drop") {
		t.Error(text)
	}
	s.load(0, "id bigint, timestamp timestamp", "1 | 1970-01-09")
	if got := print(); !strings.Contains(got, "1 8 8 - - - \n") {
		t.Error(got)
	}
	// A new column needs migrate, as in a table of one set.
	const wider = plain + ", w bigint"
	expect(t, s.open(wider), SchemaChange, `"w"`, "migrate")
	m, _ := s.migration(wider)
	if err := s.migrate(m); err != nil {
		t.Fatal(err)
	}
	s.load(0, wider, "1 | 1970-01-10 | 1 | 2")
	if got, want := s.all(), "1 1970-01-10T00:00:00Z 1 2\n2 1970-01-02T00:00:00Z 6 <nil>\n3 1970-01-04T00:00:00Z 8 <nil>\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestProbe_SaysWhatIsThere(t *testing.T) {
	s := newStore(t)
	probe := func() flow.Finding {
		t.Helper()
		k := s.sink()
		defer k.Close()
		f, err := k.Probe(context.Background())
		if err != nil || len(f) != 1 {
			t.Fatal(f, err)
		}
		return f[0]
	}
	if f := probe(); !f.OK || !strings.Contains(f.Text, "Cassandra 5.0") || !strings.Contains(f.Text, "1 node(s); keyspace "+s.cfg.Cassandra.Keyspace+" is there (SimpleStrategy)") {
		t.Errorf("%+v", f)
	}
	real := *s.cfg.Cassandra
	gone := real
	gone.Keyspace = "nosuch"
	s.cfg.Cassandra = &gone
	if f := probe(); f.OK || !strings.Contains(f.Text, `"nosuch"`) || f.Hint == "" {
		t.Errorf("%+v", f)
	}
	away := real
	away.Hosts = []string{"127.0.0.1:1"}
	s.cfg.Cassandra = &away
	if f := probe(); f.OK || !strings.Contains(f.Text, "refused") || !strings.Contains(f.Server, "127.0.0.1:1") {
		t.Errorf("%+v", f)
	}
	s.cfg.Cassandra = &real
}

func TestCodes_AllExplained(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range Codes() {
		if seen[d.Code] || d.Title == "" || d.Explain == "" || d.Code < 7650 || d.Code > 7669 {
			t.Errorf("%+v", d)
		}
		seen[d.Code] = true
	}
	for c := BadConfig; c <= NotOpen; c++ {
		if !seen[c] {
			t.Errorf("%s is not explained", c)
		}
	}
}

// A long name is for the server to take or not.
func TestOpen_LongName_AsTheServerTakesIt(t *testing.T) {
	s := newStore(t)
	s.set = strings.Repeat("s", 100)
	s.load(0, plain, "1 | 2026-01-02 | 5")
	if got := s.all(); got != "1 2026-01-02T00:00:00Z 5\n" {
		t.Error(got)
	}
	old := answers{"4.1.3"}
	expect(t, target{entity: "user", set: s.set}.nameable(context.Background(), old), BadColumn, "more than the 48")
	if err := (target{entity: "user", set: "spend"}).nameable(context.Background(), old); err != nil {
		t.Error(err)
	}
}

// answers is a client whose every query gives one row of one text.
type answers struct{ text string }

func (a answers) exec(context.Context, string) error      { return nil }
func (a answers) execAgain(context.Context, string) error { return nil }
func (a answers) close()                                  {}

func (a answers) insert(context.Context, string, []byte, []any) error { return nil }

func (a answers) read(_ context.Context, _ string, _ []any, f func([]cell) error) error {
	return f([]cell{cell(a.text)})
}
