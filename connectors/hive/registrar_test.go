package hive_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func columns(t testing.TB, text string) *arrow.Schema {
	t.Helper()
	r := hosttest.Record(t, text)
	defer r.Release()
	return r.Schema()
}

func day(t testing.TB, s string) flow.Day {
	t.Helper()
	d, err := flow.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type harness struct {
	*hive.Registrar
	m     *hive.Metastore
	db    string
	table historical.Table
	t     *testing.T
}

func open(t *testing.T, address string) *harness {
	t.Helper()
	h := config.Hive{Metastore: address, Database: servertest.Name(t)}
	r, err := hive.NewRegistrar(h, hive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	m, err := hive.NewMetastore(h, hive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); m.Close() })
	return &harness{r, m, h.Database, historical.Table{Entity: "customer", Set: "Spend", Location: t.TempDir() + "/historical/customer/Spend",
		Columns: columns(t, "id bigint, timestamp timestamp, amount double")}, t}
}

// location is that of a day of a run.
func (h *harness) location(run, d string) string {
	return "file://" + strings.Replace(h.table.Location, "historical", "data/"+run, 1) + "/" + d
}

func (h *harness) partition(run, d string, rows int64) historical.Partition {
	return historical.Partition{Day: day(h.t, d), Location: h.location(run, d), Rows: rows, Bytes: 10 * rows}
}

// shown lists the partitions as the metastore tells them.
func (h *harness) shown() string {
	h.t.Helper()
	ctx := h.t.Context()
	names, err := h.m.PartitionNames(ctx, h.db, "spend")
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	err = h.m.Partitions(ctx, h.db, "spend", names, func(list []*hm.Partition) error {
		for _, p := range list {
			place, err := hive.LocationOf(p.Sd.Location)
			if err != nil {
				return err
			}
			out = append(out, fmt.Sprintf("%s %s rows=%s cols=%d%s", strings.Join(p.Values, "-"), strings.TrimPrefix(place, strings.TrimSuffix(h.table.Location, "/historical/customer/Spend")),
				p.Parameters["numRows"], len(p.Sd.Cols), p.Parameters["COLUMN_STATS_ACCURATE"]))
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestRegistrar_Publish_TableAndPartitionsKnown(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h, ctx := open(t, address), t.Context()
		if err := h.Check(ctx, h.table); err != nil {
			t.Fatal("of nothing:", err)
		}
		if names, err := h.m.Databases(ctx); err != nil || slices.Contains(names, h.db) {
			t.Fatal("Check has changed something:", err)
		}
		set := []historical.Partition{h.partition("r1", "2024-01-31", 3), h.partition("r1", "2024-02-01", 4)}
		for range 2 { // it may be called again
			if err := h.Publish(ctx, h.table, set, []flow.Day{day(t, "2023-12-31")}); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := h.shown(), "2024-1-31 /data/r1/customer/Spend/2024-01-31 rows=3 cols=3\n2024-2-1 /data/r1/customer/Spend/2024-02-01 rows=4 cols=3"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		table, err := h.m.Table(ctx, h.db, "Spend")
		if err != nil {
			t.Fatal(err)
		}
		if table.TableType != "EXTERNAL_TABLE" || table.Parameters["EXTERNAL"] != "TRUE" || table.Parameters["external.table.purge"] != "false" {
			t.Errorf("the table is %s with %v", table.TableType, table.Parameters)
		}
		if err := h.Check(ctx, h.table); err != nil {
			t.Error("of our own table:", err)
		}

		// A re-run: one day elsewhere, one gone, one new.
		err = h.Publish(ctx, h.table, []historical.Partition{h.partition("r2", "2024-01-31", 5), h.partition("r2", "2024-02-02", 1)}, []flow.Day{day(t, "2024-02-01"), day(t, "2024-02-03")})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := h.shown(), "2024-1-31 /data/r2/customer/Spend/2024-01-31 rows=5 cols=3\n2024-2-2 /data/r2/customer/Spend/2024-02-02 rows=1 cols=3"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// Rule: S-1204.
func TestRegistrar_Check_OnlyNewColumnsFit(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h, ctx := open(t, address), t.Context()
		if err := h.Publish(ctx, h.table, []historical.Partition{h.partition("r1", "2024-01-31", 3)}, nil); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]string{
			"id bigint, timestamp timestamp, amount double, more array<double>": "",
			"more int, amount double, id bigint, timestamp timestamp":           "",
			"id bigint, timestamp timestamp":                                    `has a column "amount"`,
			"id int, timestamp timestamp, amount double":                        `column "id" of "` + h.db + `.spend" is of type bigint, and int`,
		} {
			other := h.table
			other.Columns = columns(t, text)
			for name, err := range map[string]error{"check": h.Check(ctx, other), "publish": publishUnless(want == "", h, other)} {
				if want == "" && err != nil || want != "" && (!fault.Is(err, hive.TableDiffers) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "featurehost migrate")) {
					t.Errorf("%s of %s: %v", name, text, err)
				}
			}
		}
		wider := h.table
		wider.Columns = columns(t, "id bigint, timestamp timestamp, more array<double>, amount double")
		if err := h.Publish(ctx, wider, []historical.Partition{h.partition("r2", "2024-02-01", 4)}, nil); err != nil {
			t.Fatal(err)
		}
		table, err := h.m.Table(ctx, h.db, "spend")
		if err != nil || len(table.Sd.Cols) != 4 || table.Sd.Cols[3].Name != "more" || table.Sd.Cols[3].Type != "array<double>" || len(table.PartitionKeys) != 3 {
			t.Errorf("columns are %v (%v)", table.Sd.Cols, err)
		}
		if got := h.shown(); !strings.Contains(got, "rows=3 cols=3") || !strings.Contains(got, "rows=4 cols=4") {
			t.Error(got)
		}
	})
}

func publishUnless(skip bool, h *harness, t historical.Table) error {
	if skip {
		return nil
	}
	return h.Publish(context.Background(), t, nil, nil)
}

func TestRegistrar_TableOfAnother_Refused(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h, ctx := open(t, address), t.Context()
		if err := h.Publish(ctx, h.table, nil, nil); err != nil {
			t.Fatal(err)
		}
		ours, err := h.m.Table(ctx, h.db, "spend")
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := h.table
		elsewhere.Location += "2"
		if err := h.Check(ctx, elsewhere); !fault.Is(err, hive.NotOurs) || !strings.Contains(err.Error(), "lies at") {
			t.Error("elsewhere:", err)
		}
		for set, c := range map[string]struct {
			change func(*hm.Table)
			want   string
		}{
			"managed": {func(t *hm.Table) {
				t.TableType, t.Parameters = "MANAGED_TABLE", map[string]string{}
			}, "managed by Hive"},
			"view": {func(t *hm.Table) {
				t.TableType, t.ViewOriginalText, t.ViewExpandedText, t.PartitionKeys = "VIRTUAL_VIEW", "select 1", "select 1", nil
			}, "is a view"},
			"text": {func(t *hm.Table) {
				t.Sd.SerdeInfo.SerializationLib = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
			}, "not stored as Parquet"},
			"flat": {func(t *hm.Table) { t.PartitionKeys = nil }, "is partitioned by (), and not"},
		} {
			other := *ours
			sd, serde := *ours.Sd, *ours.Sd.SerdeInfo
			sd.SerdeInfo, sd.Location = &serde, ours.Sd.Location
			other.Sd, other.TableName, other.CreateTime = &sd, set, 0
			other.ID = nil
			c.change(&other)
			if err := h.m.CreateTable(ctx, &other); err != nil {
				t.Errorf("%s: %v", set, err)
				continue
			}
			mine := h.table
			mine.Set = set
			if set == "managed" { // a Hive 4 makes it external and lays it elsewhere
				now, err := h.m.Table(ctx, h.db, set)
				if err != nil {
					t.Fatal(err)
				}
				mine.Location = now.Sd.Location
				if now.TableType == "EXTERNAL_TABLE" {
					continue
				}
			}
			if err := h.Check(ctx, mine); !fault.Is(err, hive.NotOurs) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), set) {
				t.Errorf("%s: %v", set, err)
			}
			if err := h.Publish(ctx, mine, nil, nil); !fault.Is(err, hive.NotOurs) {
				t.Errorf("publish over %s: %v", set, err)
			}
		}
	})
}

// Many days change in one call, so that a reader of the catalogue never sees
// some of them (M4).
func TestRegistrar_Rerun_OneSwap(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h, ctx := open(t, address), t.Context()
		first := day(t, "2024-01-01")
		runs := func(run string) (set []historical.Partition) {
			for i := range 250 {
				set = append(set, h.partition(run, (first+flow.Day(i)).String(), 1))
			}
			return set
		}
		if err := h.Publish(ctx, h.table, runs("r1"), nil); err != nil {
			t.Fatal(err)
		}
		stop, done := make(chan struct{}), make(chan map[string]int)
		reader, err := hive.NewMetastore(config.Hive{Metastore: address}, hive.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { reader.Close() })
		names, err := reader.PartitionNames(ctx, h.db, "spend")
		if err != nil || len(names) != 250 {
			t.Fatal(len(names), err)
		}
		go func() {
			seen := map[string]int{}
			for {
				select {
				case <-stop:
					done <- seen
					return
				default:
				}
				runs := map[string]int{}
				err := reader.Partitions(ctx, h.db, "spend", names, func(list []*hm.Partition) error {
					for _, p := range list {
						runs[strings.Split(strings.Split(p.Sd.Location, "/data/")[1], "/")[0]]++
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				seen[fmt.Sprint(runs)]++
			}
		}()
		before := h.Registrar.Calls()["alter_partitions"]
		for _, run := range []string{"r2", "r3"} {
			if err := h.Publish(ctx, h.table, runs(run), nil); err != nil {
				t.Error(err)
			}
		}
		close(stop)
		seen := <-done
		for s := range seen {
			if !slices.Contains([]string{"map[r1:250]", "map[r2:250]", "map[r3:250]"}, s) {
				t.Errorf("a reader saw %s", s)
			}
		}
		if n := h.Registrar.Calls()["alter_partitions"] - before; n != 2 {
			t.Errorf("two runs took %d calls", n)
		}
		t.Log(seen)
	})
}

func TestRegistrar_PaddedDayOfAnotherTool_NotCountedTwice(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h, ctx := open(t, address), t.Context()
		if err := h.Publish(ctx, h.table, []historical.Partition{h.partition("r1", "2024-01-02", 1)}, nil); err != nil {
			t.Fatal(err)
		}
		var padded *hm.Partition
		if err := h.m.Partitions(ctx, h.db, "spend", []string{"year=2024/month=1/day=2"}, func(l []*hm.Partition) error { padded = l[0]; return nil }); err != nil {
			t.Fatal(err)
		}
		padded.Values = []string{"2024", "01", "02"}
		if err := h.m.AddPartitions(ctx, h.db, "spend", []*hm.Partition{padded}); err != nil {
			t.Fatal(err)
		}
		if err := h.Publish(ctx, h.table, []historical.Partition{h.partition("r2", "2024-01-02", 2)}, nil); err != nil {
			t.Fatal(err)
		}
		if got, want := h.shown(), "2024-1-2 /data/r2/customer/Spend/2024-01-02 rows=2 cols=3"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestRegistrar_Migration_ToldAppliedAndRefused(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h, ctx := open(t, address), t.Context()
		texts := func(m flow.Migration) string {
			var out []string
			for _, c := range m.Changes {
				line := c.Text
				if c.Loses {
					line += " (loses)"
				}
				if c.Refused != "" {
					line += " (refused)"
				}
				out = append(out, strings.ReplaceAll(line, h.db, "DB"))
			}
			return strings.Join(out, "; ")
		}
		for _, c := range []struct{ columns, want string }{
			{"id bigint, timestamp timestamp, amount double", "create database DB; create table DB.spend"},
			{"id bigint, timestamp timestamp, amount double, n int", "add column n int"},
			{"id bigint, timestamp timestamp, amount double", "drop column n int (loses)"},
			{"id bigint, timestamp timestamp, amount double", ""},
			{"id bigint, timestamp timestamp, amount float, b binary", "change column amount from double to float (refused); add column b binary"},
		} {
			next := h.table
			next.Columns = columns(t, c.columns)
			m, err := h.Migration(ctx, next)
			if err != nil || texts(m) != c.want || m.Table != h.db+".spend" {
				t.Fatalf("%s: %q, want %q (%v)", c.columns, texts(m), c.want, err)
			}
			err = h.Migrate(ctx, m)
			if strings.Contains(c.want, "refused") {
				if !fault.Is(err, hive.MigrationRefused) || !strings.Contains(err.Error(), "amount") {
					t.Error(err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.columns, err)
			}
			if err := h.Check(ctx, next); err != nil {
				t.Errorf("after %s: %v", c.columns, err)
			}
		}
		elsewhere := h.table
		elsewhere.Location += "2"
		m, err := h.Migration(ctx, elsewhere)
		if err != nil || texts(m) != "use the table DB.spend (refused)" {
			t.Error(texts(m), err)
		}
		if err := h.Migrate(ctx, flow.Migration{Table: "a.b"}); !fault.Is(err, hive.MigrationRefused) {
			t.Error(err)
		}
	})
}

func TestRegistrar_Probe_SaysWhatIsThere(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := open(t, address)
		f := h.Probe(t.Context())
		if len(f) != 1 || !f[0].OK || !strings.Contains(f[0].Text, "not there yet") || f[0].Server != "metastore "+address {
			t.Errorf("%+v", f)
		}
		if err := h.Publish(t.Context(), h.table, nil, nil); err != nil {
			t.Fatal(err)
		}
		if f := h.Probe(t.Context()); !f[0].OK || !strings.Contains(f[0].Text, h.db) {
			t.Errorf("%+v", f)
		}
	})
}
