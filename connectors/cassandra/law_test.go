package cassandra

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/flow"
)

// TestPublish_AnyOrder_SameState is S-1605: writes in any order, repeated and
// at the same time, end in the newest row of each key, whole.
// Rules: S-1302, S-1304, S-1605.
func TestPublish_AnyOrder_SameState(t *testing.T) {
	s := newStore(t)
	const columns = "id bigint, timestamp timestamp, a double, b string, l array<bigint>"
	type write struct {
		row      []any
		revision int64
	}
	seed := rand.Uint64()
	draw := rand.New(rand.NewPCG(seed, 1))
	var writes []write
	newest := map[int64]write{}
	used := map[string]bool{}
	for len(writes) < 24 {
		w := write{row: []any{draw.Int64N(3), draw.Int64N(3) * 1000, nil, nil, nil}, revision: draw.Int64N(4)}
		version := fmt.Sprint(w.row[:2], w.revision)
		if used[version] {
			continue // the ledger gives each computation its own
		}
		used[version] = true
		if draw.IntN(2) == 0 {
			w.row[2] = float64(draw.IntN(5))
		}
		if draw.IntN(2) == 0 {
			w.row[3] = string(rune('a' + draw.IntN(5)))
		}
		if draw.IntN(2) == 0 {
			w.row[4] = []any{draw.Int64N(5), nil}
		}
		writes = append(writes, w)
		id := w.row[0].(int64)
		if before, there := newest[id]; !there || w.row[1].(int64) > before.row[1].(int64) || w.row[1] == before.row[1] && w.revision > before.revision {
			newest[id] = w
		}
	}
	var want []string
	for _, w := range newest {
		r := recordOf(t, columns, [][]any{w.row})
		for i, v := range w.row {
			w.row[i] = staged.Present(r.Schema().Field(i).Type, clone(v))
		}
		r.Release()
		want = append(want, fmt.Sprintln(w.row...))
	}
	slices.Sort(want)
	var pendings []flow.Pending
	for _, w := range writes {
		row := slices.Clone(w.row)
		if text, is := row[1].(string); is { // a winner, already as text
			us, err := staged.ParseKey(schema.Timestamp(), text)
			if err != nil {
				t.Fatal(err)
			}
			row[1] = us
		}
		r := recordOf(t, columns, [][]any{row})
		pendings = append(pendings, s.prepare(w.revision, r))
		r.Release()
	}
	// The first makes the table, so that the rest may come at once.
	s.publish(pendings[0])
	draw.Shuffle(len(pendings), func(i, j int) { pendings[i], pendings[j] = pendings[j], pendings[i] })
	k := s.sink()
	defer k.Close()
	if err := k.connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, len(pendings))
	for i, p := range pendings {
		publish := func() {
			other := s.sink()
			defer other.Close()
			_, err := other.Publish(context.Background(), p)
			errs <- err
		}
		if i%3 == 0 {
			go publish()
		} else {
			_, err := k.Publish(context.Background(), p)
			errs <- err
		}
	}
	for range pendings {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if got := s.all(); got != strings.Join(want, "") {
		t.Errorf("seed %d: got\n%swant\n%s", seed, got, strings.Join(want, ""))
	}
}

// newest gives each key's newest row once, however the keys are spread over
// batches and shares.
// Rule: S-1302.
func TestNewest_AnyRows_OneOfEachKey(t *testing.T) {
	const columns = "id bigint, timestamp timestamp, v double"
	in, err := schema.Parse(columns)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		type row struct {
			id, us int64
			v      float64
		}
		file := filepath.Join(dir, "rows.arrow")
		revisions := map[flow.Day]int64{}
		w, err := staged.Create(file, in, 1, func(d flow.Day) int64 { return revisions[d] })
		if err != nil {
			rt.Fatal(err)
		}
		want := map[int64]row{}
		for range rapid.IntRange(0, 3).Draw(rt, "batches") {
			var rows [][]any
			for range rapid.IntRange(0, 6).Draw(rt, "rows") {
				r := row{id: rapid.Int64Range(0, 5).Draw(rt, "id"), us: rapid.Int64Range(0, 2).Draw(rt, "us"), v: float64(rapid.IntRange(0, 3).Draw(rt, "v"))}
				rows = append(rows, []any{r.id, r.us, r.v})
				if before, there := want[r.id]; !there || r.us > before.us || r.us == before.us && r.v > before.v {
					want[r.id] = r
				}
			}
			rec := recordOf(t, columns, rows)
			if err := w.Write(rec); err != nil {
				rt.Fatal(err)
			}
			rec.Release()
		}
		if _, err := w.Finish(); err != nil {
			rt.Fatal(err)
		}
		target, err := targetOf("k", false, flow.Run{Entity: "user", Set: "spend"}, in)
		if err != nil {
			rt.Fatal(err)
		}
		bound := rapid.SampledFrom([]int64{100, 400, winnersBytes}).Draw(rt, "bound")
		got := map[int64]row{}
		begin := func(*flow.Schema) error { return nil }
		err = newestOf(file, bound, begin, target, func(r flow.Record, rows []int) error {
			for _, i := range rows {
				id := r.Column(0).(*array.Int64).Value(i)
				if _, twice := got[id]; twice {
					rt.Fatalf("key %d comes twice", id)
				}
				got[id] = row{id: id, us: int64(r.Column(1).(*array.Timestamp).Value(i)), v: r.Column(2).(*array.Float64).Value(i)}
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("got %v, want %v", got, want)
		}
	})
}

func newestOf(file string, bound int64, begin func(*flow.Schema) error, t target, write func(flow.Record, []int) error) error {
	return newest(context.Background(), file, bound, begin, func() target { return t }, write)
}

// Keys in order and each once need no second look; all else does.
func TestWatchKeys_RepeatsAndDisorder_Seen(t *testing.T) {
	const columns = "id bigint, timestamp timestamp, v double"
	in, err := schema.Parse(columns)
	if err != nil {
		t.Fatal(err)
	}
	want, err := targetOf("k", false, flow.Run{Entity: "user", Set: "spend"}, in)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w, err := staged.Create(filepath.Join(t.TempDir(), "rows.arrow"), in, 1, nil)
		if err != nil {
			rt.Fatal(err)
		}
		defer w.Abandon()
		s := &Sink{want: want, rows: w}
		ids := rapid.SliceOfN(rapid.Int64Range(-4, 40), 0, 6).Draw(rt, "ids")
		if rapid.Bool().Draw(rt, "sorted") {
			slices.Sort(ids)
			ids = slices.Compact(ids)
		}
		ascending := slices.IsSorted(ids) && len(slices.Compact(slices.Clone(ids))) == len(ids)
		for len(ids) > 0 {
			n := rapid.IntRange(1, len(ids)).Draw(rt, "batch")
			var rows [][]any
			for _, id := range ids[:n] {
				rows = append(rows, []any{id, int64(0), nil})
			}
			r := recordOf(t, columns, rows)
			s.watchKeys(r)
			if err := w.Write(r); err != nil {
				rt.Fatal(err)
			}
			r.Release()
			ids = ids[n:]
		}
		if s.repeats == ascending {
			rt.Fatalf("repeats %v", s.repeats)
		}
	})
}

// Equal rows have equal bytes, whatever bits their NaN has: a repetition of a
// write must not differ.
func TestEncode_AnyRow_SameValueSameBytes(t *testing.T) {
	r := recordOf(t, everyType, everyRow())
	defer r.Release()
	for c := range int(r.NumCols()) {
		arr := r.Column(c)
		for i := range arr.Len() {
			if arr.IsNull(i) {
				continue
			}
			a, err := appendValue(nil, arr, i)
			if err != nil {
				t.Fatal(err)
			}
			v, err := decode(arr.DataType(), append(cell{}, a...))
			if err != nil {
				t.Fatal(err)
			}
			b, err := bytesOf(arr.DataType(), v)
			if err != nil || string(a) != string(b) {
				t.Errorf("column %s: %x and %x, %v", r.ColumnName(c), a, b, err)
			}
		}
	}
}
