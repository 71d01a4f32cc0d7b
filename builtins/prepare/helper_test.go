package prepare

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// inOrder sorts rows as the exchange does: by the columns of the order, then
// by all columns by name, canonical bytes each.
func inOrder(t testing.TB, columns string, rows []string, o flow.Order) []string {
	t.Helper()
	r := hosttest.Record(t, columns, rows...)
	defer r.Release()
	var at []int
	for _, name := range append(slices.Clone(o.Keys), o.Then...) {
		at = append(at, r.Schema().FieldIndices(name)[0])
	}
	at = append(at, canonical.ByName(r.Schema())...)
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		for _, c := range at {
			if x := canonical.Compare(r.Column(c), a, r.Column(c), b); x != 0 {
				return x
			}
		}
		return 0
	})
	out := make([]string, len(rows))
	for i, k := range order {
		out[i] = rows[k]
	}
	return out
}

// partitions cuts sorted rows into n runs, none of which splits a key.
func partitions(t testing.TB, columns string, rows []string, keys []string, n int) [][]string {
	r := hosttest.Record(t, columns, rows...)
	defer r.Release()
	c := changes{}
	for _, k := range keys {
		c.columns = append(c.columns, r.Schema().FieldIndices(k)[0])
	}
	defer c.release()
	var out [][]string
	for i, fresh := range c.find(r) {
		if len(out) == 0 || fresh && len(out) < n && i*n >= len(rows)*len(out) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], rows[i])
	}
	return out
}

// process feeds rows to an open stage in batches of a size and gives what
// comes out.
func process(t testing.TB, s flow.Stage, columns string, rows []string, size int) string {
	t.Helper()
	var rec hosttest.Recorder
	defer rec.Release()
	ctx := context.Background()
	for at := 0; at < len(rows); at += size {
		b := hosttest.Batch(t, columns, rows[at:min(at+size, len(rows))]...)
		if err := s.Process(ctx, b, rec.Emit); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	if err := s.Flush(ctx, rec.Emit); err != nil {
		t.Fatal(err)
	}
	return rec.Text()
}

// open makes a stage over columns and gives the columns that come out.
func open(t testing.TB, make parts.StageFactory, cfg config.Stage, columns string) (flow.Stage, *flow.Schema, *hosttest.Counts) {
	t.Helper()
	env, _, counts := hosttest.Env(t)
	s, err := make(cfg, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	in := hosttest.Record(t, columns)
	defer in.Release()
	out, err := s.Open(context.Background(), in.Schema())
	if err != nil {
		t.Fatal(err)
	}
	return s, out, counts
}

// refuses checks that a stage is refused at Open, with a code, a place and
// words.
func refuses(t *testing.T, make parts.StageFactory, cfg config.Stage, columns string, code fault.Code, place string, words ...string) {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	s, err := make(cfg, parts.Place{}, env)
	if err == nil {
		_, err = s.Open(context.Background(), hosttest.Record(t, columns).Schema())
		if e := s.Close(); e != nil {
			t.Error(e)
		}
	}
	e := fault.As(err)
	if e == nil || !fault.Is(err, code) || e.Place != place {
		t.Errorf("%v: expected %s at %q", err, code, place)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v: expected %q", err, w)
		}
	}
}

func names(s *flow.Schema) string {
	var out []string
	for _, f := range s.Fields() {
		out = append(out, f.Name)
	}
	return strings.Join(out, ",")
}

// checked gives an allocator that must be empty at the end.
func checked(t testing.TB) *memory.CheckedAllocator {
	return memory.NewCheckedAllocator(memory.DefaultAllocator)
}
