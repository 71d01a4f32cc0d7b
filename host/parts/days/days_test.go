package days_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts/days"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const code fault.Code = 222

func interval(t testing.TB, start, end string) flow.Interval {
	t.Helper()
	i, err := flow.ParseInterval(start, end)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// kept passes rows through a filter and its fork, and gives the first column
// of those that stay.
func kept(t testing.TB, by config.Incremental, i flow.Interval, b flow.Batch) string {
	t.Helper()
	defer b.Release()
	f := days.NewFilter(by, i, code)
	out, err := f.Open(t.Context(), b.Record.Schema())
	if err != nil || !out.Equal(b.Record.Schema()) {
		t.Fatal(err)
	}
	copied, err := f.Fork(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, s := range []flow.Stage{f, copied} {
		r := &hosttest.Recorder{}
		if err := s.Process(t.Context(), b, r.Emit); err != nil {
			t.Fatal(err)
		}
		var text []string
		for _, x := range r.Batches {
			for k := range int(x.Rows()) {
				v := hosttest.Value(x.Record.Column(0), k)
				if x.Position.Object != "" && fmt.Sprint(x.Position.Row+int64(k)) != v {
					t.Errorf("row %s is said to be %s", v, x.Position)
				}
				text = append(text, v)
			}
		}
		r.Release()
		if err := s.Flush(t.Context(), r.Emit); err != nil || s.Close() != nil || len(r.Batches) > 0 {
			t.Error(err)
		}
		texts = append(texts, strings.Join(text, " "))
	}
	if texts[0] != texts[1] {
		t.Errorf("the fork keeps %s, the filter %s", texts[1], texts[0])
	}
	return texts[0]
}

// Rules: S-104, S-508.
func TestFilter_EachStrategy_KeepsTheDays(t *testing.T) {
	const columns = "n bigint, at timestamp, day date, s bigint, ms bigint, us bigint, i int, text string, y int, m string, d bigint"
	rows := []string{
		"0 | 2026-01-30T23:59:59.999999Z | 2026-01-30 | 1769817599 | 1769817599999 | 1769817599999999 | 1769817599 | 30.01.2026 | 2026 | 1 | 30",
		"1 | 2026-01-31 | 2026-01-31 | 1769817600 | 1769817600000 | 1769817600000000 | 1769817600 | 31.01.2026 | 2026 | 01 | 31",
		"2 | null | null | null | null | null | null | null | null | 1 | 31",
		"3 | 2026-02-01T23:59:59.999999Z | 2026-02-01 | 1769990399 | 1769990399999 | 1769990399999999 | 1769990399 | 01.02.2026 | 2026 | 2 | 1",
		"4 | 2026-02-02 | 2026-02-02 | 1769990400 | 1769990400000 | 1769990400000000 | 1769990400 | 2 Feb | 2026 | 02 | 30",
	}
	for name, by := range map[string]config.Incremental{
		"timestamp": {Column: "at"}, "date": {Column: "day"}, "seconds": {Column: "s", Unit: "s"}, "milliseconds": {Column: "ms", Unit: "ms"},
		"microseconds": {Column: "us", Unit: "us"}, "int": {Column: "i", Unit: "s"}, "text": {Column: "text", Mask: "%d.%m.%Y"}, "partitions": {Partitions: []string{"y", "m", "d"}},
	} {
		b := hosttest.Batch(t, columns, rows...)
		last := "4"
		if name == "text" || name == "partitions" { // no such day
			last = ""
		}
		for _, c := range []struct{ start, end, want string }{
			{"2026-01-31", "2026-02-01", "1 3"},
			{"2026-01-31", "2026-01-31", "1"},
			{"", "2026-01-31", "0 1"},
			{"2026-02-01", "", strings.TrimSpace("3 " + last)},
			{"", "", strings.TrimSpace("0 1 3 " + last)},
			{"2027-01-01", "", ""},
		} {
			b.Retain()
			if got := kept(t, by, interval(t, c.start, c.end), b); got != c.want {
				t.Errorf("%s from %q to %q: kept %s, want %s", name, c.start, c.end, got, c.want)
			}
		}
		b.Release()
	}
}

// A batch that falls into many runs is copied, one of few is cut.
func TestFilter_AnyRuns_RowsKeepTheirOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.SliceOfN(rapid.Bool(), 1, 40).Draw(rt, "in")
		var rows, want []string
		for i, ok := range in {
			day := "2026-01-01"
			if ok {
				day = "2026-01-02"
				want = append(want, fmt.Sprint(i))
			}
			rows = append(rows, fmt.Sprintf("%d | %s", i, day))
		}
		if got := kept(t, config.Incremental{Column: "day"}, interval(t, "2026-01-02", ""), hosttest.Batch(t, "n bigint, day date", rows...)); got != strings.Join(want, " ") {
			rt.Fatalf("kept %s, want %v", got, want)
		}
	})
}

func TestFilter_BatchesGivenBack(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	s := arrow.NewSchema([]arrow.Field{{Name: "day", Type: arrow.FixedWidthTypes.Date32}}, nil)
	for _, step := range []int{1, 2, 30} {
		b := array.NewRecordBuilder(mem, s)
		for i := range 60 {
			b.Field(0).(*array.Date32Builder).Append(arrow.Date32(i / step % 2))
		}
		r := b.NewRecordBatch()
		b.Release()
		day := flow.Day(1)
		f := days.NewFilter(config.Incremental{Column: "day"}, flow.Interval{Start: &day}, code)
		if _, err := f.Open(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		err := f.Process(t.Context(), flow.Batch{Record: r}, func(b flow.Batch) error { rows += b.Rows(); b.Release(); return nil })
		if err != nil || rows != 30 {
			t.Errorf("%d rows, %v", rows, err)
		}
		r.Release()
	}
}

func TestFilter_Refused(t *testing.T) {
	s := hosttest.Record(t, "at timestamp, day date, n bigint, f double, text string, y int").Schema()
	for want, by := range map[string]config.Incremental{
		`incremental column "dya" is not among the columns that the prepare steps give: at, day, n, f, text, y; rows are cut`: {Column: "dya"},
		`incremental column "n" is of type bigint: say what it counts`:                                                        {Column: "n"},
		`of type bigint: mask is for texts`:                                                                                   {Column: "n", Unit: "s", Mask: "%Y"},
		`of type double: a date, a timestamp, a whole number`:                                                                 {Column: "f"},
		`of type string: say how it writes the time`:                                                                          {Column: "text"},
		`of type timestamp: unit is for numbers`:                                                                              {Column: "at", Unit: "s"},
		`of type date: unit is for numbers`:                                                                                   {Column: "day", Mask: "%Y"},
		`%Q`:                                                                                                                  {Column: "text", Mask: "%Q"},
		`incremental partition "f" is of type double: a whole number or a `:                                                   {Partitions: []string{"y", "f", "n"}},
		`name 2 columns: three are needed`:                                                                                    {Partitions: []string{"y", "n"}},
	} {
		_, err := days.NewFilter(by, flow.Interval{}, code).Open(context.Background(), s)
		if !fault.Is(err, code) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", by, err, want)
		}
	}
}

// Rule: S-105.
func TestMicros_AnyTime_FlooredOrAtTheEnds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.Int64().Draw(rt, "v")
		at := time.Unix(0, v)
		if got := days.Micros(v, arrow.Nanosecond); got != at.UnixMicro() {
			rt.Fatalf("%d ns is %d us, want %d", v, got, at.UnixMicro())
		}
		for u, n := range map[arrow.TimeUnit]int64{arrow.Second: 1_000_000, arrow.Millisecond: 1_000, arrow.Microsecond: 1} {
			got := days.Micros(v, u)
			if v > (1<<63-1)/n && got != 1<<63-1 || v < -1<<63/n && got != -1<<63 || v <= (1<<63-1)/n && v >= -1<<63/n && got != v*n {
				rt.Fatalf("%d x %d is %d", v, n, got)
			}
		}
	})
}
