package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/blobtest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("LEDGER_TEST_CHILD"); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// child claims a day, says so, and waits to be killed.
func child(dir string) {
	c, _, err := Open(blob.NewLocal(dir, nil), Options{}).Acquire(context.Background(), request("2024-01-01", "2024-01-02"), nobody.finish, nobody.undo)
	if err == nil && os.Getenv("LEDGER_TEST_STATE") == "prepared" {
		err = c.Prepared(context.Background(), []flow.Pending{{Sink: "historical", Rows: 7}}, nil, Extent{})
	}
	fmt.Println("claimed", err)
	time.Sleep(time.Hour)
}

// repairs records what recovery was asked to do.
type repairs struct {
	mu               sync.Mutex
	finished, undone []int64
	fail             error
}

var nobody = &repairs{fail: errors.New("nothing should need recovery")}

func (r *repairs) finish(_ context.Context, rec Record) (map[string]flow.Published, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return nil, r.fail
	}
	r.finished = append(r.finished, rec.Number)
	return map[string]flow.Published{"historical": {Rows: rec.Pending[0].Rows}}, nil
}

func (r *repairs) undo(_ context.Context, rec Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.undone = append(r.undone, rec.Number)
	return nil
}

func request(start, end string) Request {
	i, err := flow.ParseInterval(start, end)
	if err != nil {
		panic(err)
	}
	return Request{Interval: i, Entity: "e", Set: "s", Pipeline: "sha256:p"}
}

func acquire(t *testing.T, l *Ledger, start, end string) *Claim {
	t.Helper()
	c, _, err := l.Acquire(context.Background(), request(start, end), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func publish(t *testing.T, c *Claim) {
	t.Helper()
	ctx := context.Background()
	if err := errors.Join(c.Prepared(ctx, []flow.Pending{{Sink: "historical", Rows: 3}}, nil, Extent{}), c.Published(ctx, nil), c.Close()); err != nil {
		t.Fatal(err)
	}
}

// Rule: S-1210.
func TestClaim_Overlap_RefusedAndHolderNamed(t *testing.T) {
	for _, c := range []struct {
		held, wanted [2]string
		refused      bool
	}{
		{[2]string{"2024-01-01", "2024-01-05"}, [2]string{"2024-01-05", "2024-01-09"}, true},
		{[2]string{"2024-01-01", "2024-01-05"}, [2]string{"2024-01-06", "2024-01-09"}, false},
		{[2]string{"2024-01-01", "2024-01-05"}, [2]string{"", ""}, true},
		{[2]string{"", ""}, [2]string{"2030-01-01", "2030-01-01"}, true},
		{[2]string{"", "2024-01-31"}, [2]string{"2024-02-01", "2024-02-01"}, false},
	} {
		l := Open(blob.NewLocal(t.TempDir(), nil), Options{})
		first := acquire(t, l, c.held[0], c.held[1])
		second, _, err := l.Acquire(context.Background(), request(c.wanted[0], c.wanted[1]), nobody.finish, nobody.undo)
		if got := fault.Is(err, Held); got != c.refused {
			t.Errorf("%v while %v is held: %v", c.wanted, c.held, err)
			continue
		}
		if c.refused {
			if !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", os.Getpid())) || !strings.Contains(err.Error(), "run 1 ") {
				t.Errorf("the holder is not named: %v", err)
			}
			publish(t, first)
			acquire(t, l, c.wanted[0], c.wanted[1])
			continue
		}
		second.Close()
	}
}

func TestClaim_Race_OneWinnerPerDayAndNumbersUnique(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won []*Claim
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			l := Open(blob.NewLocal(dir, nil), Options{})
			c, _, err := l.Acquire(context.Background(), request("2024-01-01", "2024-01-01"), nobody.finish, nobody.undo)
			if err != nil {
				if !fault.Is(err, Held) {
					t.Errorf("%v", err)
				}
				return
			}
			mu.Lock()
			won = append(won, c)
			mu.Unlock()
		}()
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d of 16 hold the same day", len(won))
	}
	for _, c := range won {
		c.Close()
	}
	all, err := Open(blob.NewLocal(dir, nil), Options{}).List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	open := 0
	for i, r := range all {
		if r.Number != int64(i+1) {
			t.Errorf("record %d has number %d", i+1, r.Number)
		}
		if !r.State.Done() {
			open++
		}
	}
	if open != 1 {
		t.Errorf("%d records are open", open)
	}
}

// TestRecover_Killed_TakenOverAtOnce kills a process that holds a claim.
// Rule: S-1210.
func TestRecover_Killed_TakenOverAtOnce(t *testing.T) {
	for _, state := range []string{"claimed", "prepared"} {
		t.Run(state, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "LEDGER_TEST_CHILD="+dir, "LEDGER_TEST_STATE="+state)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line := make([]byte, 256)
			n, _ := out.Read(line)
			if got := strings.TrimSpace(string(line[:n])); got != "claimed <nil>" {
				t.Fatalf("the child says %q", got)
			}
			l := Open(blob.NewLocal(dir, nil), Options{})
			r := &repairs{}
			if _, _, err := l.Acquire(context.Background(), request("2024-01-02", "2024-01-02"), r.finish, r.undo); !fault.Is(err, Held) {
				t.Errorf("while the child lives: %v", err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			// Not waited for: a zombie holds nothing.
			deadline := time.Now().Add(5 * time.Second)
			var c *Claim
			var done []Recovered
			for c == nil && time.Now().Before(deadline) {
				c, done, err = l.Acquire(context.Background(), request("2024-01-02", "2024-01-02"), r.finish, r.undo)
			}
			_ = cmd.Wait()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if len(done) != 1 || done[0].Number != 1 || string(done[0].Was) != state {
				t.Errorf("recovered %v", done)
			}
			if state == "claimed" && fmt.Sprint(r.undone, r.finished) != "[1] []" || state == "prepared" && fmt.Sprint(r.undone, r.finished) != "[] [1]" {
				t.Errorf("undone %v, finished %v", r.undone, r.finished)
			}
			all, err := l.List(context.Background())
			if err != nil || !all[0].State.Done() || all[0].By == "" {
				t.Errorf("the record says %+v, %v", all[0], err)
			}
		})
	}
}

// elsewhere is a process of another machine.
var elsewhere = Holder{Host: "other", PID: 1, Started: "5", Boot: "boot-of-other", Space: "pid:[1]"}

func TestRecover_OtherMachine_OnlyAfterItsLease(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	store := blob.NewLocal(t.TempDir(), nil)
	theirs := Open(store, Options{Holder: elsewhere, Now: clock, Lease: time.Minute})
	c, _, err := theirs.Acquire(context.Background(), request("", ""), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	ours := Open(store, Options{Now: clock})
	r := &repairs{}
	now = now.Add(59 * time.Second)
	if _, _, err := ours.Acquire(context.Background(), request("", ""), r.finish, r.undo); !fault.Is(err, Held) {
		t.Fatalf("before the lease ran out: %v", err)
	}
	now = now.Add(2 * time.Second)
	mine, done, err := ours.Acquire(context.Background(), request("", ""), r.finish, r.undo)
	if err != nil || len(done) != 1 {
		t.Fatalf("after it: %v, %v", done, err)
	}
	defer mine.Close()
	// Whoever comes back finds its claim gone, and publishes nothing.
	if err := c.Prepared(context.Background(), nil, nil, Extent{}); !fault.Is(err, Lost) {
		t.Errorf("the late process went on: %v", err)
	}
}

// slept gives a claim of another machine whose lease has run out, the clock that
// says so, and the store.
func slept(t *testing.T) (*Claim, func() time.Time, blob.Store) {
	t.Helper()
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	store := blob.NewLocal(t.TempDir(), nil)
	c, _, err := Open(store, Options{Holder: elsewhere, Now: clock, Lease: time.Minute}).Acquire(t.Context(), request("", ""), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	mu.Lock()
	now = now.Add(61 * time.Second)
	mu.Unlock()
	return c, clock, store
}

// While its rows are being thrown away, a run that wakes up must not publish
// them (L3).
func TestClaim_WakesWhileUndone_Lost(t *testing.T) {
	c, clock, store := slept(t)
	var woke error
	undo := func(ctx context.Context, _ Record) error {
		woke = c.Prepared(ctx, []flow.Pending{{Sink: "historical", Rows: 7}}, nil, Extent{})
		return nil
	}
	mine, done, err := Open(store, Options{Now: clock}).Acquire(t.Context(), request("", ""), nobody.finish, undo)
	if err != nil || len(done) != 1 || done[0].State != Undone {
		t.Fatalf("recovered %v, %v", done, err)
	}
	defer mine.Close()
	if !fault.Is(woke, Lost) {
		t.Errorf("the run went on: %v", woke)
	}
}

// A run that slept goes on when nobody wanted its days, and is held again.
func TestClaim_WakesAlone_GoesOn(t *testing.T) {
	c, clock, store := slept(t)
	if err := c.Prepared(t.Context(), []flow.Pending{{Sink: "historical", Rows: 7}}, nil, Extent{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(store, Options{Now: clock}).Acquire(t.Context(), request("", ""), nobody.finish, nobody.undo); !fault.Is(err, Held) {
		t.Errorf("another run came in between: %v", err)
	}
	if err := c.Published(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// Recovery may take longer than a lease: it is renewed meanwhile.
func TestRecover_Slow_KeepsTheRun(t *testing.T) {
	store := blob.NewLocal(t.TempDir(), nil)
	const lease = 30 * time.Millisecond
	dead, _, err := Open(store, Options{Holder: elsewhere, Lease: lease}).Acquire(t.Context(), request("", ""), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	time.Sleep(2 * lease)
	first := dead.Record().Lease
	undo := func(ctx context.Context, _ Record) error {
		for {
			m, _, err := Open(store, Options{}).keeper(ctx, dead.Record())
			if err != nil {
				return err
			}
			if m.Lease.Sub(first) > 6*lease { // renewed, however slow this machine is
				return nil
			}
			time.Sleep(time.Millisecond)
		}
	}
	ours, done, err := Open(store, Options{Lease: lease}).Acquire(t.Context(), request("", ""), nobody.finish, undo)
	if err != nil || len(done) != 1 {
		t.Fatalf("recovered %v, %v", done, err)
	}
	ours.Close()
}

func TestRecover_Race_OneRecovers(t *testing.T) {
	dir := t.TempDir()
	past := func() time.Time { return time.Now().Add(-time.Hour) }
	c, _, err := Open(blob.NewLocal(dir, nil), Options{Holder: elsewhere, Now: past}).Acquire(context.Background(), request("", ""), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	r := &repairs{}
	var wg sync.WaitGroup
	for range 12 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := Open(blob.NewLocal(dir, nil), Options{}).Recover(context.Background(), flow.Interval{}, r.finish, r.undo); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if fmt.Sprint(r.undone) != "[1]" {
		t.Errorf("undone %v", r.undone)
	}
}

// between is a store at which something happens right after the first look at
// the takeovers of a run.
type between struct {
	blob.Store
	once sync.Once
	f    func()
}

func (b *between) List(ctx context.Context, prefix string) ([]blob.Info, error) {
	infos, err := b.Store.List(ctx, prefix)
	if prefix == markers(1) {
		b.once.Do(b.f)
	}
	return infos, err
}

// Whoever found a run's holder dead and then was slow leaves it to the one who
// was faster, and is alive.
func TestRecover_AnotherWasFaster_LeavesTheRun(t *testing.T) {
	store := blob.NewLocal(t.TempDir(), nil)
	past := func() time.Time { return time.Now().Add(-time.Hour) }
	c, _, err := Open(store, Options{Holder: elsewhere, Now: past}).Acquire(t.Context(), request("", ""), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	faster := Open(store, Options{})
	var theirs string
	slow := &between{Store: store, f: func() {
		if theirs, err = faster.takeOver(t.Context(), c.Record()); theirs == "" {
			t.Errorf("the faster one did not get the run: %v", err)
		}
	}}
	r := &repairs{}
	done, err := Open(slow, Options{}).Recover(t.Context(), flow.Interval{}, r.finish, r.undo)
	if err != nil || len(done) != 0 || len(r.undone) != 0 {
		t.Errorf("recovered %v, undone %v, %v", done, r.undone, err)
	}
	if last, err := faster.lastMarker(t.Context(), 1); err != nil || last != theirs {
		t.Errorf("the last takeover is %q, want %q: %v", last, theirs, err)
	}
}

func TestRecover_Fails_NextRunTriesAgain(t *testing.T) {
	dir := t.TempDir()
	past := func() time.Time { return time.Now().Add(-time.Hour) }
	c, _, err := Open(blob.NewLocal(dir, nil), Options{Holder: elsewhere, Now: past}).Acquire(context.Background(), request("", ""), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	l := Open(blob.NewLocal(dir, nil), Options{})
	broken := &repairs{fail: errors.New("disk on fire")}
	if _, _, err := l.Acquire(context.Background(), request("", ""), broken.finish, broken.undo); !fault.Is(err, NotRecovery) {
		t.Fatal(err)
	}
	// The process that failed is alive, so it still answers for the run: it may
	// try again, and so may any process once it is gone.
	r := &repairs{}
	again, done, err := l.Acquire(context.Background(), request("", ""), r.finish, r.undo)
	if err != nil || len(done) != 1 {
		t.Fatalf("%v, %v", done, err)
	}
	again.Close()
}

func TestClaim_Incomplete_FinishedByTheNextRun(t *testing.T) {
	ctx := context.Background()
	l := Open(blob.NewLocal(t.TempDir(), nil), Options{})
	c := acquire(t, l, "", "")
	err := errors.Join(c.Prepared(ctx, []flow.Pending{{Sink: "online", Rows: 2}}, nil, Extent{}), c.Incomplete(ctx, nil, errors.New("store is down")), c.Close())
	if err != nil {
		t.Fatal(err)
	}
	r := &repairs{}
	next, done, err := l.Acquire(ctx, request("", ""), r.finish, r.undo)
	if err != nil || len(done) != 1 || done[0].Was != Incomplete || done[0].State != Published {
		t.Fatalf("%v, %v", done, err)
	}
	next.Close()
}

func TestClaim_Errors_WrittenWithoutSecrets(t *testing.T) {
	ctx := context.Background()
	l := Open(blob.NewLocal(t.TempDir(), nil), Options{Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") }})
	why := errors.New("no hunter2 is known")
	incomplete, undone := acquire(t, l, "2024-01-01", "2024-01-02"), acquire(t, l, "2024-02-01", "2024-02-02")
	err := errors.Join(incomplete.Prepared(ctx, []flow.Pending{{Sink: "online"}}, nil, Extent{}), incomplete.Incomplete(ctx, nil, why), incomplete.Close(), undone.Undone(ctx, why), undone.Close())
	if err != nil {
		t.Fatal(err)
	}
	check := func(state State) {
		t.Helper()
		list, err := l.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range list {
			if r.State == state && r.Error == "no *** is known" {
				n++
			}
			if strings.Contains(r.Error, "hunter2") {
				t.Errorf("run %d tells %q", r.Number, r.Error)
			}
		}
		if n != 1 {
			t.Errorf("%d records of state %s tell why, in %v", n, state, list)
		}
	}
	check(Incomplete)
	check(Undone)
	again := &repairs{fail: why}
	if c, _, err := l.Acquire(ctx, request("2024-01-01", "2024-01-02"), again.finish, again.undo); err == nil {
		c.Close()
		t.Fatal("the store was still away, and a run over its days began")
	}
	check(Incomplete)
	lost := &repairs{fail: fmt.Errorf("%w: %w", why, flow.ErrPendingLost)}
	c, _, err := l.Acquire(ctx, request("2024-01-01", "2024-01-02"), lost.finish, lost.undo)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	list, err := l.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if strings.Contains(r.Error, "hunter2") {
			t.Errorf("run %d tells %q", r.Number, r.Error)
		}
	}
}

// A state folder that did not outlive its machine must not block the table for
// ever: whoever computes the same days again goes on.
// Rules: S-1210, S-1303.
func TestRecover_PendingLost_SupersededByARunOverItsDays(t *testing.T) {
	ctx := context.Background()
	lost := &repairs{fail: fmt.Errorf("staged file is gone: %w", flow.ErrPendingLost)}
	for _, c := range []struct {
		lost, wanted [2]string
		hint         string // "" when the new run may go on
	}{
		{[2]string{"2024-01-02", "2024-01-03"}, [2]string{"2024-01-02", "2024-01-03"}, ""},
		{[2]string{"2024-01-02", "2024-01-03"}, [2]string{"", ""}, ""},
		{[2]string{"2024-01-02", "2024-01-03"}, [2]string{"2024-01-03", "2024-01-09"}, "--start 2024-01-02 --end 2024-01-03"},
		{[2]string{"", ""}, [2]string{"2024-01-02", "2024-01-03"}, "the whole table"},
		{[2]string{"", "2024-01-03"}, [2]string{"", ""}, ""},
	} {
		l := Open(blob.NewLocal(t.TempDir(), nil), Options{})
		first := acquire(t, l, c.lost[0], c.lost[1])
		if err := errors.Join(first.Prepared(ctx, []flow.Pending{{Sink: "online"}}, nil, Extent{}), first.Incomplete(ctx, nil, errors.New("down")), first.Close()); err != nil {
			t.Fatal(err)
		}
		next, done, err := l.Acquire(ctx, request(c.wanted[0], c.wanted[1]), lost.finish, lost.undo)
		if c.hint != "" {
			if !fault.Is(err, NotRecovery) || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("%v over %v: %v", c.wanted, c.lost, err)
			}
			continue
		}
		if err != nil || len(done) != 1 || done[0].State != Superseded || !strings.Contains(done[0].String(), "lost") {
			t.Fatalf("%v over %v: %v, %v", c.wanted, c.lost, done, err)
		}
		if d, err := flow.ParseDay("2024-01-02"); err != nil || next.Revision(d) != 1 {
			t.Errorf("the lost run does not count: its values may have been seen")
		}
		next.Close()
	}
}

// Rule: S-1303.
func TestClaim_Revision_CountsEarlierRunsOfTheDay(t *testing.T) {
	ctx := context.Background()
	l := Open(blob.NewLocal(t.TempDir(), nil), Options{})
	publish(t, acquire(t, l, "", ""))
	publish(t, acquire(t, l, "2024-01-02", "2024-01-03"))
	undone := acquire(t, l, "2024-01-02", "2024-01-02")
	if err := errors.Join(undone.Undone(ctx, errors.New("x")), undone.Close()); err != nil {
		t.Fatal(err)
	}
	c := acquire(t, l, "2024-01-01", "2024-01-09")
	for day, want := range map[string]int64{"2024-01-01": 1, "2024-01-02": 2, "2024-01-04": 1} {
		d, err := flow.ParseDay(day)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Revision(d); got != want {
			t.Errorf("revision of %s is %d, want %d", day, got, want)
		}
	}
}

func TestList_Damaged_NamesTheRecord(t *testing.T) {
	for name, text := range map[string]string{
		"torn":    `{"version": 1, "number": 1, "sta`,
		"newer":   `{"version": 99, "number": 1, "state": "claimed"}`,
		"state":   `{"version": 1, "number": 1, "state": "odd"}`,
		"number":  `{"version": 1, "number": 2, "state": "claimed"}`,
		"no day":  `{"version": 1, "number": 1, "state": "claimed", "start": "yesterday"}`,
		"nothing": ``,
	} {
		store := blob.NewLocal(t.TempDir(), nil)
		if err := store.Put(context.Background(), key(1), []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, _, err := Open(store, Options{}).Acquire(context.Background(), request("", ""), nobody.finish, nobody.undo)
		if !fault.Is(err, Unreadable) || !strings.Contains(err.Error(), "000001.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLedger_CrashAnywhere_NextRunGoesOn stops the world at every operation of
// a whole run and lets another process take over.
func TestLedger_CrashAnywhere_NextRunGoesOn(t *testing.T) {
	ctx := context.Background()
	for n := 1; ; n++ {
		dir := t.TempDir()
		plan := &blobtest.Plan{CrashAt: n}
		first := Open(blob.NewLocal(dir, plan.Hook), Options{Holder: elsewhere, Lease: time.Nanosecond})
		crashed := func() error {
			c, _, err := first.claimOnly(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Prepared(ctx, []flow.Pending{{Sink: "historical", Rows: 1}}, nil, Extent{}); err != nil {
				return err
			}
			return c.Published(ctx, nil)
		}()
		r := &repairs{}
		c, done, err := Open(blob.NewLocal(dir, nil), Options{}).Acquire(ctx, request("", ""), r.finish, r.undo)
		if err != nil {
			t.Fatalf("after a crash at operation %d (%v): %v", n, crashed, err)
		}
		c.Close()
		if len(done) > 1 || len(r.finished)+len(r.undone) != len(done) {
			t.Errorf("crash at %d: recovered %v, finished %v, undone %v", n, done, r.finished, r.undone)
		}
		if !plan.Reached() {
			if crashed != nil || len(done) != 0 {
				t.Errorf("without a crash: %v, recovered %v", crashed, done)
			}
			return
		}
	}
}

// claimOnly claims without the renewal of a lease, which a test of crashes
// does not want to race with.
func (l *Ledger) claimOnly(ctx context.Context) (*Claim, []Recovered, error) {
	c, err := l.claim(ctx, request("", ""))
	if err != nil {
		return nil, nil, err
	}
	return c, nil, c.Close()
}
