package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

// TestExecute_Signal_StatusOfWhatWasLeft: 128 and the signal only where nothing
// is left to complete.
func TestExecute_Signal_StatusOfWhatWasLeft(t *testing.T) {
	cancelled := context.Canceled
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"interrupted":                 {fault.Wrap(cancelled, host.Interrupted, "nothing was published"), 143},
		"while looking":               {fmt.Errorf("plan: %w", cancelled), 143},
		"publishing failed":           {fault.Wrap(errors.New("the server is away"), host.PublishFailed, "the online store was not loaded"), 3},
		"publishing one of two stops": {errors.Join(fault.Wrap(cancelled, host.PublishFailed, "a"), errors.New("b")), 3},
		"a table half changed":        {fault.Wrap(cancelled, host.MigrateFailed, "the table was not changed"), 3},
		"the data, before it arrived": {fault.New(host.StageLostRows, "rows are lost"), 1},
		"done all the same":           {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			v := verb{name: "run", run: func(ctx context.Context, _ *call) error {
				if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
					return err
				}
				<-ctx.Done()
				return c.err
			}}
			if got := execute(t.Context(), &call{verb: v, stdout: &out, stderr: &out}); got != c.status {
				t.Errorf("exit %d, want %d\n%s", got, c.status, out.String())
			}
		})
	}
}

// TestRun_SignalWhilePublishing_IncompleteIsNotInterrupted: history is published
// when the signal comes, the online store then refuses the rows. The next run
// has something to complete, and the scheduler hears that.
// Rule: S-1209.
func TestRun_SignalWhilePublishing_IncompleteIsNotInterrupted(t *testing.T) {
	t.Parallel()
	w := ran(t)
	w.events(6, 5)
	db, err := sql.Open("sqlite3", w.path(".featurehost/online.db")+"?_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	lock, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	do := func(statement string) {
		t.Helper()
		if _, err := lock.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("BEGIN IMMEDIATE") // the run waits here when it loads the online store
	do("UPDATE fh_tables SET entity = 'somebody else'")
	cmd, stdout, stderr := w.start("run", "p.toml")
	w.awaitState(2, "prepared")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // it is told before the store lets go
	do("COMMIT")
	w.says(w.end(cmd, stdout, stderr), 3, "FH-8071", "the next run completes it")
	if got := w.ledger(); !slices.Equal(got, []string{"published", "incomplete"}) {
		t.Errorf("the ledger says %v", got)
	}
	do("UPDATE fh_tables SET entity = 'customer'")
	w.gave(w.command("run", "p.toml", "--quiet"), 0, "recovered  run 2", "it was finished")
}

// awaitState waits until the ledger says of a run that it has come so far.
func (w *world) awaitState(number int, state string) {
	w.Helper()
	for range 2000 {
		if states := w.ledger(); len(states) >= number && states[number-1] == state {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.Fatalf("run %d is not %s: %v", number, state, w.ledger())
}
