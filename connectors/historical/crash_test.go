package historical

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/blobtest"
	"github.com/featurehost/featurehost/host/flow"
)

var update = flag.Bool("update", false, "rewrite testdata")

// scenario is a table and a run over it. The run replaces a day, makes one,
// clears one and leaves one.
type scenario struct {
	layout      string
	aside       bool // the file system cannot exchange folders
	run         func(t testing.TB) flow.Run
	before, now []string
}

func scenarios() map[string]scenario {
	before := []string{"1 | 2024-01-01 | 1", "1 | 2024-01-02 | 2", "1 | 2024-01-31 | 31", "2 | 2024-01-02 | 2"}
	return map[string]scenario{
		"interval": {partitioned, false, func(t testing.TB) flow.Run { return run(t, "new", "2024-01-02", "2024-02-03") }, before, []string{"1 | 2024-01-02 | 22", "1 | 2024-02-03 | 33"}},
		"full":     {partitioned, false, func(t testing.TB) flow.Run { return run(t, "new", "", "") }, before, []string{"1 | 2024-01-02 | 22", "1 | 2024-02-03 | 33"}},
		"aside":    {partitioned, true, func(t testing.TB) flow.Run { return run(t, "new", "2024-01-02", "2024-02-03") }, before, []string{"1 | 2024-01-02 | 22", "1 | 2024-02-03 | 33"}},
		"flat":     {flat, false, func(t testing.TB) flow.Run { return run(t, "new", "", "") }, before, []string{"1 | 2024-01-02 | 22"}},
		"first":    {partitioned, false, func(t testing.TB) flow.Run { return run(t, "new", "", "") }, nil, []string{"1 | 2024-01-02 | 22", "1 | 2024-02-03 | 33"}},
	}
}

// set makes the table as it was before the run.
func (c scenario) set(t testing.TB) string {
	dir := tempDir(t)
	if c.before != nil {
		mustWrite(t, sink(t, dir, config.Sink{Layout: c.layout}, nil), run(t, "old", "", ""), columns, c.before...)
	}
	return dir
}

// The order of all operations of a run, as a golden: what is synced before
// what is moved, and what is removed last.
func TestPublish_Events_Golden(t *testing.T) {
	var got strings.Builder
	for _, name := range []string{"interval", "full", "flat"} {
		c := scenarios()[name]
		dir := c.set(t)
		plan := &blobtest.Plan{}
		s := sink(t, dir, config.Sink{Layout: c.layout}, plan.Hook)
		p, err := prepare(t, s, c.run(t), columns, c.now...)
		if err != nil {
			t.Fatal(err)
		}
		made := len(plan.Ops())
		if _, err := s.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "# %s: open, write, prepare\n", name)
		for i, op := range plan.Ops() {
			if i == made {
				fmt.Fprintf(&got, "# %s: publish\n", name)
			}
			fmt.Fprintln(&got, op)
		}
		if bad := blobtest.Durable(plan.Ops()); bad != nil {
			t.Errorf("%s: moved before durable: %q", name, bad)
		}
		// Old rows go only when the new ones' entries are on disk.
		synced := map[string]bool{}
		for _, op := range plan.Ops()[made:] {
			switch op.Kind {
			case blob.Exchange, blob.Rename:
				synced[parent(op.To)] = false
			case blob.SyncDir:
				synced[op.Key] = true
			case blob.Remove:
				for dir, ok := range synced {
					if !ok {
						t.Errorf("%s: %s before syncdir %s", name, op, dir)
					}
				}
			}
		}
	}
	golden(t, "testdata/events.txt", got.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs (-update rewrites it):\n%s", path, got)
	}
}

// hook is the plan's, on the scenario's file system. Where that cannot exchange
// folders a day may be absent between two moves, but is never a mixture (H2).
func (c scenario) hook(p *blobtest.Plan) blob.Hook {
	return func(op blob.Op) error {
		if c.aside && op.Kind == blob.Exchange {
			return errors.ErrUnsupported
		}
		return p.Hook(op)
	}
}

// outcome runs the scenario once without faults and gives the table before
// and after.
func (c scenario) outcome(t testing.TB) (old, now string) {
	dir := c.set(t)
	old = table(t, dir)
	mustWrite(t, sink(t, dir, config.Sink{Layout: c.layout}, nil), c.run(t), columns, c.now...)
	return old, table(t, dir)
}

// recoverRun does what a host does after a crash: publish what the ledger
// names, else discard. It stands for the next process.
func recoverRun(t testing.TB, dir string, c scenario, p *flow.Pending) {
	t.Helper()
	s := sink(t, dir, config.Sink{Layout: c.layout}, c.hook(&blobtest.Plan{}))
	defer s.Close()
	if p == nil {
		if err := s.Discard(t.Context(), c.run(t)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := s.Publish(t.Context(), *p); err != nil {
		t.Fatal(err)
	}
}

// checkDays holds every day of a crashed table against the old and the new
// one: a day is one or the other, whole.
func checkDays(t testing.TB, dir, old, now string) {
	t.Helper()
	whole := map[string]bool{}
	for _, text := range []string{old, now} {
		for _, day := range days(text) {
			whole[day] = true
		}
	}
	for _, day := range days(table(t, dir)) {
		if !whole[day] {
			t.Fatalf("a reader finds a day that is neither old nor new:\n%s", day)
		}
	}
}

// days cuts a table's text into its days.
func days(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, " ") {
			out = append(out, "")
		}
		out[len(out)-1] += line
	}
	return out
}

// kill -9 at every operation of a run, then at every operation of the
// recovery, then recover in peace: the table is exactly the old or the new
// one, and never a mixture for a reader in between.
// Rule: S-1203.
func TestPublish_CrashAtEveryOperation_OldOrNew(t *testing.T) {
	for name, c := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, now := c.outcome(t)
			for n := 1; ; n++ {
				done := false
				for again := 0; ; again++ { // 0: the recovery is not disturbed
					dir := c.set(t)
					plan := &blobtest.Plan{CrashAt: n}
					s := sink(t, dir, config.Sink{Layout: c.layout}, c.hook(plan))
					var named *flow.Pending // by the ledger
					p, err := prepare(t, s, c.run(t), columns, c.now...)
					if err == nil {
						named = &p
						_, err = s.Publish(t.Context(), p)
					}
					s.close()
					if !plan.Reached() {
						if err != nil {
							t.Fatal(err)
						}
						done = true
						break
					}
					if !errors.Is(err, blobtest.ErrCrash) {
						t.Fatalf("crash at %d: %v", n, err)
					}
					if again == 0 {
						checkWhole(t, dir, named, old, now)
						recoverRun(t, dir, c, named)
						checkEnd(t, dir, named, old, now, n, again)
						if named == nil || name != "interval" {
							break
						}
						continue
					}
					second := &blobtest.Plan{CrashAt: again}
					_, err = sink(t, dir, config.Sink{Layout: c.layout}, c.hook(second)).Publish(t.Context(), *named)
					if !second.Reached() {
						if err != nil {
							t.Fatal(err)
						}
						break
					}
					checkWhole(t, dir, named, old, now)
					recoverRun(t, dir, c, named)
					checkEnd(t, dir, named, old, now, n, again)
				}
				if done {
					break
				}
			}
		})
	}
}

// checkWhole looks at a table between a crash and its recovery.
func checkWhole(t testing.TB, dir string, named *flow.Pending, old, now string) {
	t.Helper()
	if named == nil && table(t, dir) != old {
		t.Fatalf("before Prepare had ended the table changed:\n%s", table(t, dir))
	}
	checkDays(t, dir, old, now)
}

// checkEnd looks at a table after recovery.
func checkEnd(t testing.TB, dir string, named *flow.Pending, old, now string, n, again int) {
	t.Helper()
	want := now
	if named == nil {
		want = old
	}
	if got := table(t, dir); got != want {
		t.Fatalf("crash at %d, then at %d: table:\n%swant:\n%s", n, again, got, want)
	}
	if left := aside(t, dir); left != nil {
		t.Fatalf("crash at %d, then at %d: left %q", n, again, left)
	}
}

// An operation of Publish fails and the process lives on: publishing again
// gives the new table.
func TestPublish_FailAtEveryOperation_AgainGivesNew(t *testing.T) {
	for name, c := range scenarios() {
		old, now := c.outcome(t)
		for n := 1; ; n++ {
			dir := c.set(t)
			s := sink(t, dir, config.Sink{Layout: c.layout}, nil)
			p, err := prepare(t, s, c.run(t), columns, c.now...)
			if err != nil {
				t.Fatal(err)
			}
			plan := &blobtest.Plan{FailAt: n, Err: syscall.EIO}
			s.store = blob.NewLocal(dir, c.hook(plan))
			_, err = s.Publish(t.Context(), p)
			if !plan.Reached() {
				break
			}
			if !errors.Is(err, syscall.EIO) {
				t.Fatalf("%s: failure at %d: %v", name, n, err)
			}
			checkDays(t, dir, old, now)
			for range 2 { // and once more, for nothing
				got, err := s.Publish(t.Context(), p)
				if err != nil || got.Rows != p.Rows {
					t.Fatalf("%s: failure at %d: %+v, %v", name, n, got, err)
				}
			}
			checkEnd(t, dir, &p, old, now, n, 0)
			s.Close()
		}
	}
}

const crashEnv = "FEATUREHOST_TEST_CRASH_AT"

// crashChild is the child of the test below: it writes, and kills itself at
// the operation that its environment names. It stands for a real process, so
// nothing after the signal runs: no deferred call, no buffer.
func crashChild() bool {
	at, err := strconv.Atoi(os.Getenv(crashEnv))
	if err != nil {
		return false
	}
	dir := os.Getenv("FEATUREHOST_TEST_CRASH_DIR")
	c := scenarios()["interval"]
	plan := &blobtest.Plan{CrashAt: at, Call: func(blob.Op) {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}}
	ran, ended := false, false
	testing.Benchmark(func(b *testing.B) { // gives the helpers their testing.TB
		if ran {
			return // it asks for more and more repetitions
		}
		ran = true
		s := sink(b, dir, config.Sink{}, plan.Hook)
		p, err := prepare(b, s, c.run(b), columns, c.now...)
		if err != nil {
			b.Fatal(err)
		}
		data, err := json.Marshal(p)
		if err != nil {
			b.Fatal(err)
		}
		if err := blob.NewLocal(dir, nil).Put(b.Context(), "ledger.json", data); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Publish(b.Context(), p); err != nil {
			b.Fatal(err)
		}
		ended = true
	})
	if !ended {
		os.Exit(4)
	}
	return true
}

// A real process, killed by the kernel at an operation.
// Rule: S-1203.
func TestPublish_Kill9_OldOrNew(t *testing.T) {
	c := scenarios()["interval"]
	old, now := c.outcome(t)
	for n := 1; ; n += 3 {
		dir := c.set(t)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", crashEnv, n), "FEATUREHOST_TEST_CRASH_DIR="+dir)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err == nil {
			if n < 20 || table(t, dir) != now {
				t.Fatalf("the child ended well at %d: %s", n, out)
			}
			return
		}
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("%v: %s", err, out)
		}
		var named *flow.Pending
		if data, err := os.ReadFile(filepath.Join(dir, "ledger.json")); err == nil {
			named = &flow.Pending{}
			if err := json.Unmarshal(data, named); err != nil {
				t.Fatal(err)
			}
		}
		checkWhole(t, dir, named, old, now)
		recoverRun(t, dir, c, named)
		checkEnd(t, dir, named, old, now, n, 0)
	}
}
