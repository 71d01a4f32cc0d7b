package cassandra

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// portions loads rows as a stream does: one sink, a run for each portion.
func (s *store) portions(k *Sink, columns string, portions [][][]any) {
	s.t.Helper()
	ctx := context.Background()
	for _, rows := range portions {
		r := recordOf(s.t, columns, rows)
		run := s.run(0)
		run.Number, run.Revision, run.Portion = 0, nil, true
		err := k.Open(ctx, run, r.Schema())
		if err == nil {
			err = k.Write(ctx, flow.Batch{Record: r})
		}
		var p flow.Pending
		if err == nil {
			p, err = k.Prepare(ctx)
		}
		if err == nil {
			_, err = k.Publish(ctx, p)
		}
		if err == nil {
			err = k.Discard(ctx, run)
		}
		r.Release()
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// Rows of a stream with one key and one millisecond, in whatever portions and
// order, also twice, leave the greatest of them, whole.
// Rules: S-1302, S-1304.
func TestSink_PortionsOfAStream_NoRowMixed(t *testing.T) {
	s := newStore(t)
	const columns = "id bigint, timestamp timestamp, a double, b string, l array<bigint>"
	for round := range 3 {
		seed := rand.Uint64()
		draw := rand.New(rand.NewPCG(seed, 1))
		s.set = fmt.Sprint("ties", round)
		var rows [][]any
		for range 60 {
			row := []any{draw.Int64N(3), []int64{-1001, -1, 0, 1, 1000, 1001}[draw.IntN(6)], nil, nil, nil}
			if draw.IntN(3) > 0 {
				row[2] = float64(draw.IntN(5))
			}
			if draw.IntN(3) > 0 {
				row[3] = string(rune('a' + draw.IntN(5)))
			}
			if draw.IntN(3) > 0 {
				row[4] = []any{draw.Int64N(5), nil}
			}
			rows = append(rows, row)
		}
		newest, bytesOf := map[int64][]any{}, map[int64][]byte{}
		for _, row := range rows {
			r := recordOf(t, columns, [][]any{row})
			b := canonical.AppendRow(nil, r, canonical.ByName(r.Schema()), 0)
			id := row[0].(int64)
			was := newest[id]
			if was == nil || row[1].(int64) > was[1].(int64) || row[1] == was[1] && bytes.Compare(b, bytesOf[id]) > 0 {
				newest[id], bytesOf[id] = row, b
			}
			r.Release()
		}
		var want []string
		for _, row := range newest {
			r := recordOf(t, columns, [][]any{row})
			shown := slices.Clone(row)
			shown[1] = millis(row[1].(int64)) * 1000
			for i, v := range shown {
				shown[i] = staged.Present(r.Schema().Field(i).Type, clone(v))
			}
			r.Release()
			want = append(want, fmt.Sprintln(shown...))
		}
		slices.Sort(want)
		var portions [][][]any
		for left := append(slices.Clone(rows), rows[:20]...); len(left) > 0; {
			n := min(1+draw.IntN(8), len(left))
			portions, left = append(portions, left[:n]), left[n:]
		}
		k := s.sink()
		s.portions(k, columns, portions)
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if got := s.all(); got != joined(want) {
			t.Errorf("seed %d: got\n%swant\n%s", seed, got, joined(want))
		}
		if left := s.staged(".arrow"); len(left) > 0 {
			t.Errorf("portions left %v", left)
		}
	}
}

func joined(lines []string) (out string) {
	for _, l := range lines {
		out += l
	}
	return out
}

// What does not fit is forgotten, the oldest first.
func TestTies_Bounded(t *testing.T) {
	x := newTies()
	x.bound = 10_000
	for i := range 10_000 {
		if got := x.revision(fmt.Append(nil, i), 5, []byte("b")); got != 0 {
			t.Fatal(got)
		}
		if got := x.revision(fmt.Append(nil, i), 6, []byte("a")); got != 1 {
			t.Fatalf("row %d: %d", i, got)
		}
		if len(x.now)+len(x.before) > 200 {
			t.Fatalf("%d and %d rows are remembered", len(x.now), len(x.before))
		}
	}
	if got := x.revision([]byte("new"), 7, []byte("b")); got != 0 {
		t.Error(got)
	}
	if got := x.revision([]byte("new"), 7, []byte("a")); got != behind {
		t.Error(got)
	}
	if got := x.revision([]byte("new"), 7, []byte("b")); got != 0 {
		t.Error(got)
	}
	if got := x.revision([]byte("new"), -900, []byte("z")); got != 0 {
		t.Error(got)
	}
	var last int64
	for i := range 2 * lastRevision {
		last = x.revision([]byte("new"), 7, fmt.Appendf(nil, "c%06d", i))
	}
	if last != lastRevision {
		t.Error(last)
	}
}
