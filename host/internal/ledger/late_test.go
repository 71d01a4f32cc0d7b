package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// stores are the places that a ledger may lie in: each gives a fresh one, opened
// as often as there are processes.
func stores() map[string]func(*testing.T) func(blob.Hook) blob.Store {
	return map[string]func(*testing.T) func(blob.Hook) blob.Store{
		"disk": func(t *testing.T) func(blob.Hook) blob.Store {
			dir := t.TempDir()
			return func(h blob.Hook) blob.Store { return blob.NewLocal(dir, h) }
		},
		"s3": func(t *testing.T) func(blob.Hook) blob.Store {
			srv := servertest.S3(t)
			srv.Setenv(t)
			return func(h blob.Hook) blob.Store {
				s, err := s3store.NewPool(s3store.Options{Hook: h}).Open("s3://"+srv.Bucket, config.S3{Endpoint: srv.Endpoint, Region: srv.Region, PathStyle: true})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				return s
			}
		},
	}
}

// clock is set by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lands says whether an operation puts an object in place under a key.
func lands(op blob.Op, key string) bool {
	return op.Kind == blob.Rename && op.To == key || op.Kind == blob.Put && op.Key == key
}

// A write that its process began while the lease ran, and that takes effect
// when another process has the run, changes nothing (L3). It is held up for one
// of two times: until the run is being undone, or until its days are claimed
// anew.
func TestClaim_WriteTakesEffectLate_RunStaysTaken(t *testing.T) {
	writes := map[string]func(context.Context, *Claim) error{
		"renewal":    func(ctx context.Context, c *Claim) error { return c.mine(ctx) },
		"prepared":   func(ctx context.Context, c *Claim) error { return c.Prepared(ctx, nil, nil, Extent{}) },
		"incomplete": func(ctx context.Context, c *Claim) error { return c.Incomplete(ctx, nil, errors.New("down")) },
	}
	for place, fresh := range stores() {
		for what, write := range writes {
			for _, until := range []string{"undone", "claimed"} {
				t.Run(place+"/"+what+"/"+until, func(t *testing.T) {
					ctx, open, time1 := t.Context(), fresh(t), &clock{now: time.Now()}
					begun, go1 := make(chan struct{}), make(chan struct{})
					var once sync.Once
					armed := make(chan struct{})
					hook := func(op blob.Op) error {
						select {
						case <-armed:
						default:
							return nil
						}
						if lands(op, key(1)) {
							once.Do(func() { close(begun); <-go1 })
						}
						return nil
					}
					a, _, err := Open(open(hook), Options{Holder: elsewhere, Now: time1.Now}).Acquire(ctx, request("2024-01-01", "2024-01-02"), nobody.finish, nobody.undo)
					if err != nil {
						t.Fatal(err)
					}
					defer a.Close()
					close(armed)
					late := make(chan error, 1)
					time1.add(59 * time.Second)
					go func() { late <- write(ctx, a) }()
					<-begun
					time1.add(2 * time.Second)
					var got error
					release := func() { close(go1); got = <-late }
					undo := func(context.Context, Record) error {
						if until == "undone" {
							release()
						}
						return nil
					}
					b, done, err := Open(open(nil), Options{Now: time1.Now}).Acquire(ctx, request("2024-01-02", "2024-01-03"), nobody.finish, undo)
					if err != nil || len(done) != 1 || done[0].State != Undone {
						t.Fatalf("recovered %v, %v", done, err)
					}
					if until == "claimed" {
						release()
					}
					if !fault.Is(got, Lost) {
						t.Errorf("the late write: %v", got)
					}
					for name, err := range map[string]error{"prepared": a.Prepared(ctx, nil, nil, Extent{}), "published": a.Published(ctx, nil)} {
						if !fault.Is(err, Lost) {
							t.Errorf("the run that was taken over is %s: %v", name, err)
						}
					}
					if a.Held(ctx) {
						t.Error("it believes to hold its days")
					}
					publish(t, b)
					all, err := Open(open(nil), Options{}).List(ctx)
					if err != nil || len(all) != 2 || all[0].State != Undone || all[1].State != Published {
						t.Errorf("%+v, %v", all, err)
					}
				})
			}
		}
	}
}

// A process that is stopped while it publishes learns before its next step that
// another one has finished its run; while it holds the run, the answer renews
// the lease.
func TestClaim_Fenced_HeldUntilTakenOver(t *testing.T) {
	ctx, c := t.Context(), &clock{now: time.Now()}
	store := blob.NewLocal(t.TempDir(), nil)
	a, _, err := Open(store, Options{Holder: elsewhere, Now: c.Now}).Acquire(ctx, request("", ""), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	list := []flow.Pending{{Sink: "historical", Rows: 3}, {Sink: "online", Rows: 3}}
	if err := a.Prepared(ctx, list, nil, Extent{}); err != nil {
		t.Fatal(err)
	}
	held := a.Fenced(list)[1].Held
	for range 3 {
		c.add(50 * time.Second)
		if err := held(ctx); err != nil {
			t.Fatal(err)
		}
	}
	c.add(50 * time.Second)
	if _, _, err := Open(store, Options{Now: c.Now}).Acquire(ctx, request("", ""), nobody.finish, nobody.undo); !fault.Is(err, Held) {
		t.Fatalf("renewed, and taken over: %v", err)
	}
	c.add(time.Minute)
	var during error
	finish := func(ctx context.Context, r Record) (map[string]flow.Published, error) {
		during = held(ctx)
		return nil, r.Pending[0].Held(ctx)
	}
	b, done, err := Open(store, Options{Now: c.Now}).Acquire(ctx, request("", ""), finish, nobody.undo)
	if err != nil || len(done) != 1 || done[0].State != Published {
		t.Fatalf("recovered %v, %v", done, err)
	}
	defer b.Close()
	for when, err := range map[string]error{"while it is finished": during, "then": held(ctx)} {
		if !fault.Is(err, Lost) {
			t.Errorf("%s: %v", when, err)
		}
	}
}

// A process that finishes a dead run and is stopped for longer than its lease
// loses the run to a third one, and does not take it from that one again.
func TestRecover_SleepsWhileFinishing_ThirdKeepsTheRun(t *testing.T) {
	ctx, c := t.Context(), &clock{now: time.Now()}
	store := blob.NewLocal(t.TempDir(), nil)
	dead, _, err := Open(store, Options{Holder: elsewhere, Now: c.Now}).Acquire(ctx, request("", ""), nobody.finish, nobody.undo)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(dead.Prepared(ctx, []flow.Pending{{Sink: "historical", Rows: 3}}, nil, Extent{}), dead.Close()); err != nil {
		t.Fatal(err)
	}
	c.add(2 * time.Minute)
	holder := func(boot string) Holder { return Holder{Host: "h", PID: 1, Started: "5", Boot: boot, Space: "s"} }
	third := Open(store, Options{Now: c.Now, Holder: holder("third")})
	var inside error
	finish := func(ctx context.Context, r Record) (map[string]flow.Published, error) {
		if err := r.Pending[0].Held(ctx); err != nil {
			t.Errorf("before it slept: %v", err)
		}
		c.add(2 * time.Minute)
		_, inside = third.Recover(ctx, flow.Interval{}, func(ctx context.Context, r3 Record) (map[string]flow.Published, error) {
			if err := r.Pending[0].Held(ctx); !fault.Is(err, Lost) {
				t.Errorf("after it slept: %v", err)
			}
			if err := r3.Pending[0].Held(ctx); err != nil {
				t.Errorf("the third: %v", err)
			}
			// The second gives up, which must not free the run of the third.
			second := &takeover{ledger: Open(store, Options{Now: c.Now, Holder: holder("second")}), number: 1, marker: markerKey(1, 1)}
			if err := second.release(ctx); err != nil {
				t.Error(err)
			}
			if err := r3.Pending[0].Held(ctx); err != nil {
				t.Errorf("the third, after the second gave up: %v", err)
			}
			return nil, nil
		}, nobody.undo)
		return nil, nil
	}
	_, err = Open(store, Options{Now: c.Now, Holder: holder("second")}).Recover(ctx, flow.Interval{}, finish, nobody.undo)
	if !fault.Is(err, NotRecovery) || !fault.Is(errors.Unwrap(err), Lost) || inside != nil {
		t.Errorf("second %v, third %v", err, inside)
	}
	all, err := third.List(ctx)
	if err != nil || all[0].State != Published {
		t.Errorf("%+v, %v", all, err)
	}
}

// What a superseded run left aside goes when its days are published again, and
// not before: until then a catalogue may point at it. A crash at any operation
// leaves it to a later run.
func TestClaim_Sweep_SupersededRunsLeaveNothing(t *testing.T) {
	ctx := context.Background()
	lost := &repairs{fail: fmt.Errorf("staged file is gone: %w", flow.ErrPendingLost)}
	for _, fails := range []int{0, 1, 2} { // undoing, or the record of it, fails at first
		dir := t.TempDir()
		refuse := false
		l := Open(blob.NewLocal(dir, func(op blob.Op) error {
			if refuse && lands(op, key(1)) {
				return errors.New("refused")
			}
			return nil
		}), Options{})
		first := acquire(t, l, "2024-01-02", "2024-01-03")
		if err := errors.Join(first.Prepared(ctx, []flow.Pending{{Sink: "online"}}, nil, Extent{}), first.Incomplete(ctx, nil, errors.New("down")), first.Close()); err != nil {
			t.Fatal(err)
		}
		next, _, err := l.Acquire(ctx, request("2024-01-01", "2024-01-09"), lost.finish, lost.undo)
		if err != nil {
			t.Fatal(err)
		}
		undone := &repairs{}
		if err := next.Sweep(ctx, undone.undo); err != nil || undone.undone != nil {
			t.Fatalf("before it was published: %v, %v", undone.undone, err)
		}
		publish(t, next)
		switch fails {
		case 1:
			if err := next.Sweep(ctx, lost.undo); !fault.Is(err, NotSwept) {
				t.Errorf("%v", err)
			}
		case 2:
			refuse = true
			if err := next.Sweep(ctx, undone.undo); !fault.Is(err, NotSwept) {
				t.Errorf("%v", err)
			}
			refuse, undone.undone = false, nil
		default:
			if err := next.Sweep(ctx, undone.undo); err != nil || !slices.Equal(undone.undone, []int64{1}) {
				t.Errorf("undone %v, %v", undone.undone, err)
			}
			undone.undone = nil
		}
		// A later run of other days sweeps what is left, once.
		want := []int64{1}
		if fails == 0 {
			want = nil
		}
		for range 2 {
			later := acquire(t, l, "2025-01-01", "2025-01-01")
			publish(t, later)
			if err := later.Sweep(ctx, undone.undo); err != nil {
				t.Error(err)
			}
		}
		if !slices.Equal(undone.undone, want) {
			t.Errorf("%d: undone later: %v, want %v", fails, undone.undone, want)
		}
	}
}
