package online

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// share publishes rows of a set that shares its entity's view.
func (s *store) share(set, columns string, rows ...string) error {
	s.t.Helper()
	r := hosttest.Record(s.t, columns, rows...)
	defer r.Release()
	k, ctx := s.sink(), context.Background()
	defer k.Close()
	k.shared = true
	run := s.run(0)
	run.Set = set
	if err := k.Open(ctx, run, r.Schema()); err != nil {
		return err
	}
	if err := k.Write(ctx, flow.Batch{Record: r}); err != nil {
		return err
	}
	p, err := k.Prepare(ctx)
	if err != nil {
		return err
	}
	_, err = s.sink().Publish(ctx, p) // which knows the Pending alone
	return err
}

// query prints the rows of a query.
func (s *store) query(sql string) string {
	s.t.Helper()
	c, err := open(s.at.State+"/online.db", forReading, readerPatience)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.close()
	var b strings.Builder
	if err := c.each(context.Background(), sql, nil, func(v []driver.Value) error {
		for _, x := range v {
			fmt.Fprint(&b, x, " ")
		}
		b.WriteString("\n")
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

// Rule: S-1305.
func TestEntity_SetsShareAView_EachItsVersion(t *testing.T) {
	s := newStore(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.share("spend", plain, "1 | 1970-01-03 | 5", "2 | 1970-01-02 | 6"))
	if got := s.query(`SELECT id, timestamp, spend__timestamp, v FROM user WHERE id = 2`); got != "2 86400000000 86400000000 6 \n" {
		t.Error(got)
	}
	must(s.share("visits", "id bigint, timestamp timestamp, pages bigint", "2 | 1970-01-05 | 40", "3 | 1970-01-01 | 7"))
	must(s.share("spend", "id bigint, timestamp timestamp, v double, note string", "1 | 1970-01-02 | 99 | late", "3 | 1970-01-04 | 8 | new"))
	must(s.share("other", "id bigint, timestamp timestamp", "1 | 1970-01-09"))
	day := func(c string) string { return c + ` / 86400000000` }
	got := s.query(`SELECT id, ` + day("timestamp") + `, ` + day("spend__timestamp") + `, v, note, ` + day("visits__timestamp") + `, pages, ` + day("other__timestamp") + ` FROM user ORDER BY id`)
	want := "1 8 2 5 <nil> <nil> <nil> 8 \n" +
		"2 4 1 6 <nil> 4 40 <nil> \n" +
		"3 3 3 8 new 0 7 <nil> \n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if plan := s.query(`EXPLAIN QUERY PLAN SELECT * FROM user WHERE fh_key = x'01'`); strings.Contains(plan, "SCAN user__") {
		t.Errorf("a row of the view is found by reading whole tables:\n%s", plan)
	}
	v := s.vectors()
	defer v.Close()
	x, ok, err := v.Get(context.Background(), "user", "visits", map[string]string{"id": "2"})
	if !ok || err != nil || fmt.Sprint(x.Columns, x.Values) != "[id timestamp pages] [2 1970-01-05T00:00:00Z 40]" {
		t.Error(x, ok, err)
	}
}

// Rule: S-1305.
func TestEntity_Clashes_Refused(t *testing.T) {
	s := newStore(t)
	if err := s.share("spend", plain, "1 | 1970-01-03 | 5"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		columns string
		code    fault.Code
		text    string
	}{
		{"id bigint, timestamp timestamp, V double", SchemaChange, `"V" belongs to feature set "spend"`},
		{"id string, timestamp timestamp, w double", SchemaChange, "the keys of feature set"},
		{"id bigint, timestamp timestamp, visits__timestamp bigint", BadColumn, "keeps for itself"},
	} {
		expect(t, s.share("visits", c.columns), c.code, c.text)
	}
	if got := s.staged(); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	other := newStore(t)
	other.load(0, plain, "1 | 1970-01-03 | 5")
	other.raw(`CREATE TABLE user (id)`)
	expect(t, other.share("spend", plain, "1 | 1970-01-03 | 5"), NotOurs, `"user"`)
}

// As many sets as a view can hold share it; one more is refused, and the others
// go on.
// Rule: S-1305.
func TestEntity_AsManySetsAsAViewHolds_AllLoadAgain(t *testing.T) {
	s := newStore(t)
	set := func(i int) string { return fmt.Sprintf("s%02d", i) }
	load := func(i, day int) error {
		return s.share(set(i), fmt.Sprintf("id bigint, timestamp timestamp, v%02d double", i), fmt.Sprintf("1 | 1970-01-%02d | %d", day, i))
	}
	for i := range maxSets {
		if err := load(i, 2); err != nil {
			t.Fatalf("set %d: %v", i+1, err)
		}
	}
	expect(t, load(maxSets, 2), BadColumn, "60 other sets, as many as can share a view")
	for _, i := range []int{0, maxSets - 1} {
		if err := load(i, 5); err != nil {
			t.Errorf("set %d, again: %v", i+1, err)
		}
	}
	if got := s.query(`SELECT id, timestamp / 86400000000, s00__timestamp / 86400000000, s30__timestamp / 86400000000, v00, v30, v59 FROM user`); got != "1 4 4 1 0 30 59 \n" {
		t.Error(got)
	}
}

// Rule: S-1307.
func TestVectors_TTL_VisibleUntilTimestampAndTTL(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02T00:00:00.000001Z | 5", "2 | 2026-01-03 | 6", "3 | null | 7")
	opened, err := OpenVectors(config.Sink{TTL: &config.TimeSpan{Text: "1 day", N: 1, Unit: "day", Micros: flow.MicrosPerDay}}, s.at)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	v := opened.(*Vectors)
	end := time.Date(2026, 1, 3, 0, 0, 0, 1000, time.UTC)
	for _, c := range []struct {
		now  time.Time
		want []bool
	}{{end.Add(-time.Microsecond), []bool{true, true, false}}, {end, []bool{false, true, false}}, {end.AddDate(1, 0, 0), []bool{false, false, false}}} {
		v.now = func() time.Time { return c.now }
		n := 0
		for i, want := range c.want {
			_, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": fmt.Sprint(i + 1)})
			if err != nil || ok != want {
				t.Errorf("at %s key %d: %v %v", c.now, i+1, ok, err)
			}
			if want {
				n++
			}
		}
		if err := v.All(context.Background(), "user", "spend", func(flow.Vector) error { n--; return nil }); err != nil || n != 0 {
			t.Errorf("at %s: %d too few, %v", c.now, n, err)
		}
	}
}
