package crash_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/crash"
)

// worker fails on batches that hold certain values of column x.
type worker struct {
	bad   map[int64]int // value to code
	once  map[int64]int // fails the first time only, unless the instance is fresh
	most  int64
	heavy int64 // more rows than this do not fit into memory
	odd   bool  // keeps odd values only: a filter
	calls []string
}

func (w *worker) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) { return in, nil }
func (w *worker) Process(context.Context, flow.Batch, flow.Emit) error {
	return errors.New("the guard calls Do")
}
func (w *worker) Flush(context.Context, flow.Emit) error { return nil }
func (w *worker) Close() error                           { return nil }
func (w *worker) Fork(context.Context) (flow.Stage, error) {
	c := *w
	c.calls = nil
	return &c, nil
}
func (w *worker) Reads() []string          { return []string{"x"} }
func (w *worker) Makes() []string          { return nil }
func (w *worker) Most(in flow.Batch) int64 { return w.most }
func values(b flow.Batch) []int64          { return b.Record.Column(0).(*array.Int64).Int64Values() }

func (w *worker) Do(_ context.Context, in flow.Batch, fresh bool) ([]flow.Batch, error) {
	call := fmt.Sprint(values(in))
	if fresh {
		call = "fresh " + call
	}
	w.calls = append(w.calls, call)
	if w.heavy > 0 && in.Rows() > w.heavy {
		return nil, fault.New(abi.CodeMemory, "%d rows do not fit", in.Rows())
	}
	for _, v := range values(in) {
		if code, ok := w.bad[v]; ok {
			return nil, fault.New(fault.Code(code), "%d is bad", v)
		}
		if code, ok := w.once[v]; ok && !fresh {
			return nil, fault.New(fault.Code(code), "%d is bad at first", v)
		}
	}
	var out []flow.Batch
	for i, v := range values(in) {
		if !w.odd || v%2 == 1 {
			out = append(out, in.Slice(int64(i), int64(i)+1))
		}
	}
	return out, nil
}

// rejects notes the rows of the dead letter.
type rejects struct {
	rows    []int64
	letters []string
	err     error
}

func (r *rejects) Reject(_ context.Context, x flow.Rejection) error {
	for _, i := range x.Rows {
		r.rows = append(r.rows, values(x.Batch)[i])
	}
	r.letters = append(r.letters, fmt.Sprintf("%s %s %s from %s: %d", x.Stage, x.Reason, x.Message, x.Batch.Position, len(x.Rows)))
	return r.err
}

type counter map[string]int64

func (c counter) Add(name, label string, n int64) { c[name+" "+label] += n }

// numbers is a batch of x = from, from + 1, ...
func numbers(t testing.TB, from, rows int) flow.Batch {
	t.Helper()
	text := make([]string, rows)
	for i := range text {
		text[i] = fmt.Sprint(from + i)
	}
	return hosttest.Batch(t, "x bigint", text...)
}

// through sends batches through a guarded worker and gives the values that come
// out.
func through(t testing.TB, w *worker, s crash.Settings, batches ...flow.Batch) ([]int64, error) {
	t.Helper()
	if w.most == 0 {
		w.most = 1 << 40
	}
	var out []int64
	g := crash.Guard(w, s)
	for _, b := range batches {
		err := g.Process(context.Background(), b, func(b flow.Batch) error {
			out = append(out, values(b)...)
			b.Release()
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func settings(p crash.Policy) (crash.Settings, *rejects, counter) {
	r, c := &rejects{}, counter{}
	return crash.Settings{Name: "s", Policy: p, Rejects: r, Counter: c}, r, c
}

// ABI-W-071: what is tried, in which order, and what becomes of the rows.
func TestGuard_Failures(t *testing.T) {
	for _, c := range []struct {
		name   string
		worker worker
		policy crash.Policy
		out    []int64
		dead   []int64
		calls  []string
		code   int
	}{
		{"nothing fails", worker{}, crash.Fail, []int64{0, 1, 2, 3}, nil, []string{"[0 1 2 3]"}, 0},
		{"a trap that a fresh instance does not meet", worker{once: map[int64]int{2: abi.CodeTrap}}, crash.Fail, []int64{0, 1, 2, 3}, nil,
			[]string{"[0 1 2 3]", "fresh [0 1 2 3]"}, 0},
		{"a trap", worker{bad: map[int64]int{2: abi.CodeTrap}}, crash.Fail, nil, nil, []string{"[0 1 2 3]", "fresh [0 1 2 3]"}, abi.CodeTrap},
		{"fuel is not tried again", worker{bad: map[int64]int{2: abi.CodeFuel}}, crash.Fail, nil, nil, []string{"[0 1 2 3]"}, abi.CodeFuel},
		{"a trap, to the dead letter", worker{bad: map[int64]int{2: abi.CodeTrap}}, crash.DeadLetter, []int64{0, 1, 3}, []int64{2},
			[]string{"[0 1 2 3]", "fresh [0 1 2 3]", "[0 1]", "[2 3]", "[2]", "fresh [2]", "[3]"}, 0},
		{"fuel, to the dead letter", worker{bad: map[int64]int{0: abi.CodeFuel}}, crash.DeadLetter, []int64{1, 2, 3}, []int64{0},
			[]string{"[0 1 2 3]", "[0 1]", "[0]", "[1]", "[2 3]"}, 0},
		{"data, to the dead letter", worker{bad: map[int64]int{3: abi.CodeData}}, crash.DeadLetter, []int64{0, 1, 2}, []int64{3},
			[]string{"[0 1 2 3]", "[0 1]", "[2 3]", "[2]", "[3]"}, 0},
		{"a malformed answer", worker{bad: map[int64]int{1: 4005}}, crash.DeadLetter, []int64{0, 2, 3}, []int64{1}, nil, 0},
		{"skipped", worker{bad: map[int64]int{1: abi.CodeStack}}, crash.Skip, []int64{0, 2, 3}, nil, nil, 0},
		{"memory is cut, whatever the policy", worker{heavy: 1}, crash.Fail, []int64{0, 1, 2, 3}, nil,
			[]string{"[0 1 2 3]", "[0 1]", "[0]", "[1]", "[2 3]", "[2]", "[3]"}, 0},
		{"a half that fails once", worker{heavy: 2, once: map[int64]int{2: abi.CodeTrap}}, crash.Fail, []int64{0, 1, 2, 3}, nil,
			[]string{"[0 1 2 3]", "[0 1]", "[2 3]", "fresh [2 3]"}, 0},
		{"a row that does not fit", worker{bad: map[int64]int{1: abi.CodeMemory}}, crash.Fail, []int64{0}, nil, nil, abi.CodeMemory},
		{"a row that does not fit, to the dead letter", worker{bad: map[int64]int{1: abi.CodeMemory}}, crash.DeadLetter, []int64{0, 2, 3}, []int64{1}, nil, 0},
		{"no fault of the rows", worker{bad: map[int64]int{1: abi.CodeInit}}, crash.DeadLetter, nil, nil, []string{"[0 1 2 3]"}, abi.CodeInit},
		{"as much as the worker takes", worker{most: 3}, crash.Fail, []int64{0, 1, 2, 3}, nil, []string{"[0 1 2]", "[3]"}, 0},
		{"a filter", worker{odd: true, bad: map[int64]int{2: abi.CodeTrap}}, crash.DeadLetter, []int64{1, 3}, []int64{2}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := numbers(t, 0, 4)
			defer in.Release()
			s, r, n := settings(c.policy)
			out, err := through(t, &c.worker, s, in)
			if c.code == 0 && err != nil || c.code != 0 && !fault.Is(err, fault.Code(c.code)) {
				t.Fatalf("got %v, want %d", err, c.code)
			}
			if !reflect.DeepEqual(out, c.out) || !reflect.DeepEqual(r.rows, c.dead) {
				t.Errorf("out %v, want %v; rejected %v, want %v", out, c.out, r.rows, c.dead)
			}
			if c.calls != nil && !reflect.DeepEqual(c.worker.calls, c.calls) {
				t.Errorf("calls %q, want %q", c.worker.calls, c.calls)
			}
			if err == nil && !c.worker.odd && int64(len(out))+n[crash.CountRejected+" s"]+n[crash.CountSkipped+" s"] != 4 {
				t.Errorf("%d came out, counts %v", len(out), n)
			}
		})
	}
}

// The letter says which row of the source it was, and why.
func TestGuard_Letter_NamesRowAndReason(t *testing.T) {
	in := numbers(t, 0, 9)
	defer in.Release()
	s, r, _ := settings(crash.DeadLetter)
	if _, err := through(t, &worker{bad: map[int64]int{6: abi.CodeTrap}, most: 4}, s, in); err != nil {
		t.Fatal(err)
	}
	if want := []string{"s FH-3002 6 is bad from test:row 7: 1"}; !reflect.DeepEqual(r.letters, want) {
		t.Errorf("got %q, want %q", r.letters, want)
	}
}

// C1 and C2 over random batches and random bad rows.
func TestGuard_AnyBadRows_EveryRowAccountedFor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		w := &worker{bad: map[int64]int{}, once: map[int64]int{}, most: 1 + rng.Int64N(40), heavy: 1 + rng.Int64N(60)}
		rows := 1 + rng.IntN(120)
		for range rng.IntN(20) {
			codes := []int{abi.CodeTrap, abi.CodeFuel, abi.CodeData, abi.CodeMemory, 4001}
			[]map[int64]int{w.bad, w.once}[rng.IntN(2)][rng.Int64N(int64(rows))] = codes[rng.IntN(5)]
		}
		in := numbers(t, 0, rows)
		s, r, n := settings(crash.DeadLetter)
		s.Circuit.Failures = 1 << 30
		out, err := through(t, w, s, in)
		in.Release()
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int64]bool{}
		last := int64(-1)
		for _, v := range out {
			if v <= last {
				t.Fatalf("%d after %d", v, last)
			}
			if _, bad := w.bad[v]; bad {
				t.Fatalf("%d came out", v)
			}
			last, seen[v] = v, true
		}
		for _, v := range r.rows {
			if seen[v] {
				t.Fatalf("%d came out and was rejected", v)
			}
			seen[v] = true
		}
		if len(seen) != rows || n[crash.CountRejected+" s"] != int64(len(r.rows)) {
			t.Fatalf("%d of %d rows accounted for, counts %v", len(seen), rows, n)
		}
	}
}

// Behind 16 bad rows of a batch the rest is rejected untried, and says so.
func TestGuard_ManyBadRows_RestOfTheBatchRejected(t *testing.T) {
	w := &worker{bad: map[int64]int{}}
	for v := range int64(100) {
		w.bad[v*3] = abi.CodeData
	}
	in := numbers(t, 0, 300)
	defer in.Release()
	s, r, _ := settings(crash.DeadLetter)
	out, err := through(t, w, s, in)
	if err != nil {
		t.Fatal(err)
	}
	if last := out[len(out)-1]; last > 60 || len(out)+len(r.rows) != 300 {
		t.Errorf("%d rows came out, up to %d, and %d were rejected", len(out), last, len(r.rows))
	}
	if last := r.letters[len(r.letters)-1]; !strings.Contains(last, crash.NotTried) || !strings.Contains(last, "FH-3001") {
		t.Errorf("the last letter: %s", last)
	}
}

// Rows that hang cost a deadline at each try: the search for them ends after some.
func TestGuard_HangingRows_SearchEnds(t *testing.T) {
	w := &worker{bad: map[int64]int{}}
	for v := range int64(10) {
		w.bad[v*1000] = abi.CodeDeadline
	}
	in := numbers(t, 0, 1<<14)
	defer in.Release()
	s, r, _ := settings(crash.DeadLetter)
	s.Circuit.Rejected = 1
	out, err := through(t, w, s, in)
	if err != nil {
		t.Fatal(err)
	}
	late := 0
	for _, call := range w.calls {
		if slices.ContainsFunc(strings.Fields(strings.Trim(strings.TrimPrefix(call, "fresh "), "[]")), func(v string) bool { return strings.HasSuffix(v, "000") && len(v) == 4 || v == "0" }) {
			late++
		}
	}
	if late < 20 || late > 41 || len(out)+len(r.rows) != 1<<14 {
		t.Errorf("%d tries ran out of time; %d rows came out, %d were rejected", late, len(out), len(r.rows))
	}
	if last := r.letters[len(r.letters)-1]; !strings.Contains(last, crash.NotTried) || !strings.Contains(last, "FH-5005") {
		t.Errorf("the last letter: %s", last)
	}
}

// A batch in parts that run out of time first, and pass the second time, is no
// reason to turn rows down where the policy is to fail.
func TestGuard_PolicyFail_LateParts_NothingRejected(t *testing.T) {
	w := &worker{once: map[int64]int{}, heavy: 1}
	for i := range int64(64) {
		w.once[i] = abi.CodeDeadline
	}
	s, r, _ := settings(crash.Fail)
	got, err := through(t, w, s, numbers(t, 0, 64))
	if !fault.Is(err, abi.CodeDeadline) || len(r.rows) > 0 {
		t.Errorf("%d rows out, %d rejected, %v", len(got), len(r.rows), err)
	}
}

// What rows fail with is told once for each code, whatever becomes of them.
func TestGuard_FirstFailures_Told(t *testing.T) {
	for policy, want := range map[crash.Policy]string{
		crash.Skip:       "rows that fail with FH-3001 are left out; the first: FH-3001: 3 is bad\nrows that fail with FH-3003 are left out; the first: FH-3003: 5 is bad",
		crash.DeadLetter: "rows that fail with FH-3001 are kept in the dead letter; the first: FH-3001: 3 is bad\nrows that fail with FH-3003 are kept in the dead letter; the first: FH-3003: 5 is bad",
	} {
		var told []string
		s, _, _ := settings(policy)
		s.Warn = func(text string) { told = append(told, text) }
		in := numbers(t, 0, 10)
		if _, err := through(t, &worker{bad: map[int64]int{3: abi.CodeData, 4: abi.CodeData, 5: abi.CodeFuel}}, s, in); err != nil {
			t.Error(err)
		}
		in.Release()
		if got := strings.Join(told, "\n"); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

// Copies of a stage meet the open circuit beside each other.
func TestGuard_OpenCircuit_EachHasItsError(t *testing.T) {
	s, _, _ := settings(crash.Skip)
	s.Circuit.Failures, s.Counter = 1, nil // that of the tests is for one goroutine
	bad := map[int64]int{}
	for v := range int64(40) {
		bad[v] = abi.CodeData
	}
	g := crash.Guard(&worker{bad: bad, most: 1 << 40}, s)
	var wait sync.WaitGroup
	for range 4 {
		f, err := g.Fork(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			in := numbers(t, 0, 40)
			defer in.Release()
			err := f.Process(t.Context(), in, func(b flow.Batch) error { b.Release(); return nil })
			if e := fault.As(err); e == nil || e.Code != abi.CodeCircuit || !strings.Contains(e.Hint, "on_error") {
				t.Errorf("got %v", err)
			}
		})
	}
	wait.Wait()
}

// ABI-W-072: the circuit opens.
func TestGuard_Circuit(t *testing.T) {
	everyTenth := map[int64]int{}
	for v := range int64(30_000) {
		if v%10 == 0 {
			everyTenth[v] = abi.CodeData
		}
	}
	rare := map[int64]int{5: abi.CodeData, 7000: abi.CodeData}
	for _, c := range []struct {
		name    string
		bad     map[int64]int
		size    int
		circuit crash.Circuit
		at      int // batch that meets the open circuit, 0 for none
	}{
		{"few", rare, 1000, crash.Circuit{}, 0},
		{"a tenth", everyTenth, 100, crash.Circuit{}, 100},
		{"a tenth, allowed", everyTenth, 100, crash.Circuit{Rejected: 0.2}, 0},
		{"batches that are given up", everyTenth, 1000, crash.Circuit{}, 5},
		{"more of them allowed", everyTenth, 1000, crash.Circuit{Failures: 8, Rejected: 1}, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, _ := settings(crash.DeadLetter)
			s.Circuit = c.circuit
			g := crash.Guard(&worker{bad: c.bad, most: 1 << 40}, s)
			for i := 1; i <= 20_000/c.size; i++ {
				in := numbers(t, (i-1)*c.size, c.size)
				err := g.Process(context.Background(), in, func(b flow.Batch) error { b.Release(); return nil })
				in.Release()
				if (err != nil) != (i == c.at) || err != nil && !fault.Is(err, abi.CodeCircuit) {
					t.Fatalf("batch %d: %v", i, err)
				}
				if err != nil {
					return
				}
			}
		})
	}
}

// C3: what comes after the stage fails by itself.
func TestGuard_ErrorDownstream_NotTheWorkers(t *testing.T) {
	in := numbers(t, 0, 4)
	defer in.Release()
	s, r, _ := settings(crash.DeadLetter)
	w := &worker{most: 10}
	down := fault.New(abi.CodeTrap, "another stage trapped")
	err := crash.Guard(w, s).Process(context.Background(), in, func(b flow.Batch) error { b.Release(); return down })
	if !errors.Is(err, down) || len(w.calls) != 1 || len(r.rows) != 0 {
		t.Errorf("got %v after %q, %v rejected", err, w.calls, r.rows)
	}
}

// A dead letter that cannot be kept ends the run.
func TestGuard_LetterNotKept_RunFails(t *testing.T) {
	in := numbers(t, 0, 4)
	defer in.Release()
	s, r, n := settings(crash.DeadLetter)
	r.err = errors.New("no space")
	if _, err := through(t, &worker{bad: map[int64]int{1: abi.CodeData}}, s, in); !errors.Is(err, r.err) || n[crash.CountRejected+" s"] != 0 {
		t.Errorf("got %v, counts %v", err, n)
	}
}

// After the end of the run nothing is tried again.
func TestGuard_Cancelled_NoSecondTry(t *testing.T) {
	in := numbers(t, 0, 4)
	defer in.Release()
	s, _, _ := settings(crash.DeadLetter)
	w := &worker{most: 10, bad: map[int64]int{1: abi.CodeTrap}}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := crash.Guard(w, s).Process(ctx, in, nil); err == nil || len(w.calls) != 1 {
		t.Errorf("got %v after %q", err, w.calls)
	}
}
