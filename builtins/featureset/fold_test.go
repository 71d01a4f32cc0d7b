package featureset

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// Aggregates without windows: groups of (key, timestamp), names in lower case,
// declared types applied, NaN null in columns of floats.
// Rules: S-901, S-902, S-920.
func TestFold_Groups_DeclaredTypes(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: []config.Function{
		{Name: "SUM", Type: "integer"}, {Name: "Avg", Type: "float"}, {Name: "count", Type: "string"}, {Name: "max"}, {Name: "stddev_pop", Type: "string"}}})
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double",
		"1 | 2020-01-01 | 1", "1 | 2020-01-01 | 1.2", "1 | 2020-01-02 | NaN", "1 | 2020-01-02 | 1", "1 | 2020-01-03 | 3e9", "2 | 2020-01-01 | null")
	for _, size := range sizes {
		b := bench{cfg: cfg, batch: size}
		table(t, b.run(t, rows), `
			1 | 2020-01-01 | 2    | 1.100000023841858 | 2 | 1.2 | 0.09999999999999998
			1 | 2020-01-02 | null | null              | 2 | null | NaN
			1 | 2020-01-03 | null | 3e+09             | 1 | 3e+09 | 0.0
			2 | 2020-01-01 | null | null              | 0 | null | null`)
		if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, v__sum integer, v__avg float, v__count string, v__max double, v__stddev_pop string" {
			t.Errorf("columns are %s", got)
		}
		// NaN and 3e9 do not fit an integer.
		if b.counts.N["cast_failures{v__sum}"] != 2 {
			t.Errorf("counts %v", b.counts.N)
		}
	}
}

// An aggregated set of the original is cut before duplicates are removed, so
// the first row of an interval always stays; ours looks at the row before.
// Rules: S-201, S-1105.
func TestFold_CutAndDedup_ByProfile(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double", "1 | 2020-01-01 | 1", "1 | 2020-01-02 | 1", "1 | 2020-01-03 | 1", "1 | 2020-01-04 | 2", "2 | 2020-01-01 | 1", "2 | 2020-01-05 | 1")
	for _, c := range []struct {
		semantics, want     string
		duplicates, outside int64
	}{
		{"butterfree", "1 | 2020-01-02 | 1", 1, 4},
		{"featurehost", "", 3, 3},
	} {
		for _, size := range sizes {
			b := bench{cfg: plainSet(c.semantics, config.Feature{Name: "v", Aggregate: functions("sum")}), interval: days(t, "2020-01-02", "2020-01-03"), batch: size}
			table(t, b.run(t, rows), c.want)
			if b.counts.N["duplicates_dropped{}"] != c.duplicates || b.counts.N["outside_interval{}"] != c.outside {
				t.Errorf("%s: counts are %v", c.semantics, b.counts.N)
			}
		}
	}
}

// The original's rolling sets: the row of the interval's first label stays
// although nothing changed there.
// Rule: S-1105.
func TestFold_Compat_RollingIntervalKeepsItsFirstRow(t *testing.T) {
	cfg := plainSet("butterfree", config.Feature{Name: "v", Aggregate: functions("sum")})
	cfg.Windows = rolling(span(1, "day"), span(5, "days"))
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double", "1 | 2020-01-01T10:00Z | 1")
	for _, size := range sizes {
		b := bench{cfg: cfg, interval: days(t, "2020-01-03", "2020-01-05"), batch: size}
		table(t, b.run(t, rows), "1 | 2020-01-03 | 1")
	}
	cfg.Semantics = ""
	b := bench{cfg: cfg, interval: days(t, "2020-01-03", "2020-01-05")}
	table(t, b.run(t, rows), "")
}

// Labels of the original stand a window after a multiple of the slide, ours on
// a multiple (S-906).
func TestFold_Grid_ByProfile(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")})
	cfg.Windows = rolling(span(12, "hours"), span(18, "hours"))
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double", "1 | 2020-01-01T01:00Z | 1")
	b := bench{cfg: cfg, interval: days(t, "", "2020-01-03")}
	table(t, b.run(t, rows), "1 | 2020-01-01T12:00:00Z | 1\n 1 | 2020-01-02 | null")
	b.cfg.Semantics = "butterfree"
	table(t, b.run(t, rows), "1 | 2020-01-01T06:00:00Z | 1")
}

// Cut anywhere, a table is trimmed alike: also when the row before the first
// of a batch is outside the interval, or of another key.
func TestTrim_SplitBatches_SameRows(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, timestamp timestamp, v double",
		"1 | 2020-01-01 | 1", "1 | 2020-01-02 | 1", "1 | 2020-01-03 | 1", "1 | 2020-01-04 | 1", "1 | 2020-01-05 | 2", "2 | 2020-01-03 | 2", "2 | 2020-01-09 | 2")
	for _, c := range []struct {
		cutFirst bool
		want     string
	}{
		{true, "1 | 2020-01-02 | 1\n 1 | 2020-01-05 | 2\n 2 | 2020-01-03 | 2"},
		{false, "1 | 2020-01-05 | 2\n 2 | 2020-01-03 | 2"},
	} {
		for size := 1; size <= 7; size++ {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			counts := &hosttest.Counts{}
			s := &Set{mem: mem, env: flow.Env{Counter: counts}, interval: days(t, "2020-01-02", "2020-01-05")}
			s.cfg.Keys, s.cfg.DeduplicateRows = []config.Key{{Name: "id"}}, true
			trim := s.newTrim(3)
			trim.cutFirst = c.cutFirst
			got := ""
			for at := 0; at < 7; at += size {
				one := rows.NewSlice(int64(at), int64(min(at+size, 7)))
				if out, err := trim.apply(one); err != nil {
					t.Fatal(err)
				} else if out != nil {
					got += hosttest.Text(out)
					out.Release()
				}
				one.Release()
			}
			trim.release()
			mem.AssertSize(t, 0)
			table(t, got, c.want)
		}
	}
}

// What the windows hand over is given back, cast or not.
func TestFold_Typed_NothingLeaks(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: []config.Function{{Name: "sum", Type: "integer"}, {Name: "avg"}}})
	_, fold, _, _, err := opened(t, cfg, nil, eventColumns)
	if err != nil {
		t.Fatal(err)
	}
	f := fold.(*Fold)
	f.set.mem = mem
	made, err := f.inner.Open(context.Background(), f.in)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(mem, made)
	b.Field(0).(*array.Int64Builder).Append(1)
	b.Field(1).(*array.TimestampBuilder).Append(0)
	b.Field(2).(*array.Float64Builder).Append(2.5)
	b.Field(3).(*array.Float64Builder).Append(math.NaN())
	var out hosttest.Recorder
	if err := f.finishing(out.Emit)(flow.Batch{Record: b.NewRecordBatch()}); err != nil {
		t.Fatal(err)
	}
	b.Release()
	table(t, out.Text(), "1 | 1970-01-01 | 2 | null")
	out.Release()
	f.trim.release()
}

// Rule: S-1107.
func TestFold_NullTimestamp_OutsideEveryInterval(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint", "1 | null | 1", "1 | 1900-01-01 | 2")
	cfg := plainSet("butterfree", config.Feature{Name: "v"})
	b := bench{cfg: cfg}
	table(t, b.run(t, rows), "1 | null | 1\n 1 | 1900-01-01 | 2")
	b.interval = days(t, "", "2000-01-01")
	table(t, b.run(t, rows), "1 | 1900-01-01 | 2")
}

// Rule: S-910.
func TestFold_Rolling_RowsWithData(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")})
	cfg.Windows = rolling(span(1, "day"), span(1, "day"))
	cfg.Windows.Rows = "with_data"
	b := bench{cfg: cfg}
	table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, v double", "1 | 2020-01-01T10:00Z | 1", "1 | 2020-01-05T10:00Z | 2")),
		"1 | 2020-01-02 | 1\n 1 | 2020-01-06 | 2")
}

// Rules: S-910, S-1106.
func TestFold_NoDedup_EveryLabel(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")})
	cfg.DeduplicateRows = false
	cfg.Windows = rolling(span(1, "day"), span(2, "days"))
	b := bench{cfg: cfg, interval: days(t, "2020-01-03", "2020-01-04")}
	table(t, b.run(t, hosttest.Record(t, "id bigint, ts timestamp, v double", "1 | 2020-01-01T10:00Z | 1")),
		"1 | 2020-01-03 | 1\n 1 | 2020-01-04 | null")
	if len(b.counts.N) != 0 { // labels before the interval are not made in the first place
		t.Errorf("counts %v", b.counts.N)
	}
}

// Values that are equal by value are duplicates, whatever their bytes.
// Rules: S-305, S-1101.
func TestFold_Dedup_ValueEquality(t *testing.T) {
	for _, c := range []struct {
		typ  string
		rows []string // values of consecutive days; those marked = are duplicates
	}{
		{"double", []string{"0", "=-0.0", "NaN", "=NaN", "null", "=null", "1", "NaN", "-0.0"}},
		{"float", []string{"-0.0", "=0", "1.5", "null", "NaN", "=NaN"}},
		{"boolean", []string{"true", "=true", "false", "null", "=null", "false"}},
		{"integer", []string{"1", "=1", "2", "null", "2"}},
		{"date", []string{"2020-01-01", "=2020-01-01", "2020-01-02", "null", "=null"}},
		{"timestamp", []string{"2020-01-01", "=2020-01-01", "2020-01-02"}},
		{"string", []string{"a", "=a", "ab", "", "=", "null", ""}},
		{"binary", []string{"YQ==", "=YQ==", "YWI=", "null", "=null"}},
		{"decimal(30,2)", []string{"1.00", "=1", "123456789012345678901.00", "=123456789012345678901", "null"}},
		{"array<double>", []string{"[1]", "=[1]", "[1,2]", "[]", "=[]", "null", "=null", "[null]", "=[null]", "[2]"}},
		{"array<string>", []string{`["a","b"]`, `=["a","b"]`, `["a","c"]`, `["a"]`}},
	} {
		t.Run(c.typ, func(t *testing.T) {
			var rows []string
			want := ""
			for i, v := range c.rows {
				duplicate := strings.HasPrefix(v, "=")
				row := fmt.Sprintf("1 | 2020-01-%02d | %s", i+1, strings.TrimPrefix(v, "="))
				rows = append(rows, row)
				if !duplicate {
					want += fmt.Sprintf("2020-01-%02d\n", i+1)
				}
			}
			in := hosttest.Record(t, "id bigint, ts timestamp, v "+c.typ, rows...)
			for _, size := range sizes {
				b := bench{cfg: plainSet("", config.Feature{Name: "v"}), batch: size}
				got := ""
				for _, line := range strings.Split(strings.TrimSpace(b.run(t, in)), "\n") {
					got += strings.TrimSpace(strings.Split(line, "|")[1]) + "\n"
				}
				if got != want {
					t.Errorf("batches of %d: kept\n%swant\n%s", size, got, want)
				}
			}
		})
	}
}

// Key and timestamp are no unique key: rows that differ in a feature all stay,
// in the order of their content.
// Rule: S-1102.
func TestFold_SameInstant_DifferentFeaturesStay(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, v bigint", "1 | 2020-01-01 | 3", "1 | 2020-01-01 | 1", "1 | 2020-01-01 | 3", "1 | 2020-01-01 | 2")
	for _, semantics := range []string{"featurehost", "butterfree"} {
		for _, size := range sizes {
			b := bench{cfg: plainSet(semantics, config.Feature{Name: "v"}), batch: size}
			table(t, b.run(t, rows), "1 | 2020-01-01 | 1\n 1 | 2020-01-01 | 2\n 1 | 2020-01-01 | 3")
		}
	}
}

// A set without features: the first row of a key has no other to differ from.
// Rule: S-1101.
func TestFold_NoFeatures_FirstRowOfAKey(t *testing.T) {
	b := bench{cfg: plainSet("")}
	rows := hosttest.Record(t, "id bigint, ts timestamp", "1 | 2020-01-01", "1 | 2020-01-02", "2 | 2020-01-01")
	table(t, b.run(t, rows), "1 | 2020-01-01\n 2 | 2020-01-01")
	b.cfg.DeduplicateRows = false
	table(t, b.run(t, rows), "1 | 2020-01-01\n 1 | 2020-01-02\n 2 | 2020-01-01")
}

// events draws rows with ties, nulls, repeats and all the numbers that bite.
func events(t *rapid.T) []string {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%s | %s | %s | %s",
			rapid.SampledFrom([]string{"1", "2", "3", "null"}).Draw(t, "id"),
			rapid.SampledFrom([]string{"2020-01-01", "2020-01-01T10:00Z", "2020-01-02", "2020-01-02T23:59:59Z", "2020-01-05", "2020-01-09T01:00Z", "null"}).Draw(t, "ts"),
			rapid.SampledFrom([]string{"0", "-0.0", "NaN", "1", "1e16", "-1e16", "null", "+Inf"}).Draw(t, "v"),
			rapid.SampledFrom([]string{"a", "b", "null"}).Draw(t, "s"))
	}), 0, 30).Draw(t, "events")
}

const eventColumns = "id bigint, ts timestamp, v double, s string"

// shapes are sets of every kind.
func shapes() map[string]config.FeatureSet {
	sets := map[string]config.FeatureSet{}
	for _, semantics := range []string{"featurehost", "butterfree"} {
		sets[semantics+" plain"] = plainSet(semantics, config.Feature{Name: "v", Type: "integer"}, config.Feature{Name: "s"})
		sets[semantics+" groups"] = plainSet(semantics, config.Feature{Name: "v", Aggregate: functions("sum", "count", "last")}, config.Feature{Name: "s", Aggregate: functions("last", "max")})
		days := plainSet(semantics, config.Feature{Name: "v", Aggregate: functions("sum", "first")}, config.Feature{Name: "s", Aggregate: functions("count", "last")})
		days.Windows = rolling(span(1, "day"), span(1, "day"), span(3, "days"))
		sets[semantics+" days"] = days
		hours := days
		hours.Windows = rolling(span(12, "hours"), span(24, "hours"))
		sets[semantics+" hours"] = hours
	}
	return sets
}

// Neither the order of the rows nor how they are cut into batches changes the
// feature table (S-1601, S-1602).
// Rule: S-511.
func TestSet_SplitAndPermutation_SameTable(t *testing.T) {
	for name, cfg := range shapes() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				in := hosttest.Record(t, eventColumns, events(rt)...)
				whole := bench{cfg: cfg, interval: days(t, "", "2020-01-12")}
				want := whole.run(t, in)
				index := make([]int, in.NumRows())
				for i := range index {
					index[i] = i
				}
				if len(index) > 0 {
					index = rapid.Permutation(index).Draw(rt, "order")
				}
				cut := bench{cfg: cfg, interval: whole.interval, batch: rapid.IntRange(1, 7).Draw(rt, "batch")}
				if got := cut.run(t, pick(t, in, index)); got != want {
					rt.Fatalf("got\n%s\nwant\n%s", got, want)
				}
				if fmt.Sprint(cut.counts.N) != fmt.Sprint(whole.counts.N) || len(cut.rejected.Rows) != len(whole.rejected.Rows) {
					rt.Fatalf("counts %v, want %v", cut.counts.N, whole.counts.N)
				}
			})
		})
	}
}

// The rows of adjoining intervals are those of the full run (S-1104).
// Rule: S-1603.
func TestSet_Intervals_UnionIsFullRun(t *testing.T) {
	for name, cfg := range shapes() {
		if !strings.HasPrefix(name, "featurehost") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				cfg := cfg
				cfg.DeduplicateRows = rapid.Bool().Draw(rt, "dedup")
				in := hosttest.Record(t, eventColumns, events(rt)...)
				full := bench{cfg: cfg, interval: days(t, "", "2020-01-12")}
				want := full.run(t, in)
				cut := fmt.Sprintf("2020-01-%02d", rapid.IntRange(1, 11).Draw(rt, "cut"))
				first := bench{cfg: cfg, interval: days(t, "", cut)}
				rest := bench{cfg: cfg, interval: days(t, "", "2020-01-12")}
				after := *first.interval.End + 1
				rest.interval.Start = &after
				got := strings.SplitAfter(first.run(t, in)+rest.run(t, in), "\n")
				all := strings.SplitAfter(want, "\n")
				sort.Strings(got)
				sort.Strings(all)
				if strings.Join(got, "") != strings.Join(all, "") {
					rt.Fatalf("cut after %s: got\n%s\nwant\n%s", cut, strings.Join(got, ""), strings.Join(all, ""))
				}
			})
		})
	}
}

// Every row is used, rejected or counted (S-1608).
func TestSet_Plain_Conservation(t *testing.T) {
	for _, semantics := range []string{"featurehost", "butterfree"} {
		rapid.Check(t, func(rt *rapid.T) {
			in := hosttest.Record(t, eventColumns, events(rt)...)
			b := bench{cfg: plainSet(semantics, config.Feature{Name: "v"}), interval: days(t, "2020-01-02", "2020-01-05"), batch: 4}
			out := strings.Count(b.run(t, in), "\n")
			sum := out + len(b.rejected.Rows) + int(b.counts.N["duplicates_dropped{}"]+b.counts.N["outside_interval{}"])
			if int64(sum) != in.NumRows() {
				rt.Fatalf("%d rows in; %d out, %d rejected, counts %v", in.NumRows(), out, len(b.rejected.Rows), b.counts.N)
			}
		})
	}
}

// Removing duplicates twice is removing them once.
// Rule: S-1103.
func TestSet_Dedup_Idempotent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := hosttest.Record(t, eventColumns, events(rt)...)
		cfg := plainSet("butterfree", config.Feature{Name: "v"}, config.Feature{Name: "s"})
		once := bench{cfg: cfg}
		want := once.run(t, in)
		lines := strings.Split(strings.TrimSuffix(want, "\n"), "\n")
		if want == "" {
			return
		}
		// Other instants, all different, so that the rows keep their order.
		for i, l := range lines {
			p := strings.Split(l, " | ")
			p[1] = fmt.Sprintf("2020-02-01T00:%02d:%02dZ", i/60, i%60)
			lines[i] = strings.Join(p, " | ")
		}
		in2 := hosttest.Record(t, "id bigint, ts timestamp, v double, s string", lines...)
		twice := bench{cfg: cfg}
		if got := twice.run(t, in2); strings.Count(got, "\n") != len(lines) {
			rt.Fatalf("%d rows of %d are left:\n%s", strings.Count(got, "\n"), len(lines), got)
		}
	})
}

// Rules: S-103, S-1301.
func TestLatest_IsLastRowOfEachKey(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := hosttest.Record(t, eventColumns, events(rt)...)
		b := bench{cfg: plainSet("butterfree", config.Feature{Name: "v"}), batch: rapid.IntRange(1, 5).Draw(rt, "batch")}
		last := map[string]string{}
		var keys []string
		for _, l := range strings.Split(strings.TrimSpace(b.run(t, in)), "\n") {
			k, _, _ := strings.Cut(l, " |")
			if last[k] == "" {
				keys = append(keys, k)
			}
			last[k] = l
		}
		want := ""
		for _, k := range keys {
			if last[k] != "" {
				want += last[k] + "\n"
			}
		}
		if got := b.latest(t, in); got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// Copies of a Fold share nothing but counters.
func TestFold_Forks_AreApart(t *testing.T) {
	for name, cfg := range shapes() {
		_, fold, _, _, err := opened(t, cfg, nil, eventColumns)
		if err != nil {
			t.Fatal(err)
		}
		fork, err := fold.Fork(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		_, bounded := fold.(flow.Bounded)
		if _, ok := fork.(flow.Bounded); ok != bounded || bounded != (cfg.Windows != nil) {
			t.Errorf("%s: bounded %v, its fork %v", name, bounded, ok)
		}
		if _, ok := fork.(flow.Keyed); !ok {
			t.Errorf("%s: the fork is no keyed stage", name)
		}
		if err := fork.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cfg := plainSet("", config.Feature{Name: "v"}, config.Feature{Name: "s"})
	_, fold, _, _, err := opened(t, cfg, nil, eventColumns)
	if err != nil {
		t.Fatal(err)
	}
	fork, _ := fold.Fork(context.Background())
	for _, s := range []flow.Stage{fold, fork} {
		var out hosttest.Recorder
		in := hosttest.Batch(t, "id bigint, timestamp timestamp, v double, s string", "1 | 2020-01-01 | 1 | a")
		if err := s.Process(context.Background(), in, out.Emit); err != nil {
			t.Fatal(err)
		}
		table(t, out.Text(), "1 | 2020-01-01 | 1 | a")
		out.Release()
		s.Close()
	}
}

// What an aggregate refuses is about its place in the pipeline file.
func TestFold_FunctionDoesNotFit_PlaceOfTheFunction(t *testing.T) {
	_, _, _, _, err := opened(t, plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")}, config.Feature{Name: "s", Aggregate: functions("count", "avg")}), nil, eventColumns)
	e := fault.As(err)
	if e == nil || e.Place != "feature_set.feature[1].aggregate[1]" || e.Code.Class() != fault.Usage {
		t.Errorf("got %v", err)
	}
}

func TestMarkChanges_SlicedColumns(t *testing.T) {
	const columns = "a bigint, b double, c string, d boolean, e decimal(20,2), f array<bigint>, g float, h integer"
	r := hosttest.Record(t, columns,
		"9 | 9 | z | true | 9 | [9] | 9 | 9",
		"null | null | null | null | null | null | null | null",
		"null | null | null | null | null | null | null | null",
		"1 | 1 | a | true | 1 | [1] | 1 | 1",
		"1 | 1 | a | true | 1 | [1] | 1 | 1",
		"2 | NaN | b | false | 2 | [2] | 2 | 2",
		"null | NaN | b | false | 2 | [2] | null | null")
	s := r.NewSlice(1, 7)
	for i, c := range s.Columns() {
		changed := make([]byte, 6)
		markChanges(c, changed)
		want := []byte{0, 0, 1, 0, 1, 0}
		if i == 0 || i > 5 {
			want[5] = 1
		}
		if string(changed) != string(want) {
			t.Errorf("column %d: %v, want %v", i, changed, want)
		}
		for k := 1; k < 6; k++ {
			if same := sameRow(s, k-1, s, k, []int{i}); same != (want[k] == 0) {
				t.Errorf("column %d, row %d: same is %v", i, k, same)
			}
		}
	}
}

func TestWithoutNaN_KeepsTheRest(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := hosttest.Record(t, "v double, w float", "9 | 9", "NaN | NaN", "1 | 1", "null | null", "-0.0 | -0.0")
	for _, c := range r.Columns() {
		s := array.NewSlice(c, 1, 5)
		out := withoutNaN(mem, s)
		var got []string
		for i := range out.Len() {
			got = append(got, hosttest.Value(out, i))
		}
		if strings.Join(got, " ") != "null 1 null -0" || out.NullN() != 2 {
			t.Errorf("got %v, %d nulls", got, out.NullN())
		}
		out.Release()
	}
	lists := hosttest.Record(t, "v array<bigint>", "[1]")
	if out := withoutNaN(mem, lists.Column(0)); out != lists.Column(0) {
		t.Error("a column that is no float was copied")
	}
}
