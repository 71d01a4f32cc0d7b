//go:build duckdb_arrow

package sql_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/sql"
)

// fixture is an engine with tables events (csv) and users (parquet).
func fixture(t testing.TB) (e *sql.Engine, scratch, outside string) {
	t.Helper()
	scratch, data := t.TempDir(), t.TempDir()
	e = open(t, sql.Options{Scratch: scratch})
	ctx := context.Background()
	events := write(t, data, "events.csv", "id,v,ts\n1,10,2024-01-01T00:00:00Z\n1,20,2024-01-02T00:00:00Z\n2,5,2024-01-01T12:00:00Z\n")
	users := write(t, data, "users.csv", "id,name\n1,ann\n2,bob\n")
	if err := e.Convert(ctx, flow.Foreign{Format: "csv", Paths: []string{users}}, filepath.Join(data, "users.parquet")); err != nil {
		t.Fatal(err)
	}
	outside = filepath.Join(data, "secret.parquet")
	if err := e.Convert(ctx, flow.Foreign{Format: "csv", Paths: []string{users}}, outside); err != nil {
		t.Fatal(err)
	}
	if err := e.Register(ctx, "events", flow.Relation{Format: "csv", Paths: []string{events}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Register(ctx, "users", flow.Relation{Format: "parquet", Paths: []string{filepath.Join(data, "users.parquet")}}); err != nil {
		t.Fatal(err)
	}
	return e, scratch, outside
}

func TestQuery_SchemaAgreesWithFile(t *testing.T) {
	e, scratch, _ := fixture(t)
	for _, c := range []struct{ sql, types, rows string }{
		{"select * from users order by id;", "id bigint, name string", "1 | ann\n2 | bob\n"},
		{"with s as (select id, sum(v) as total, count(*) as n from events group by id) select u.name, s.total, s.n, s.total / 0 as z, s.n % 0 as m from s join users u using (id) order by 1",
			"name string, total decimal(38,0), n bigint, z double, m bigint", "ann | 30 | 2 | null | null\nbob | 5 | 1 | null | null\n"},
		{"select id, ts, ts::timestamp as ntz, ts::date as d, [v, id] as l, v::utinyint as u, 1.5 as dec from events where id = 2",
			"id bigint, ts timestamp, ntz timestamp_ntz, d date, l array<bigint>, u integer, dec decimal(2,1)",
			"2 | 2024-01-01T12:00:00Z | 2024-01-01T12:00:00Z | 2024-01-01 | [5,2] | 5 | 1.5\n"},
		{"select id, row_number() over (partition by id order by ts) as n, list(v order by v) over (partition by id) as l from events order by id, n",
			"id bigint, n bigint, l array<bigint>", "1 | 1 | [10,20]\n1 | 2 | [10,20]\n2 | 1 | [5]\n"},
		{"select i, unnest([1,2]) as u from range(2) t(i) order by i, u limit 3", "i bigint, u integer", "0 | 1\n0 | 2\n1 | 1\n"},
		{"select e.id, u.name from events e asof join users u on e.id >= u.id where exists (select 1 from users where users.id = e.id) and v > 10", "id bigint, name string", "1 | ann\n"},
		{"select list(v order by v desc) as l, string_agg(v::varchar, '+' order by v) as s from events", "l array<bigint>, s string", "[20,10,5] | 5+10+20\n"},
		{"select id from users where false", "id bigint", ""},
		{"-- only a comment\nselect 1 as one -- end ;", "one integer", "1\n"},
	} {
		s, err := e.QuerySchema(context.Background(), c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		var told []string
		for _, f := range s.Fields() {
			told = append(told, f.Name+" "+schema.TypeName(f.Type))
		}
		dst := filepath.Join(scratch, "out.parquet")
		n, err := e.Query(context.Background(), c.sql, dst)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		types, rows := read(t, dst)
		if types != c.types || strings.Join(told, ", ") != c.types || rows != c.rows || int(n) != strings.Count(c.rows, "\n") {
			t.Errorf("%s\ngot  %s (told %s), %d rows\n%swant %s\n%s", c.sql, types, told, n, rows, c.types, c.rows)
		}
	}
}

// Each way out of the fence is refused.
// Rule: S-510.
func TestQuery_Fence(t *testing.T) {
	e, scratch, outside := fixture(t)
	if err := os.WriteFile(filepath.Join(scratch, "x.csv"), []byte("a\n1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sql   string
		code  fault.Code
		parts []string
	}{
		{"select * from read_csv('/etc/passwd')", sql.Fenced, []string{"read_csv", "[[reader]]"}},
		{"select * from '/etc/passwd'", sql.UnknownTable, nil},
		{"select * from read_parquet('" + outside + "')", sql.Fenced, nil},
		{"select * from '" + outside + "'", sql.UnknownTable, nil},
		{"select * from glob('/etc/*')", sql.Fenced, nil},
		{"select * from read_text('" + scratch + "/x.csv')", sql.Fenced, nil},
		{"select * from read_blob('" + scratch + "/x.csv')", sql.Fenced, nil},
		{"select * from read_json('" + scratch + "/x.csv')", sql.Fenced, nil},
		{"select * from sniff_csv('" + scratch + "/x.csv')", sql.Fenced, nil},
		{"select * from parquet_schema('" + outside + "')", sql.Fenced, nil},
		{"select * from (select * from read_csv('/etc/passwd'))", sql.Fenced, nil},
		{"with c as (select * from read_csv('/etc/passwd')) select * from users", sql.Fenced, nil},
		{"select (select count(*) from glob('/*')) as n", sql.Fenced, nil},
		{"select * from users where id in (select 1 from read_text('/etc/passwd'))", sql.Fenced, nil},
		{"copy users to '" + scratch + "/y.csv'", sql.Fenced, []string{"SELECT"}},
		{"copy (select 1) to '/tmp/y.csv'", sql.Fenced, nil},
		{"attach '/tmp/z.db'", sql.Fenced, nil},
		{"install httpfs", sql.Fenced, nil},
		{"load httpfs", sql.Fenced, nil},
		{"set threads=1", sql.Fenced, nil},
		{"pragma database_list", sql.Fenced, nil},
		{"create table t as select 1", sql.Fenced, nil},
		{"create view v as select 1", sql.Fenced, nil},
		{"insert into users values (3, 'x')", sql.Fenced, nil},
		{"drop view users", sql.Fenced, nil},
		{"call pragma_version()", sql.Fenced, nil},
		{"export database '/tmp/db'", sql.Fenced, nil},
		{"explain select 1", sql.Fenced, nil},
		{"select * from (describe users)", sql.Fenced, nil},
		{"select * from duckdb_settings()", sql.Fenced, nil},
		{"select * from pragma_table_info('users')", sql.Fenced, nil},
		{"select * from query('select 1')", sql.Fenced, nil},
		{"select * from query_table('users')", sql.Fenced, nil},
		{"select * from information_schema.tables", sql.UnknownTable, nil},
		{"select * from duckdb_tables", sql.UnknownTable, nil},
		{"select * from main.users", sql.UnknownTable, nil},
		{"select getenv('HOME') as h", sql.NotRepeatable, nil},
		{"select current_setting('threads') as h", sql.NotRepeatable, nil},
		{"select now() as n", sql.NotRepeatable, nil},
		{"select current_date as n", sql.NotRepeatable, nil},
		{"select id, random() as r from users", sql.NotRepeatable, nil},
		{"select * from users using sample 1", sql.OrderDependent, nil},
		{"select * from users tablesample 10%", sql.OrderDependent, nil},
		{"select * from users limit 1", sql.OrderDependent, []string{"ORDER BY"}},
		{"select distinct on (id) * from events", sql.OrderDependent, nil},
		{"select first(v) as f from events", sql.OrderDependent, nil},
		{"select any_value(v) as f from events", sql.OrderDependent, nil},
		{"select list(v) as f from events", sql.OrderDependent, nil},
		{"select list(v) over () as f from events", sql.OrderDependent, nil},
		{"select row_number() over () as n from events", sql.OrderDependent, nil},
		{"select * from users positional join events", sql.OrderDependent, nil},
		{"select 1; select 2", sql.NotOneThing, []string{"2 statements"}},
		{"select $1 as p", sql.NotOneThing, nil},
		{"select * from userz", sql.UnknownTable, []string{`did you mean "users"`, "1:15"}},
		{"select nam from users", sql.UnknownColumn, []string{"nam", "line 1"}},
		{"select nosuch(id) as n from users", sql.UnknownFunction, nil},
		{"select * frm users", sql.BadSyntax, []string{"1:14"}},
		{"", sql.BadSyntax, []string{"empty"}},
		{"select id, id from users", sql.BadTypes, []string{`"id"`, "AS"}},
		{"select {'a': id} as s from users", sql.BadTypes, []string{"struct"}},
	} {
		_, err := e.QuerySchema(context.Background(), c.sql)
		wantCode(t, c.sql, err, c.code, append(c.parts, "query: ")...)
		dst := filepath.Join(scratch, "fence.parquet")
		if _, err := e.Query(context.Background(), c.sql, dst); !fault.Is(err, c.code) {
			t.Errorf("%s runs: %v", c.sql, err)
		}
		if _, err := os.Stat(dst); err == nil {
			t.Errorf("%s left a file", c.sql)
		}
	}
	for _, dst := range []string{"/tmp/featurehost-outside.parquet", filepath.Join(scratch, "..", "x.parquet")} {
		_, err := e.Query(context.Background(), "select 1 as one", dst)
		wantCode(t, dst, err, sql.BadOptions)
	}
}

func TestQuery_FailsOnAValue(t *testing.T) {
	e, scratch, _ := fixture(t)
	dst := filepath.Join(scratch, "x.parquet")
	_, err := e.Query(context.Background(), "select name::bigint as n from users", dst)
	wantCode(t, "cast", err, sql.ComputationFailed, "ann")
	if _, err := os.Stat(dst); err == nil {
		t.Error("a file was left behind")
	}
}

func TestQuery_OutOfMemory(t *testing.T) {
	scratch := t.TempDir()
	e := open(t, sql.Options{Scratch: scratch, MemoryBytes: 32 << 20})
	_, err := e.Query(context.Background(), "select list(i order by i) as l from range(50000000) t(i)", filepath.Join(scratch, "x.parquet"))
	wantCode(t, "memory", err, sql.OutOfMemory, "--memory")
	if n, err := e.Query(context.Background(), "select i from range(2000000) t(i) order by hash(i)", filepath.Join(scratch, "y.parquet")); err != nil || n != 2000000 {
		t.Errorf("a sort that spills: %d rows, %v", n, err)
	}
}

func TestRegister_ProjectionWhereReplace(t *testing.T) {
	e, scratch, outside := fixture(t)
	ctx := context.Background()
	rows := func(q string) string {
		t.Helper()
		dst := filepath.Join(scratch, "r.parquet")
		if _, err := e.Query(ctx, q, dst); err != nil {
			t.Fatal(err)
		}
		_, got := read(t, dst)
		return got
	}
	if err := e.Register(ctx, "extra", flow.Relation{Format: "parquet", Paths: []string{outside}, Columns: []string{"name"}, Where: []string{"id > 1", "name <> 'x'"}}); err != nil {
		t.Fatal(err)
	}
	if got := rows("select * from extra"); got != "bob\n" {
		t.Errorf("got %q", got)
	}
	if err := e.Register(ctx, "extra", flow.Relation{Format: "parquet", Paths: []string{outside}, Columns: []string{"id"}}); err != nil {
		t.Fatal(err)
	}
	if got := rows("select * from extra order by 1"); got != "1\n2\n" {
		t.Errorf("after replacing: %q", got)
	}
	for name, c := range map[string]struct {
		name string
		rel  flow.Relation
		code fault.Code
		part string
	}{
		"case":        {"Extra", flow.Relation{Format: "parquet", Paths: []string{outside}}, sql.BadRelation, "Extra"},
		"column":      {"b", flow.Relation{Format: "parquet", Paths: []string{outside}, Columns: []string{"nam"}}, sql.UnknownColumn, `"name"`},
		"where":       {"b", flow.Relation{Format: "parquet", Paths: []string{outside}, Where: []string{"idd > 1"}}, sql.UnknownColumn, `"id"`},
		"where reads": {"b", flow.Relation{Format: "parquet", Paths: []string{outside}, Where: []string{"true) union (select * from users"}}, sql.BadSyntax, ""},
		"where clock": {"b", flow.Relation{Format: "parquet", Paths: []string{outside}, Where: []string{"now() > now()"}}, sql.NotRepeatable, ""},
		"no files":    {"b", flow.Relation{Format: "parquet"}, sql.BadRelation, "no files"},
		"missing":     {"b", flow.Relation{Format: "parquet", Paths: []string{"/nope/x.parquet"}}, sql.FileTrouble, "x.parquet"},
		"no parquet":  {"b", flow.Relation{Format: "parquet", Paths: []string{"query_test.go"}}, sql.BadFile, ""},
		"format":      {"b", flow.Relation{Format: "xml", Paths: []string{outside}}, sql.BadRelation, "xml"},
	} {
		wantCode(t, name, e.Register(ctx, c.name, c.rel), c.code, c.part)
	}
	fenced := open(t, sql.Options{Allowed: []string{scratch}})
	wantCode(t, "outside", fenced.Register(ctx, "x", flow.Relation{Format: "parquet", Paths: []string{outside}}), sql.Fenced, outside)
}

// The second line of defence holds when the first is not asked: the locked
// database itself refuses files.
func TestQuery_LockedDatabaseRefusesFiles(t *testing.T) {
	e, _, outside := fixture(t)
	for _, text := range []string{
		"select * from read_parquet('" + outside + "')", "select * from read_text('/etc/passwd')", "copy (select 1) to '/tmp/featurehost-y.csv'",
		"set lock_configuration=false", "set enable_external_access=true", "attach '/tmp/featurehost-z.db'", "install httpfs", "load httpfs",
	} {
		if err := sql.Unguarded(e, text); err == nil {
			t.Errorf("%s runs", text)
		}
	}
	if err := sql.Unguarded(e, "select * from users"); err != nil {
		t.Error(err)
	}
}

func TestEngine_ConcurrentUse(t *testing.T) {
	e, scratch, outside := fixture(t)
	ctx := context.Background()
	in, _ := schema.Parse("a bigint")
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			switch i % 3 {
			case 0:
				for range 5 {
					if _, err := e.QuerySchema(ctx, "select * from users"); err != nil {
						t.Error(err)
					}
				}
			case 1:
				if _, err := e.Query(ctx, "select * from events", filepath.Join(scratch, string(rune('a'+i))+".parquet")); err != nil {
					t.Error(err)
				}
				if err := e.Register(ctx, "t"+string(rune('a'+i)), flow.Relation{Format: "parquet", Paths: []string{outside}}); err != nil {
					t.Error(err)
				}
			default:
				for range 5 {
					ev, err := e.Expressions(ctx, in, []flow.Expr{{Name: "x", SQL: "a + 1"}})
					if err != nil {
						t.Error(err)
						continue
					}
					ev.Close()
				}
			}
		}()
	}
	wait.Wait()
}
