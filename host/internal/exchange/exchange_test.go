package exchange

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// orders are orders over the zoo.
func orders() []flow.Order {
	return []flow.Order{
		{Keys: []string{"l"}, Time: "ts", Ties: []string{"d", "s"}},
		{Keys: []string{"s"}, Time: "ts", Then: []string{"l"}, Ties: []string{"al", "x"}},
		{Keys: []string{"i", "s"}, Time: "ts"},
		{Keys: []string{"day", "b", "x"}, Ties: []string{"m", "f"}},
		{Keys: []string{"d"}, Time: "ts"},
		{Keys: []string{"f"}, Time: "ts", Then: []string{"i"}},
		{Keys: []string{"m"}, Time: "ts"},
		{Keys: []string{"al"}, Time: "ts"},
		{Keys: []string{"as", "b"}},
		{Keys: []string{"u", "v", "tiny"}, Time: "ts"},
		{Keys: []string{"ts"}, Time: "ts"},
		{Keys: []string{"s"}, Then: []string{"l", "ts"}}, // as a keyed step without a time asks for
		{Keys: []string{"l", "day"}, Then: []string{"s"}, Ties: []string{"d"}},
		{Then: []string{"s", "ts"}},
		{Time: "ts"},
		{},
	}
}

// TestExchange_AnyRows_OracleOrder is E1 and E2: any order, batches, budget,
// workers and partitions give what a slow sort of all bytes gives.
// Rules: S-301, S-303.
func TestExchange_AnyRows_OracleOrder(t *testing.T) {
	s := zoo(t)
	scratch := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		o := rapid.SampledFrom(orders()).Draw(rt, "order")
		rec := randomRows(r, s, rapid.SampledFrom([]int{0, 1, 2, 30, 200}).Draw(rt, "rows"),
			rapid.SampledFrom([]int{0, 10, 90, 100}).Draw(rt, "nulls"), rapid.SampledFrom([]int{0, 50, 100}).Draw(rt, "fresh"))
		budget := rapid.SampledFrom([]int64{0, 1, 200_000}).Draw(rt, "budget")
		if budget == 1 && rec.NumRows() > 30 {
			budget = 30_000 // a run per row takes long
		}
		want := oracle(o, rec)
		got, extent, _ := exchanged(t, runOptions{
			Options: Options{
				Schema: s, Order: o, Scratch: scratch,
				MemoryBytes: budget,
				Workers:     rapid.IntRange(0, 3).Draw(rt, "workers"),
				Partitions:  rapid.SampledFrom([]int{0, 1, 2, 7}).Draw(rt, "partitions"),
				BatchRows:   rapid.SampledFrom([]int{0, 1, 3, 64}).Draw(rt, "batch"),
			},
			batches:  cut(r, permuted(t, r, rec), rapid.SampledFrom([]int{1, 10, 1000}).Draw(rt, "cut")),
			parallel: rapid.Bool().Draw(rt, "parallel"),
		})
		// The oracle does not order NaNs of different bits; nothing else may
		// differ, and TestExchange_NaNsOfManyBits has those.
		if len(got) != len(want) {
			rt.Fatalf("%d rows, want %d", len(got), len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i].place, want[i].place) {
				rt.Fatalf("row %d is\n%x, want\n%x", i, got[i].place, want[i].place)
			}
		}
		if extent.Rows != rec.NumRows() {
			rt.Fatalf("extent has %d rows of %d", extent.Rows, rec.NumRows())
		}
	})
}

// TestExchange_EachOrder_OracleOrder gives every order enough rows to be sorted
// by prefixes, in memory and spilled.
func TestExchange_EachOrder_OracleOrder(t *testing.T) {
	s := zoo(t)
	for i, o := range orders() {
		r := rand.New(rand.NewPCG(9, uint64(i)))
		rec := randomRows(r, s, 500, 10, 10)
		want := oracle(o, rec)
		for _, budget := range []int64{0, 150_000} {
			got, _, stats := exchanged(t, runOptions{
				Options: Options{Schema: s, Order: o, Scratch: t.TempDir(), MemoryBytes: budget, Partitions: 3},
				batches: cut(r, rec, 100),
			})
			if (stats.Runs > 0) != (budget > 0) {
				t.Fatalf("order %+v: %d runs with budget %d", o, stats.Runs, budget)
			}
			for i := range got {
				if !bytes.Equal(got[i].place, want[i].place) {
					t.Fatalf("order %+v, budget %d: row %d is\n%x, want\n%x", o, budget, i, got[i].place, want[i].place)
				}
			}
		}
	}
}

// TestExchange_ManyRows_SameEverywhere runs enough rows for radix sorting,
// workers, several levels of runs and many blocks, in all configurations.
func TestExchange_ManyRows_SameEverywhere(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "d", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}, nil)
	const n = parallelMin + 5000
	for _, c := range []struct {
		name         string
		order        flow.Order
		nulls, fresh int
	}{
		{"int", flow.Order{Keys: []string{"k"}, Time: "ts", Ties: []string{"d"}}, 2, 70},
		{"text", flow.Order{Keys: []string{"s"}, Time: "ts", Ties: []string{"d"}}, 2, 80},
		{"hot", flow.Order{Time: "ts", Ties: []string{"s"}}, 2, 90},
		{"null", flow.Order{Keys: []string{"k"}, Time: "ts"}, 100, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			rec := randomRows(r, s, n, c.nulls, c.fresh)
			want := oracle(c.order, rec)
			for _, v := range []struct {
				budget              int64
				workers, partitions int
				runs                int64 // at least
			}{
				{1 << 30, 1, 1, 0}, {1 << 30, 3, 7, 0},
				{1 << 20, 2, 2, 5}, {1 << 18, 2, 7, 20},
			} {
				got, _, stats := exchanged(t, runOptions{
					Options: Options{Schema: s, Order: c.order, Scratch: t.TempDir(), MemoryBytes: v.budget, Workers: v.workers, Partitions: v.partitions},
					batches: cut(r, rec, 20_000), parallel: v.partitions <= v.workers,
				})
				for i := range got {
					if !bytes.Equal(got[i].place, want[i].place) {
						t.Fatalf("%+v: row %d is %x, want %x", v, i, got[i].place, want[i].place)
					}
				}
				if len(got) != len(want) {
					t.Fatalf("%+v: %d rows of %d", v, len(got), len(want))
				}
				if stats.Runs < v.runs || v.runs == 0 && stats.Runs > 0 {
					t.Errorf("%+v: %d runs", v, stats.Runs)
				}
				if v.budget >= 1<<20 && stats.PeakBytes > v.budget {
					t.Errorf("%+v: %d bytes were held", v, stats.PeakBytes)
				}
			}
		})
	}
}

// TestExchange_NaNsOfManyBits_OneOrder: rows that differ in the bits of a NaN
// alone come out in one order too.
func TestExchange_NaNsOfManyBits_OneOrder(t *testing.T) {
	s := zoo(t)
	r := rand.New(rand.NewPCG(5, 6))
	one := arrow.NewSchema([]arrow.Field{s.Field(s.FieldIndices("f")[0]), s.Field(s.FieldIndices("d")[0]), s.Field(s.FieldIndices("ad")[0]), s.Field(s.FieldIndices("st")[0])}, nil)
	rec := randomRows(r, one, 200, 20, 0)
	var first []line
	for i := range 4 {
		got, _, _ := exchanged(t, runOptions{
			Options: Options{Schema: one, Scratch: t.TempDir(), MemoryBytes: []int64{0, 8 << 10}[i%2]},
			batches: cut(r, permuted(t, r, rec), 50),
		})
		if i == 0 {
			first = got
		}
		sameLines(t, got, first)
	}
}

// Rule: S-304.
func TestExchange_AllRowsEqual_AllComeOut(t *testing.T) {
	r := hosttest.Record(t, "id bigint, ts timestamp, v array<double>", "1 | 2026-01-01 | [1, null]")
	batches := make([]arrow.RecordBatch, 3000)
	for i := range batches {
		batches[i] = r
	}
	for _, budget := range []int64{0, 64 << 10} {
		got, _, _ := exchanged(t, runOptions{
			Options: Options{Schema: r.Schema(), Order: flow.Order{Keys: []string{"id"}, Time: "ts"}, MemoryBytes: budget, Scratch: t.TempDir(), Partitions: 4},
			batches: batches,
		})
		if len(got) != 3000 {
			t.Errorf("budget %d: %d rows of 3000", budget, len(got))
		}
	}
}

func TestExchange_RowsAsText_SortedByKeyThenTime(t *testing.T) {
	const columns = "id string, ts timestamp, seq bigint, v double"
	r := hosttest.Record(t, columns,
		"b | 2026-01-02 | 1 | 1",
		"a | 2026-01-02 | 2 | NaN",
		"b | null | 9 | 2",
		"a | 2026-01-02 | 1 | 7",
		"null | 2026-01-01 | 1 | 3",
		"a | 2026-01-02 | null | 8",
		"a | 2026-01-02 | 2 | -0",
		"a | 2026-01-02 | 2 | 0",
		"a | 2026-01-02 | 2 | null",
	)
	x, err := New(Options{Schema: r.Schema(), Order: flow.Order{Keys: []string{"id"}, Time: "ts", Then: []string{"seq"}, Ties: []string{"v"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if err := x.Add(t.Context(), flow.Batch{Record: r}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := x.Partitions()[0].Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	const want = "null | 2026-01-01 | 1 | 3\n" +
		"a | 2026-01-02 | null | 8\n" +
		"a | 2026-01-02 | 1 | 7\n" +
		"a | 2026-01-02 | 2 | null\n" +
		"a | 2026-01-02 | 2 | -0\n" +
		"a | 2026-01-02 | 2 | 0\n" +
		"a | 2026-01-02 | 2 | NaN\n" +
		"b | null | 9 | 2\n" +
		"b | 2026-01-02 | 1 | 1\n"
	if got := hosttest.Text(b.Record); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if b.Position != (flow.Position{}) {
		t.Errorf("position %v of rows from many places", b.Position)
	}
}

func TestExchange_Extent_LeastAndGreatestTime(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []string
		want flow.Extent
	}{
		{"none", nil, flow.Extent{}},
		{"null times", []string{"1 | null"}, flow.Extent{Rows: 1}},
		{"some", []string{"1 | 1970-01-02", "2 | null", "1 | 1969-12-31", "3 | 1970-01-01"},
			flow.Extent{Rows: 4, MinTime: -flow.MicrosPerDay, MaxTime: flow.MicrosPerDay, Timed: true}},
	} {
		r := hosttest.Record(t, "id bigint, ts timestamp", c.rows...)
		_, got, _ := exchanged(t, runOptions{
			Options: Options{Schema: r.Schema(), Order: flow.Order{Keys: []string{"id"}, Time: "ts"}},
			batches: []arrow.RecordBatch{r.NewSlice(0, r.NumRows()/2), r.NewSlice(r.NumRows()/2, r.NumRows())},
		})
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestExchange_Partitions_EvenShares: with many keys no partition is more than
// twice its share, in memory and spilled.
func TestExchange_Partitions_EvenShares(t *testing.T) {
	s, batches := events(t, "bigint", 60_000, 5000, false)
	for _, budget := range []int64{1 << 30, 1 << 20} {
		x, err := New(Options{Schema: s, Order: flow.Order{Keys: []string{"id"}, Time: "ts"}, MemoryBytes: budget, Scratch: t.TempDir(), Partitions: 4})
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		for _, r := range batches {
			if err := x.Add(t.Context(), flow.Batch{Record: r}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := x.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(x.Partitions()); n != 4 {
			t.Fatalf("%d partitions of 4", n)
		}
		for i, p := range x.Partitions() {
			rows := 0
			for {
				b, err := p.Next(t.Context())
				if err != nil {
					break
				}
				rows += int(b.Rows())
				b.Release()
			}
			if rows < 7_500 || rows > 30_000 {
				t.Errorf("budget %d: partition %d has %d rows of 60000", budget, i, rows)
			}
		}
	}
}

// TestExchange_LargeRows_BatchesStaySmall: BatchRows of long texts would not
// fit the budget.
func TestExchange_LargeRows_BatchesStaySmall(t *testing.T) {
	s := hosttest.Record(t, "id bigint, doc string").Schema()
	long := string(bytes.Repeat([]byte("x"), 50_000))
	var batches []arrow.RecordBatch
	for i := range 200 {
		b := hosttest.Record(t, "id bigint, doc string", string(rune('0'+i%10))+" | "+long)
		batches = append(batches, b)
	}
	for _, budget := range []int64{1 << 30, 4 << 20} {
		x, err := New(Options{Schema: s, Order: flow.Order{Keys: []string{"id"}}, MemoryBytes: budget, Scratch: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		for _, r := range batches {
			if err := x.Add(t.Context(), flow.Batch{Record: r}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := x.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows := 0
		for {
			b, err := x.Partitions()[0].Next(t.Context())
			if err != nil {
				break
			}
			rows += int(b.Rows())
			if budget == 4<<20 && b.Rows() > 12 {
				t.Errorf("a batch of %d rows", b.Rows())
			}
			b.Release()
		}
		if rows != 200 {
			t.Errorf("%d rows of 200", rows)
		}
		if peak := x.Stats().PeakBytes; peak > budget {
			t.Errorf("%d bytes held of %d", peak, budget)
		}
	}
}
