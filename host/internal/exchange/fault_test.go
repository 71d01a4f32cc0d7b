package exchange

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// spilling is an exchange whose rows, added by fill, do not fit its budget.
func spilling(t *testing.T, scratch string) (*Exchange, *memory.CheckedAllocator, []arrow.RecordBatch) {
	t.Helper()
	s, batches := events(t, "bigint", 30_000, 300, true)
	checked := memory.NewCheckedAllocator(memory.NewGoAllocator())
	x, err := New(Options{Schema: s, Order: flow.Order{Keys: []string{"id"}, Time: "ts"}, MemoryBytes: 256 << 10, Scratch: scratch, Workers: 2, Partitions: 3, BatchRows: 1000, Allocator: checked})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		if n, m := x.mem.now.Load(), checked.CurrentAlloc(); n != 0 || m != 0 {
			t.Errorf("%d bytes held, %d allocated after Close", n, m)
		}
		if left, _ := os.ReadDir(scratch); len(left) > 0 {
			t.Errorf("left in scratch: %v", left)
		}
	})
	return x, checked, batches
}

func fill(ctx context.Context, x *Exchange, batches []arrow.RecordBatch) error {
	for _, r := range batches {
		if err := x.Add(ctx, flow.Batch{Record: r}); err != nil {
			return err
		}
	}
	_, err := x.Finish(ctx)
	return err
}

func drain(ctx context.Context, p *Partition) (rows int64, err error) {
	for {
		b, err := p.Next(ctx)
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += b.Rows()
		b.Release()
	}
}

func openFiles(t *testing.T) []string {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		hosttest.Missing(t, "there is no /proc")
	}
	var out []string
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); err == nil && strings.Contains(to, "exchange-") {
			out = append(out, to)
		}
	}
	return out
}

func TestExchange_CloseAtAnyTime_NothingLeft(t *testing.T) {
	for _, when := range []string{"new", "adding", "finished", "reading", "read"} {
		t.Run(when, func(t *testing.T) {
			ctx := t.Context()
			x, _, batches := spilling(t, t.TempDir())
			switch when {
			case "adding":
				if err := x.Add(ctx, flow.Batch{Record: batches[0]}); err != nil {
					t.Fatal(err)
				}
				if len(openFiles(t)) == 0 {
					t.Fatal("nothing was spilled")
				}
			case "finished", "reading", "read":
				if err := fill(ctx, x, batches); err != nil {
					t.Fatal(err)
				}
				if when == "finished" {
					break
				}
				for _, p := range x.Partitions() {
					b, err := p.Next(ctx)
					if err != nil {
						t.Fatal(err)
					}
					b.Release()
					if when == "read" {
						if _, err := drain(ctx, p); err != nil {
							t.Fatal(err)
						}
						if _, err := p.Next(ctx); err != io.EOF {
							t.Fatalf("after the end: %v", err)
						}
					}
				}
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			if open := openFiles(t); len(open) > 0 {
				t.Errorf("still open: %v", open)
			}
		})
	}
}

// TestExchange_CloseWhileReading_NoRace: readers see their rows or FH-8036.
func TestExchange_CloseWhileReading_NoRace(t *testing.T) {
	x, _, batches := spilling(t, t.TempDir())
	if err := fill(t.Context(), x, batches); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, p := range x.Partitions() {
		wg.Go(func() {
			if _, err := drain(t.Context(), p); err != nil && !fault.Is(err, OutOfTurn) {
				t.Error(err)
			}
		})
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// fullDisk fails the write that brings the total over room, half done.
type fullDisk struct {
	spillFile
	room *int
}

func (f fullDisk) Write(b []byte) (int, error) {
	if *f.room -= len(b); *f.room < 0 {
		n, _ := f.spillFile.Write(b[:len(b)/2])
		return n, syscall.ENOSPC
	}
	return f.spillFile.Write(b)
}

// TestExchange_DiskFull_NamesThePath fails writes early, in the middle and
// late, so also inside a merge of runs.
func TestExchange_DiskFull_NamesThePath(t *testing.T) {
	whole := func() int {
		x, _, batches := spilling(t, t.TempDir())
		if err := fill(t.Context(), x, batches); err != nil {
			t.Fatal(err)
		}
		return int(x.Stats().Spilled)
	}()
	for i := range 12 {
		scratch := t.TempDir()
		x, _, batches := spilling(t, scratch)
		room, real := whole*i/12, x.spill.create
		x.spill.create = func(path string) (spillFile, error) {
			f, err := real(path)
			return fullDisk{f, &room}, err
		}
		err := fill(t.Context(), x, batches)
		if !fault.Is(err, SpillWrite) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), scratch) {
			t.Fatalf("room for %d bytes: %v", whole*i/12, err)
		}
		if fault.ClassOf(err) != fault.System {
			t.Errorf("class %d", fault.ClassOf(err))
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestExchange_ScratchMissing_Refused(t *testing.T) {
	scratch := filepath.Join(t.TempDir(), "absent")
	x, _, batches := spilling(t, scratch)
	err := fill(t.Context(), x, batches)
	if !fault.Is(err, ScratchUnwritable) || !strings.Contains(err.Error(), scratch) {
		t.Errorf("got %v", err)
	}
}

// TestExchange_SpillTouched_ErrorNotPanic flips, cuts and removes bytes of run
// files.
func TestExchange_SpillTouched_ErrorNotPanic(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 30 {
		x, _, batches := spilling(t, t.TempDir())
		if err := fill(t.Context(), x, batches); err != nil {
			t.Fatal(err)
		}
		// Every byte after the schema is read by some partition.
		hit := x.runs[r.IntN(len(x.runs))]
		from := hit.blocks[0].offset
		at := from + r.Int64N(hit.bytes-from)
		if i%3 == 0 {
			if err := os.Truncate(hit.path, at); err != nil {
				t.Fatal(err)
			}
		} else {
			f, err := os.OpenFile(hit.path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			one := make([]byte, 1)
			if _, err := f.ReadAt(one, at); err != nil {
				t.Fatal(err)
			}
			one[0] ^= 1 << r.IntN(8)
			if _, err := f.WriteAt(one, at); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var errs []error
		for _, p := range x.Partitions() {
			_, err := drain(t.Context(), p)
			errs = append(errs, err)
		}
		if !slices.ContainsFunc(errs, func(err error) bool {
			return fault.Is(err, SpillRead) && strings.Contains(err.Error(), hit.path)
		}) {
			t.Errorf("byte %d of %q: %v", at, hit.path, errs)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

// stopAfter is a context that ends at its n-th look.
type stopAfter struct {
	context.Context
	mu sync.Mutex
	n  int
}

func (s *stopAfter) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n--; s.n < 0 {
		return context.Canceled
	}
	return nil
}

// TestExchange_Cancelled_StopsEverywhere ends the context at each of the first
// looks, in Add, sorting, spilling, merging and reading.
func TestExchange_Cancelled_StopsEverywhere(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5, 10, 20, 50, 100, 200, 400} {
		x, _, batches := spilling(t, t.TempDir())
		ctx := &stopAfter{Context: t.Context(), n: n}
		err := fill(ctx, x, batches)
		if err == nil {
			for _, p := range x.Partitions() {
				if _, err = drain(ctx, p); err != nil {
					break
				}
			}
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after %d looks: %v", n, err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestPartition_CancelledNext_MayGoOn: a context that ended loses no rows.
func TestPartition_CancelledNext_MayGoOn(t *testing.T) {
	x, _, batches := spilling(t, t.TempDir())
	if err := fill(t.Context(), x, batches); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var rows int64
	for _, p := range x.Partitions() {
		if _, err := p.Next(gone); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		n, err := drain(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		rows += n
	}
	if rows != 30_000 {
		t.Errorf("%d rows of 30000", rows)
	}
}

// TestExchange_HotKey_WithinBudget: one key with nearly all rows.
func TestExchange_HotKey_WithinBudget(t *testing.T) {
	const budget = 2 << 20
	s, batches := events(t, "string", 100_000, 1, true)
	_, few := events(t, "string", 100, 50, true)
	x, err := New(Options{Schema: s, Order: flow.Order{Keys: []string{"id"}, Time: "ts"}, MemoryBytes: budget, Scratch: t.TempDir(), Workers: 1, Partitions: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if err := fill(t.Context(), x, append(batches, few...)); err != nil {
		t.Fatal(err)
	}
	var rows int64
	for _, p := range x.Partitions() {
		n, err := drain(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		rows += n
	}
	stats := x.Stats()
	if rows != 100_100 || stats.Rows != rows {
		t.Errorf("%d rows, %d counted", rows, stats.Rows)
	}
	if stats.Runs < 2 || stats.Spilled < 2<<20 || stats.PeakBytes > budget {
		t.Errorf("%+v", stats)
	}
}

func TestNew_BadOrder_Refused(t *testing.T) {
	s := hosttest.Record(t, "id bigint, ts timestamp, d date").Schema()
	with := func(f arrow.Field) *arrow.Schema { return arrow.NewSchema(append(s.Fields(), f), nil) }
	for _, c := range []struct {
		name   string
		schema *arrow.Schema
		order  flow.Order
		code   fault.Code
		says   string
	}{
		{"unknown key", s, flow.Order{Keys: []string{"idd"}}, BadOrder, `key column "idd"`},
		{"unknown time", s, flow.Order{Time: "t"}, BadOrder, `time column "t"`},
		{"unknown then", s, flow.Order{Then: []string{"seq"}}, BadOrder, `order column "seq"`},
		{"unknown tie", s, flow.Order{Ties: []string{"x"}}, BadOrder, `tie column "x"`},
		{"time is a date", s, flow.Order{Time: "d"}, BadOrder, "want timestamp[us]"},
		{"key without order", with(arrow.Field{Name: "iv", Type: arrow.FixedWidthTypes.MonthInterval}), flow.Order{Keys: []string{"iv"}}, BadOrder, "has no order"},
		{"one name twice", with(arrow.Field{Name: "id", Type: arrow.BinaryTypes.String}), flow.Order{}, BadOrder, `two columns are named "id"`},
		{"dictionary", with(arrow.Field{Name: "e", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}}), flow.Order{}, UnsupportedColumn, `column "e"`},
		{"view in a list", with(arrow.Field{Name: "e", Type: arrow.ListOf(arrow.BinaryTypes.StringView)}), flow.Order{}, UnsupportedColumn, `column "e"`},
	} {
		_, err := New(Options{Schema: c.schema, Order: c.order})
		if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestExchange_OutOfTurn_Refused(t *testing.T) {
	r := hosttest.Batch(t, "id bigint", "1")
	other := hosttest.Batch(t, "id integer", "1")
	x, err := New(Options{Schema: r.Record.Schema(), Order: flow.Order{Keys: []string{"id"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := x.Add(ctx, other); !fault.Is(err, SchemaChanged) {
		t.Errorf("other type: %v", err)
	}
	if err := x.Add(ctx, r); err != nil {
		t.Fatal(err)
	}
	if n := len(x.Partitions()); n != 0 {
		t.Errorf("%d partitions before Finish", n)
	}
	if _, err := x.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Finish(ctx); !fault.Is(err, OutOfTurn) {
		t.Errorf("second Finish: %v", err)
	}
	if err := x.Add(ctx, r); !fault.Is(err, OutOfTurn) {
		t.Errorf("Add after Finish: %v", err)
	}
	p := x.Partitions()[0]
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Next(ctx); !fault.Is(err, OutOfTurn) {
		t.Errorf("Next after Close: %v", err)
	}
}

func TestCodes_All_Explained(t *testing.T) {
	for _, d := range Codes() {
		if d.Code < 8030 || d.Code > 8039 || d.Title == "" || d.Explain == "" || d.Code.Class() != fault.System {
			t.Errorf("%+v", d)
		}
	}
}

// TestPartition_SpillFileCutShort_NotTheEnd: a run file that lost its tail
// must not read as a partition that ended.
func TestPartition_SpillFileCutShort_NotTheEnd(t *testing.T) {
	x, _, batches := spilling(t, t.TempDir())
	if err := fill(t.Context(), x, batches); err != nil {
		t.Fatal(err)
	}
	for _, path := range openFiles(t) {
		if err := os.Truncate(path, 4096); err != nil {
			t.Fatal(err)
		}
	}
	refused := 0
	for _, p := range x.Partitions() {
		_, err := drain(t.Context(), p)
		if err == nil {
			continue
		}
		refused++
		if errors.Is(err, io.EOF) || !fault.Is(err, SpillRead) {
			t.Errorf("got %v, want FH-8032 that is no io.EOF", err)
		}
	}
	if refused == 0 {
		t.Error("no partition noticed")
	}
}
