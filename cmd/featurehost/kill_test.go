package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// many writes an input that takes a good part of a second, over many days.
func (w *world) many() { w.Helper(); w.rowsOf(20_000) }

func (w *world) rowsOf(n int) {
	w.Helper()
	var b strings.Builder
	b.WriteString("id,ts,amount\n")
	for i := range n {
		if i%1000 == 500 {
			b.WriteString(",2024-01-05T00:00:00Z,1.5\n") // goes to the dead letter
		}
		fmt.Fprintf(&b, "%d,2024-01-%02dT%02d:00:00Z,%d.5\n", i%400, 1+i/400%31, i%24, i%7)
	}
	w.write("events.csv", b.String())
}

// ledger reads the states of all runs, in order.
func (w *world) ledger() []string {
	w.Helper()
	paths, err := filepath.Glob(w.path("out/_featurehost/customer/spend/runs/*.json"))
	if err == nil && len(paths) == 0 { // of a pipeline without history
		paths, err = filepath.Glob(w.path(".featurehost/ledger/customer/spend/runs/*.json"))
	}
	if err != nil {
		w.Fatal(err)
	}
	slices.Sort(paths)
	var out []string
	for _, p := range paths {
		var r struct{ State string }
		if err := json.Unmarshal([]byte(read(w, p)), &r); err != nil {
			w.Fatalf("%s: %v", p, err)
		}
		out = append(out, r.State)
	}
	return out
}

// awaitClaim waits until a run of the number has begun.
func (w *world) awaitClaim(number int) {
	w.Helper()
	for range 2000 {
		if _, err := os.Stat(w.path(fmt.Sprintf("out/_featurehost/customer/spend/runs/%06d.json", number))); err == nil {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	w.Fatalf("run %d did not begin", number)
}

// TestRun_Signals_UndoneAndSaid: Ctrl-C and SIGTERM during the computation end
// a run in 130 and 143, and nothing of it is left.
func TestRun_Signals_UndoneAndSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signal syscall.Signal
		status int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			w := ran(t)
			before := w.stores()
			w.many()
			cmd, stdout, stderr := w.start("run", "p.toml")
			w.awaitClaim(2)
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			o := w.end(cmd, stdout, stderr)
			w.says(o, c.status, "FH-8072", "nothing was published")
			if after := w.stores(); after != before {
				t.Errorf("the stores changed\nfrom\n%s\nto\n%s", before, after)
			}
			w.clean()
			if got := w.ledger(); !slices.Equal(got, []string{"published", "undone"}) {
				t.Errorf("the ledger says %v", got)
			}
			if o := w.good("run", "p.toml"); strings.Contains(o.stdout, "recovered") {
				t.Errorf("there was nothing to recover:\n%s", o.stdout)
			}
		})
	}
}

// TestRun_KilledAnywhere_NextRunIsRight: a run killed at any moment leaves a
// table that is all old days and all new days, and the next run makes the whole
// right table and says what became of the killed one.
// Rules: S-1203, S-1209, S-1210.
func TestRun_KilledAnywhere_NextRunIsRight(t *testing.T) {
	t.Parallel()
	old := ran(t).rows()
	fresh := newWorld(t)
	fresh.many()
	fresh.pipeline()
	start := time.Now()
	fresh.good("run", "p.toml")
	length := time.Since(start)
	want := fresh.rows()
	vector := fresh.good("get", "p.toml", "7").stdout

	kills := 40
	if testing.Short() {
		kills = 10
	}
	w := newWorld(t)
	left := map[string]int{}
	before := 0 // runs in the ledger
	for i := range kills {
		if i%14 == 0 { // from a new table, then over the one there is
			w = newWorld(t)
			w.events(5, 4)
			w.pipeline()
			w.good("run", "p.toml")
			w.many()
			before = 1
		}
		cmd, _, _ := w.start("run", "p.toml")
		// Every part of a run is hit. How long runs take changes with what else
		// the machine does, so the guess follows what the ledger said last.
		time.Sleep(time.Duration(rand.Int64N(int64(length))))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for _, r := range w.rows() { // readable, and of the old table or the new one
			if _, inOld := slices.BinarySearch(old, r); inOld {
				continue
			}
			if _, inNew := slices.BinarySearch(want, r); !inNew {
				t.Fatalf("kill %d left a row of neither table: %s", i, r)
			}
		}
		found := "not begun"
		if states := w.ledger(); len(states) > before {
			found = states[before]
		}
		left[found]++
		o := w.good("run", "p.toml", "--quiet")
		before = len(w.ledger())
		if got := w.rows(); !slices.Equal(got, want) {
			t.Fatalf("kill %d: the run after it made %d rows, want %d", i, len(got), len(want))
		}
		if got := w.good("get", "p.toml", "7").stdout; got != vector {
			t.Fatalf("kill %d: the vector is\n%s\nwant\n%s", i, got, vector)
		}
		w.clean()
		unfinished := found == "claimed" || found == "prepared" || found == "incomplete"
		if said := strings.Contains(o.stdout, "recovered  run"); said != unfinished {
			t.Errorf("kill %d left the ledger at %s; the next run said\n%s", i, found, o.stdout)
		}
		if found == "published" {
			length = length * 9 / 10
		} else {
			length = length * 26 / 25
		}
	}
	t.Logf("a run takes %v; killed runs were found %v", length.Round(time.Millisecond), left)
	if left["claimed"] == 0 && !testing.Short() { // ten kills may all miss
		t.Error("no run was killed while it computed")
	}
}

// TestRun_SameSetTwiceAtOnce_SecondRefused: the second run of a set is told who
// holds it and ends in 3; another set of the same pipeline file is free.
func TestRun_SameSetTwiceAtOnce_SecondRefused(t *testing.T) {
	t.Parallel()
	w := ran(t)
	w.many()
	first, stdout, stderr := w.start("run", "p.toml")
	w.awaitClaim(2)
	// The first run is stopped, not ended: it holds its days for sure.
	if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	before := w.stores()
	o := w.command("run", "p.toml")
	w.says(o, 3, "FH-8000", "run 2", fmt.Sprint(first.Process.Pid))
	if w.stores() != before {
		t.Error("the refused run changed a store")
	}
	o = w.command("run", "p.toml", "--date", "2024-01-02")
	w.says(o, 3, "FH-8000")
	// Another set is free; its online store is another file, for the stopped run
	// may hold the lock of the first.
	other := strings.ReplaceAll(w.read("p.toml"), `name = "spend"`, `name = "other"`)
	w.write("q.toml", strings.ReplaceAll(other, `type = "online"`, "type = \"online\"\npath = \"other.db\""))
	w.good("run", "q.toml")
	w.good("run", "p.toml", "--dry-run")
	if err := first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if o := w.end(first, stdout, stderr); o.status != 0 {
		t.Errorf("the first run ended in %d\n%s", o.status, o.stderr)
	}
	w.good("run", "p.toml")
	w.clean()
}

// TestRun_DisjointIntervalsAtOnce_BothPublish: runs over different days do not
// wait for each other.
func TestRun_DisjointIntervalsAtOnce_BothPublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.events(5, 12)
	w.pipeline(incremental()...)
	a, aout, aerr := w.start("run", "p.toml", "--start", "2024-01-01", "--end", "2024-01-06")
	b, bout, berr := w.start("run", "p.toml", "--start", "2024-01-07", "--end", "2024-01-20")
	w.says(w.end(a, aout, aerr), 0)
	w.says(w.end(b, bout, berr), 0)
	got := w.rows()
	w.good("run", "p.toml", "--end", "2024-01-20")
	if want := w.rows(); len(want) < 50 || differ(got, want) != "" {
		t.Errorf("two runs at once -, one run +\n%s", differ(got, want))
	}
	w.clean()
}
