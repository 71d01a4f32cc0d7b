// Package scripts_test runs the scripts of this folder and of .ci with
// stand-ins for what they start.
package scripts_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host/hosttest"
)

// tree is a copy of some scripts, with stand-ins beside them.
type tree struct {
	testing.TB
	dir string
	env []string
}

// copied makes a tree of files of the checkout.
func copied(t *testing.T, paths ...string) *tree {
	t.Helper()
	for _, tool := range []string{"bash", "setsid", "flock"} {
		if _, err := exec.LookPath(tool); err != nil {
			hosttest.Missing(t, "there is no "+tool)
		}
	}
	x := &tree{t, t.TempDir(), nil}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "FEATUREHOST_") && !strings.HasPrefix(v, "PATH=") && !strings.HasPrefix(v, "TMPDIR=") {
			x.env = append(x.env, v)
		}
	}
	x.env = append(x.env, "PATH="+x.path("bin")+":"+os.Getenv("PATH"), "TMPDIR="+x.path("tmp"), "FEATUREHOST_SERVICES_CACHE="+x.path("cache"), "LOG="+x.path("log"))
	if err := os.Mkdir(x.path("tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	x.write("log", "")
	for _, p := range paths {
		b, err := os.ReadFile(filepath.Join("..", p))
		if err != nil {
			t.Fatal(err)
		}
		x.write(p, string(b))
	}
	return x
}

func (x *tree) path(name string) string { return filepath.Join(x.dir, name) }

func (x *tree) write(name, text string) {
	x.Helper()
	if err := os.MkdirAll(filepath.Dir(x.path(name)), 0o755); err != nil {
		x.Fatal(err)
	}
	if err := os.WriteFile(x.path(name), []byte(text), 0o755); err != nil {
		x.Fatal(err)
	}
}

func (x *tree) read(name string) string {
	x.Helper()
	b, err := os.ReadFile(x.path(name))
	if err != nil {
		x.Fatal(err)
	}
	return string(b)
}

func (x *tree) exists(name string) bool {
	_, err := os.Stat(x.path(name))
	return err == nil
}

// begin starts a script; the caller ends it.
func (x *tree) begin(stdin string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	x.Helper()
	var out bytes.Buffer
	c := exec.Command(x.path(args[0]), args[1:]...)
	c.Dir, c.Env, c.Stdin, c.Stdout, c.Stderr = x.dir, x.env, strings.NewReader(stdin), &out, &out
	// What a defect leaves behind must not keep the test waiting.
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		x.Fatal(err)
	}
	return c, &out
}

func (x *tree) end(c *exec.Cmd) int {
	x.Helper()
	var exit *exec.ExitError
	if err := c.Wait(); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		x.Fatal(err)
	}
	return c.ProcessState.ExitCode()
}

func (x *tree) run(stdin string, args ...string) (string, int) {
	x.Helper()
	c, out := x.begin(stdin, args...)
	status := x.end(c)
	return out.String(), status
}

// await waits until the log has a line.
func (x *tree) await(line string) {
	x.Helper()
	for range 1000 {
		if strings.Contains("\n"+x.read("log"), "\n"+line+"\n") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	x.Fatalf("the log has no line %q:\n%s", line, x.read("log"))
}

// gone tells whether a process that wrote its id into a file is no more. One
// that goes on is ended.
func (x *tree) gone(name string) bool {
	x.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(x.read(name)))
	if err != nil {
		x.Fatal(err)
	}
	for range 300 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
	return false
}
