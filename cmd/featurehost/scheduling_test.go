package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host/hosttest"
)

// scheduled is a world like that of docs/scheduling.md: spend.toml with events
// up to yesterday, and this command in the path as featurehost.
func scheduled(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.pipeline(incremental()...)
	w.write("spend.toml", w.read("p.toml"))
	var b strings.Builder
	b.WriteString("id,ts,amount\n")
	for _, day := range []string{"2024-01-01", "2024-01-02", "2024-01-30", "2024-01-31", daysAgo(2), daysAgo(1)} {
		fmt.Fprintf(&b, "1,%sT10:00:00Z,1.5\n", day)
	}
	w.write("events.csv", b.String())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w.write("bin/featurehost", "#!/bin/sh\nexec '"+self+"' \"$@\"\n")
	if err := os.Chmod(w.path("bin/featurehost"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, v := range w.env {
		if strings.HasPrefix(v, "PATH=") {
			w.env[i] = "PATH=" + w.path("bin") + ":" + strings.TrimPrefix(v, "PATH=")
		}
	}
	return w
}

func daysAgo(n int) string { return time.Now().UTC().AddDate(0, 0, -n).Format(time.DateOnly) }

// shell runs a line as cron would.
func (w *world) shell(line string, env ...string) (output string, status int) {
	w.Helper()
	c := exec.Command("sh", "-c", line)
	c.Dir, c.Env = w.dir, append(append([]string(nil), w.env...), env...)
	out, err := c.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		w.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// blocks gives the texts of the page's blocks of a kind.
func blocks(t *testing.T, kind string) (out []string) {
	t.Helper()
	page := read(t, "../../docs/scheduling.md")
	for _, m := range regexp.MustCompile("(?s)```"+regexp.QuoteMeta(kind)+"\n(.*?)```").FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	if len(out) == 0 {
		t.Fatalf("docs/scheduling.md has no block of %s", kind)
	}
	return out
}

// TestScheduling_EveryCommand_Runs: the blocks of commands, in their order, and
// the commands of the table, each in a world that has a table already.
func TestScheduling_EveryCommand_Runs(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes, one after the other")
	}
	t.Parallel()
	w := scheduled(t)
	n := 0
	run := func(line string) {
		n++
		if out, status := w.shell(line); status != 0 {
			t.Errorf("%s: status %d\n%s", line, status, out)
		}
	}
	for _, b := range blocks(t, "sh") {
		for _, line := range strings.Split(strings.TrimSpace(b), "\n") {
			run(line)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\|.*\\| `(featurehost [^`]+)` \\|$").FindAllStringSubmatch(read(t, "../../docs/scheduling.md"), -1) {
		run(m[1])
	}
	if n < 10 {
		t.Errorf("only %d commands were found", n)
	}
	if got := strings.Join(w.rows(), "\n"); !strings.Contains(got, daysAgo(0)) {
		t.Errorf("yesterday's events are in no row:\n%s", got)
	}
	w.clean()
}

// TestScheduling_Cron_TriesAgainOnlyWhatItMayCure runs the lines of the
// crontabs, with the page's script.
func TestScheduling_Cron_TriesAgainOnlyWhatItMayCure(t *testing.T) {
	t.Parallel()
	w := scheduled(t)
	w.write("nightly.sh", blocks(t, "nightly.sh")[0])
	if err := os.Chmod(w.path("nightly.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.good("run", "spend.toml", "--end", daysAgo(4), "--quiet")
	var lines []string
	for _, b := range blocks(t, "crontab") {
		for _, l := range strings.Split(b, "\n") {
			if m := regexp.MustCompile(`^(?:\S+ ){5} *(.*)$`).FindStringSubmatch(l); m != nil && !strings.HasPrefix(l, "#") {
				line := strings.ReplaceAll(strings.ReplaceAll(m[1], `\%`, "%"), "/srv/features", "'"+w.dir+"'")
				if strings.Contains(m[1], "%F") && !strings.Contains(m[1], `\%F`) {
					t.Errorf("cron would cut this line: %s", l)
				}
				lines = append(lines, line)
			}
		}
	}
	if len(lines) != 2 {
		t.Fatalf("lines %q", lines)
	}
	for _, line := range lines {
		if out, status := w.shell(line, "TRIES=1"); status != 0 {
			t.Errorf("%s: status %d\n%s%s", line, status, out, w.read("spend.log"))
		}
	}
	if !strings.Contains(w.read("spend.log"), "interval "+daysAgo(3)+".."+daysAgo(1)) {
		t.Errorf("the log reads\n%s", w.read("spend.log"))
	}

	// A ledger that cannot be written may be writable later.
	aside := w.path("out/_featurehost/customer/spend")
	if err := os.Rename(aside, aside+".was"); err != nil {
		t.Fatal(err)
	}
	w.write("out/_featurehost/customer/spend", "in the way")
	out, status := w.shell("./nightly.sh spend.toml", "TRIES=3", "PAUSE=0")
	if status != 3 || strings.Count(out, "FH-80") != 3 || !strings.Contains(out, "try 3 of 3 ended with status 3") {
		t.Errorf("status %d\n%s", status, out)
	}
	// It is, while the script pauses.
	if err := os.Remove(aside); err != nil {
		t.Fatal(err)
	}
	w.write("out/_featurehost/customer/spend", "in the way")
	mended := make(chan error, 1)
	go func() {
		time.Sleep(500 * time.Millisecond)
		err := os.Remove(aside)
		if err == nil {
			err = os.Rename(aside+".was", aside)
		}
		mended <- err
	}()
	out, status = w.shell("./nightly.sh spend.toml", "TRIES=20", "PAUSE=1")
	if err := <-mended; err != nil || status != 0 {
		t.Errorf("%v, status %d\n%s", err, status, out)
	}

	w.write("spend.toml", "version = 2\n")
	out, status = w.shell("./nightly.sh spend.toml", "TRIES=3", "PAUSE=60")
	if status != 2 || strings.Contains(out, "try 1") {
		t.Errorf("status %d\n%s", status, out)
	}
}

// TestScheduling_RejectedRows_Told runs the page's script over days of which one
// has a row without a key, then with nothing left to do.
func TestScheduling_RejectedRows_Told(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		hosttest.Missing(t, "there is no jq")
	}
	w := scheduled(t)
	w.good("run", "spend.toml", "--end", daysAgo(4), "--quiet")
	w.write("events.csv", w.read("events.csv")+","+daysAgo(1)+"T11:00:00Z,1.5\n")
	w.write("rejected.sh", blocks(t, "rejected.sh")[0])
	for _, want := range []int{1, 0} {
		if out, status := w.shell("sh rejected.sh spend.toml"); status != want || strings.Contains(out, "1 rows rejected: featurehost deadletter list spend.toml") != (want == 1) {
			t.Errorf("status %d, want %d\n%s\n%s", status, want, out, w.read("run.json"))
		}
	}
}

// airflow is as much of Airflow as a DAG file asks for: the task runs at once.
var airflow = map[string]string{
	"airflow/__init__.py":   "",
	"airflow/exceptions.py": "class AirflowFailException(Exception):\n    pass\n",
	"airflow/decorators.py": `import signal


def terminated(*_):
    raise RuntimeError("Task received SIGTERM signal")


signal.signal(signal.SIGTERM, terminated)


def dag(schedule, start_date, catchup, max_active_runs):
    assert start_date.tzinfo is not None
    return lambda f: f


def task(retries, retry_delay):
    return lambda f: f
`,
}

// TestScheduling_Airflow_StatusDecidesOnRetry runs the page's DAG.
func TestScheduling_Airflow_StatusDecidesOnRetry(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		hosttest.Missing(t, "there is no python3")
	}
	w := scheduled(t)
	for name, text := range airflow {
		w.write(filepath.Join("lib", name), text)
	}
	w.write("dags/spend.py", strings.ReplaceAll(blocks(t, "python")[0], "/srv/features", w.dir))
	w.good("run", "spend.toml", "--end", daysAgo(4), "--quiet")
	dag := func() (string, int) {
		return w.shell("python3 dags/spend.py", "PYTHONPATH="+w.path("lib"), "PYTHONDONTWRITEBYTECODE=1")
	}
	if out, status := dag(); status != 0 || !strings.Contains(out, "interval "+daysAgo(3)+".."+daysAgo(1)) {
		t.Fatalf("status %d\n%s", status, out)
	}
	aside := w.path("out/_featurehost/customer/spend")
	if err := os.Rename(aside, aside+".was"); err != nil {
		t.Fatal(err)
	}
	w.write("out/_featurehost/customer/spend", "in the way")
	if out, status := dag(); status == 0 || !strings.Contains(out, "RuntimeError: featurehost ended with status 3") {
		t.Errorf("status %d\n%s", status, out)
	}
	w.write("spend.toml", "version = 2\n")
	if out, status := dag(); status == 0 || !strings.Contains(out, "AirflowFailException: featurehost ended with status 2") {
		t.Errorf("status %d\n%s", status, out)
	}
}

// TestScheduling_Airflow_TaskEnded_RunUndoes: Airflow ends a task by a SIGTERM to
// all processes of its group, which raises an error inside the task. The run must
// get one SIGTERM, and the time to undo.
func TestScheduling_Airflow_TaskEnded_RunUndoes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		hosttest.Missing(t, "there is no python3")
	}
	w := scheduled(t)
	for name, text := range airflow {
		w.write(filepath.Join("lib", name), text)
	}
	w.write("dags/spend.py", strings.ReplaceAll(blocks(t, "python")[0], "/srv/features", w.dir))
	w.good("run", "spend.toml", "--end", "2024-01-02", "--quiet")
	w.rowsOf(100_000)
	var out bytes.Buffer
	c := exec.Command("python3", "dags/spend.py")
	c.Dir, c.Env, c.Stdout, c.Stderr = w.dir, append(slices.Clone(w.env), "PYTHONPATH="+w.path("lib"), "PYTHONDONTWRITEBYTECODE=1"), &out, &out
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.awaitClaim(2)
	if err := syscall.Kill(-c.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	o := w.end(c, &out, &out)
	if o.status == 0 || !strings.Contains(o.stdout, "Task received SIGTERM signal") || !strings.Contains(o.stdout, "nothing was published") {
		t.Errorf("status %d\n%s", o.status, o.stdout)
	}
	if got := w.ledger(); !slices.Equal(got, []string{"published", "undone"}) {
		t.Errorf("the ledger says %v", got)
	}
}
