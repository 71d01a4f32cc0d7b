package online

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/mattn/go-sqlite3"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// numbered makes n rows whose two features both hold generation, so that half
// a row would show.
func numbered(n int, generation int64) flow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOf([]column{
		{name: "id", typ: arrow.PrimitiveTypes.Int64}, {name: "timestamp", typ: arrow.FixedWidthTypes.Timestamp_us},
		{name: "a", typ: arrow.PrimitiveTypes.Int64}, {name: "b", typ: arrow.BinaryTypes.String},
	}))
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(generation))
		b.Field(2).(*array.Int64Builder).Append(generation)
		b.Field(3).(*array.StringBuilder).Append(fmt.Sprint(generation))
	}
	return b.NewRecordBatch()
}

// inChild publishes in a process of its own that kills itself the n-th time
// it comes to a point.
func (s *store) inChild(p flow.Pending, point string, n int, limit uint64) (string, error) {
	s.t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%d|%d|%s", childOrder, s.at.Dir, point, n, limit, text))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestPublish_KilledAnywhere_NothingLostNothingDoubled(t *testing.T) {
	const rows = 3500
	for _, c := range []struct {
		point string
		n     int
	}{{pointTable, 1}, {pointInside, 1}, {pointInside, 3}, {pointCommit, 1}, {pointCommit, 3}, {pointCommit, 4}, {pointRecorded, 1}} {
		t.Run(fmt.Sprintf("%s %d", c.point, c.n), func(t *testing.T) {
			s := newStore(t)
			old, fresh := numbered(rows, 1), numbered(rows, 2)
			defer old.Release()
			defer fresh.Release()
			s.publish(s.prepare(0, old))
			p := s.prepare(0, fresh)
			stop := s.poll(rows)
			out, err := s.inChild(p, c.point, c.n, 0)
			var exit *exec.ExitError
			if !asExit(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the child was not killed: %v %s", err, out)
			}
			if len(s.staged()) != 1 {
				t.Fatal("the staged file is gone too early")
			}
			first := s.publish(p)
			if again := s.publish(p); again != first || first != (flow.Published{Rows: rows}) {
				t.Errorf("published %+v, again %+v", first, again)
			}
			stop()
			if got := s.generations(); !slices.Equal(got, []int64{0, 0, rows}) {
				t.Errorf("rows by generation: %v", got)
			}
			if len(s.staged()) != 0 {
				t.Error("the staged file is left behind")
			}
		})
	}
}

func asExit(err error, to **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*to = e
	return ok
}

// generations counts rows by their generation.
func (s *store) generations() []int64 {
	v := s.vectors()
	defer v.Close()
	out, err := count(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func count(v flow.Vectors) ([]int64, error) {
	out := make([]int64, 3)
	err := v.All(context.Background(), "user", "spend", func(x flow.Vector) error {
		g := x.Values[2].(int64)
		if x.Values[3] != fmt.Sprint(g) || x.Values[1] != fmt.Sprintf("1970-01-01T00:00:00.00000%dZ", g) {
			return fmt.Errorf("half a row: %v", x.Values)
		}
		out[g]++
		return nil
	})
	return out, err
}

// poll reads all the time, with connections that come and go, until stopped.
func (s *store) poll(rows int64) (stop func()) {
	quit, ended := make(chan struct{}), sync.WaitGroup{}
	ended.Add(1)
	go func() {
		defer ended.Done()
		for {
			select {
			case <-quit:
				return
			default:
			}
			v, err := OpenVectors(config.Sink{}, s.at)
			if err != nil {
				s.t.Errorf("a reader cannot open: %v", err)
				return
			}
			got, err := count(v)
			if err != nil || got[1]+got[2] != rows {
				s.t.Errorf("a reader sees %v, %v", got, err)
			}
			_, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": "17"})
			if !ok || err != nil {
				s.t.Errorf("a reader gets %v, %v", ok, err)
			}
			if err := v.Close(); err != nil {
				s.t.Errorf("a reader cannot close: %v", err)
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(quit); ended.Wait() })
	s.t.Cleanup(stop)
	return stop
}

func TestPublish_NoSpace_ThenCompleted(t *testing.T) {
	s := newStore(t)
	r := numbered(20000, 2)
	defer r.Release()
	p := s.prepare(0, r)
	out, err := s.inChild(p, "", 0, 400<<10)
	if err == nil || !strings.Contains(out, DiskFull.String()) {
		t.Fatalf("%v %s", err, out)
	}
	if got := s.publish(p); got.Rows != 20000 {
		t.Errorf("%+v", got)
	}
	if got := s.generations(); got[2] != 20000 {
		t.Error(got)
	}
}

func TestPublish_TwoSetsAtOnce_BothThere(t *testing.T) {
	s := newStore(t)
	r := numbered(3000, 1)
	defer r.Release()
	var pending []flow.Pending
	for _, set := range []string{"spend", "visits", "returns"} {
		k := s.sink()
		run := s.run(0)
		run.Set = set
		if err := k.Open(context.Background(), run, r.Schema()); err != nil {
			t.Fatal(err)
		}
		if err := k.Write(context.Background(), flow.Batch{Record: r}); err != nil {
			t.Fatal(err)
		}
		p, err := k.Prepare(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	var wg sync.WaitGroup
	for _, p := range pending {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := s.sink().Publish(context.Background(), p); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	v := s.vectors()
	defer v.Close()
	for _, set := range []string{"spend", "visits", "returns"} {
		n := 0
		if err := v.All(context.Background(), "user", set, func(flow.Vector) error { n++; return nil }); err != nil || n != 3000 {
			t.Error(set, n, err)
		}
	}
}

// TestPublish_AnyOrder_SameState is S-1605: repeated writes in any order end
// in the state that S-1302 names.
func TestPublish_AnyOrder_SameState(t *testing.T) {
	columns := []column{{name: "id", typ: arrow.BinaryTypes.String, role: roleKey}, {name: "timestamp", typ: arrow.FixedWidthTypes.Timestamp_us, role: roleTimestamp},
		{name: "v", typ: arrow.PrimitiveTypes.Float64}, {name: "l", typ: arrow.ListOf(arrow.BinaryTypes.String)}}
	type row struct {
		values   []any
		revision int64
	}
	record := func(r row) flow.Record {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOf(columns))
		defer b.Release()
		for i, v := range r.values {
			if err := staged.Append(b.Field(i), v); err != nil {
				t.Fatal(err)
			}
		}
		return b.NewRecordBatch()
	}
	order := canonical.ByName(schemaOf(columns))
	// newer is S-1302 in the plainest words.
	newer := func(a, b row) bool {
		low := func(v any) int64 {
			if v == nil {
				return -1
			}
			return v.(int64)
		}
		if x, y := low(a.values[1]), low(b.values[1]); x != y {
			return x > y
		}
		if a.revision != b.revision {
			return a.revision > b.revision
		}
		x, y := record(a), record(b)
		defer x.Release()
		defer y.Release()
		return bytes.Compare(canonical.AppendRow(nil, x, order, 0), canonical.AppendRow(nil, y, order, 0)) > 0
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := newStore(t)
		defer os.RemoveAll(s.at.State)
		pool := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) row {
			r := row{[]any{
				rapid.SampledFrom([]any{nil, "", "a", "a\x00"}).Draw(rt, "id"),
				rapid.SampledFrom([]any{nil, int64(0), int64(1)}).Draw(rt, "time"),
				rapid.SampledFrom([]any{nil, 0.0, 1.5, -2.0}).Draw(rt, "v"),
				rapid.SampledFrom([]any{nil, []any{}, []any{"b"}, []any{"b", nil}, []any{"ba"}}).Draw(rt, "l"),
			}, rapid.Int64Range(0, 1).Draw(rt, "revision")}
			if r.values[1] == nil {
				r.revision = 0 // in no day's cell
			}
			return r
		}), 1, 25).Draw(rt, "rows")
		want := map[any]row{}
		for _, r := range pool {
			if have, ok := want[r.values[0]]; !ok || newer(r, have) {
				want[r.values[0]] = r
			}
		}
		// Every row at least once, some twice, in an order of its own, cut
		// into runs of one revision each.
		writes := slices.Clone(pool)
		for range rapid.IntRange(0, 5).Draw(rt, "repeats") {
			writes = append(writes, rapid.SampledFrom(pool).Draw(rt, "again"))
		}
		writes = rapid.Permutation(writes).Draw(rt, "order")
		for len(writes) > 0 {
			n := 1
			for n < len(writes) && writes[n].revision == writes[0].revision {
				n++
			}
			var records []flow.Record
			for _, w := range writes[:n] {
				records = append(records, record(w))
			}
			// One batch or many: alternate so that both paths are taken.
			if rapid.Bool().Draw(rt, "joined") {
				records = []flow.Record{join(t, records)}
			}
			p := s.prepare(writes[0].revision, records...)
			s.publish(p)
			for _, r := range records {
				r.Release()
			}
			writes = writes[n:]
		}
		v := s.vectors()
		defer v.Close()
		seen := 0
		err := v.All(context.Background(), "user", "spend", func(x flow.Vector) error {
			seen++
			for i, w := range want[x.Values[0]].values {
				if w = staged.Present(columns[i].typ, w); !identical(w, x.Values[i]) {
					return fmt.Errorf("key %q: %v stored, %v expected", x.Values[0], x.Values, want[x.Values[0]])
				}
			}
			return nil
		})
		if err != nil || seen != len(want) {
			rt.Fatalf("%d rows of %d: %v", seen, len(want), err)
		}
	})
}

func join(t *testing.T, records []flow.Record) flow.Record {
	columns := make([]arrow.Array, records[0].NumCols())
	var n int64
	for c := range columns {
		parts := make([]arrow.Array, len(records))
		for i, r := range records {
			parts[i] = r.Column(c)
		}
		joined, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		columns[c] = joined
	}
	for _, r := range records {
		n += r.NumRows()
		r.Release()
	}
	return array.NewRecordBatch(records[0].Schema(), columns, n)
}

func TestFailed_EveryRefusal_HasItsCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Code
	}{
		{sqlite3.Error{Code: sqlite3.ErrFull}, DiskFull},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.ENOSPC}, DiskFull},
		{sqlite3.Error{Code: sqlite3.ErrIoErr}, DiskRefused},
		{sqlite3.Error{Code: sqlite3.ErrLocked}, Busy},
		{sqlite3.Error{Code: sqlite3.ErrReadonly}, NotWritable},
		{sqlite3.Error{Code: sqlite3.ErrNotADB}, NotOurs},
		{sqlite3.Error{Code: sqlite3.ErrCorrupt}, Damaged},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, DiskFull},
		{&os.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, NotWritable},
		{&os.PathError{Op: "open", Path: "x", Err: syscall.EIO}, DiskRefused},
	} {
		if err := failed(c.err, "x"); fault.As(err).Code != c.want || !strings.Contains(err.Error(), "x: FH-") {
			t.Errorf("%v: %v, want %s", c.err, err, c.want)
		}
	}
	if failed(nil, "x") != nil || failed(context.Canceled, "x") != context.Canceled {
		t.Error("what is no refusal was made one")
	}
}
