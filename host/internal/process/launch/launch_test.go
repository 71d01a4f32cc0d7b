package launch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// TestMain also is a program that tests start.
func TestMain(m *testing.M) {
	if os.Getenv("LAUNCH_TEST_LEAVES") != "" {
		leave()
	}
	goleak.VerifyTestMain(m)
}

// leave shakes hands if there is no way out of its session: into the group of its
// parent, into a session of its own, to a terminal.
func leave() {
	group, err := syscall.Getpgid(os.Getppid())
	if err == nil {
		err = syscall.Setpgid(0, group)
	}
	_, again := syscall.Setsid()
	tty, terminal := os.Open("/dev/tty")
	if err == nil || again == nil || terminal == nil {
		fmt.Fprintln(os.Stderr, err, again, tty, terminal)
		os.Exit(1)
	}
	fmt.Printf("1|1|unix|%s/s|grpc|\n", os.Getenv("TMPDIR"))
	time.Sleep(time.Hour)
}

// script makes a program of a shell script.
func script(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const greets = `echo "1|1|unix|$TMPDIR/s|grpc|"` + "\n"

func starter(t testing.TB) (*Starter, Spec) {
	t.Helper()
	s := NewStarter()
	t.Cleanup(s.Close)
	dir, err := os.MkdirTemp("/tmp", "fhlaunch")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		_ = os.RemoveAll(dir)
	})
	return s, Spec{TempDir: dir, Timeout: 5 * time.Second, Env: []string{"PATH=" + os.Getenv("PATH")}}
}

// The socket is where the line says, and the end is told with its words (L2, L4).
func TestStart_ThenDeath(t *testing.T) {
	s, spec := starter(t)
	spec.Path = script(t, greets+"echo first >&2; printf 'last \\033[31m\\377words' >&2; exit 4\n")
	var mu sync.Mutex
	var told []string
	spec.Line = func(l string) { mu.Lock(); told = append(told, l); mu.Unlock() }
	p, err := s.Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(p.Socket(), spec.TempDir+"/") || !strings.HasSuffix(p.Socket(), "/s") {
		t.Errorf("socket %q", p.Socket())
	}
	<-p.Done()
	e := p.Death()
	if !fault.Is(e, abi.CodeExited) || !strings.Contains(e.Error(), "exit status 4): last �[31m�words") || !strings.Contains(e.Error(), "first\n") {
		t.Errorf("got %q", e.Error())
	}
	mu.Lock()
	if len(told) != 2 || told[0] != "first" {
		t.Errorf("told %q", told)
	}
	mu.Unlock()
	p.Kill() // of a dead one does no harm
	if p.Broke() != nil {
		t.Error(p.Broke())
	}
}

// Kill ends the group, and what left the group cannot keep us waiting (L2).
func TestKill_Children(t *testing.T) {
	s, spec := starter(t)
	dir := t.TempDir()
	spec.Path = script(t, greets+`sleep 1000 & echo $! >`+dir+`/child
setsid sleep 3 &
wait
`)
	p, err := s.Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	var child string
	for child == "" {
		b, _ := os.ReadFile(dir + "/child")
		child = strings.TrimSpace(string(b))
	}
	start := time.Now()
	p.Kill()
	if took := time.Since(start); took > 2*streamGrace {
		t.Errorf("took %v", took)
	}
	for range 50 {
		stat, err := os.ReadFile("/proc/" + child + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("child %s lives", child)
}

// A program cannot leave its group, so it is met with it (L2), and has no terminal
// (L1), whatever the host has.
func TestStart_SessionOfItsOwn(t *testing.T) {
	s, spec := starter(t)
	spec.Path, spec.Env = os.Args[0], append(spec.Env, "LAUNCH_TEST_LEAVES=1")
	p, err := s.Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.PID(), 0); err == nil {
		t.Errorf("process %d lives", p.PID())
	}
}

// Descriptors that the host was given, or that a library in C opens while it runs,
// do not reach programs.
func TestStart_InheritedDescriptors_KeptBack(t *testing.T) {
	s, spec := starter(t)
	spec.Path = script(t, greets+"exit 0\n")
	if p, err := s.Start(context.Background(), spec); err == nil {
		<-p.Done()
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cr3t"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(secret)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	given, err := syscall.Dup(int(f.Fd())) // as from a shell: open across exec
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(given)
	spec.Path = script(t, fmt.Sprintf("cat <&%d >&2\n", given)+greets+"exit 0\n")
	p, err := s.Start(context.Background(), spec)
	if err != nil {
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the program read it: %v", err)
		}
		return
	}
	<-p.Done()
	if text := p.Words().Text; strings.Contains(text, "s3cr3t") {
		t.Errorf("the program read it: %q", text)
	}
}

// Many start beside each other from the one thread (L3); Close ends them all.
func TestClose_EndsAll(t *testing.T) {
	s, spec := starter(t)
	spec.Path = script(t, greets+"exec sleep 1000\n")
	var mu sync.Mutex
	var all []*Process
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			p, err := s.Start(context.Background(), spec)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			all = append(all, p)
			mu.Unlock()
		})
	}
	wait.Wait()
	s.Close()
	for _, p := range all {
		select {
		case <-p.Done():
		default:
			t.Errorf("process %d was not ended", p.PID())
		}
	}
	if _, err := s.Start(context.Background(), spec); err == nil {
		t.Error("a closed starter starts")
	}
}

// A thread that started nothing else is the parent of all (L3).
func TestStart_OneThread(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("no /proc")
	}
	s, spec := starter(t)
	spec.Path = script(t, greets+"exec sleep 1000\n")
	var pids []string
	for range 3 {
		p, err := s.Start(context.Background(), spec)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, fmt.Sprint(p.PID()))
	}
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			continue
		}
		if kids := strings.Fields(string(b)); len(kids) > 0 && len(kids) < len(pids) {
			t.Errorf("%s has the children %v of %v", task, kids, pids)
		}
	}
}

// What a handshake may be (ABI-P-002); the socket never leaves the folder.
func TestGreeted(t *testing.T) {
	const dir = "/tmp/fh1"
	for _, c := range []struct {
		line   string
		socket string
		code   fault.Code
	}{
		{"1|1|unix|/tmp/fh1/s|grpc|\n", "/tmp/fh1/s", 0},
		{"1|1|unix|/tmp/fh1/s|grpc\r\n", "/tmp/fh1/s", 0},
		{"1|1|unix|/tmp/fh1/a/../s|grpc|cert\n", "/tmp/fh1/s", 0},
		{"1|1|unix|/tmp/fh1/../s|grpc|\n", "", abi.CodeHandshake},
		{"1|1|unix|/tmp/fh10/s|grpc|\n", "", abi.CodeHandshake},
		{"1|1|unix|/tmp/fh1|grpc|\n", "", abi.CodeHandshake},
		{"1|1|unix|s|grpc|\n", "", abi.CodeHandshake},
		{"1|1|unix|@abstract|grpc|\n", "", abi.CodeHandshake},
		{"1|1|unix|/tmp/fh1/" + strings.Repeat("s", 92) + "|grpc|\n", "", abi.CodeHandshake},
		{"1|1|tcp|127.0.0.1:80|grpc|\n", "", abi.CodeHandshake},
		{"2|1|unix|/tmp/fh1/s|grpc|\n", "", abi.CodeProtocol},
		{"1|2|unix|/tmp/fh1/s|grpc|\n", "", abi.CodeProtocol},
		{"1|1|unix|/tmp/fh1/s|netrpc|\n", "", abi.CodeProtocol},
		{"x|1|unix|/tmp/fh1/s|grpc|\n", "", abi.CodeHandshake},
		{"1|1|unix|/tmp/fh1/s\n", "", abi.CodeHandshake},
		{"\n", "", abi.CodeHandshake},
	} {
		got, known, err := greeted(c.line, dir, false)
		if err == nil && strings.Count(known, "|") != 5 || strings.Contains(known, "cert") {
			t.Errorf("%q: go-plugin is shown %q", c.line, known)
		}
		if got != c.socket || c.code != 0 && !fault.Is(err, c.code) || c.code == 0 && err != nil {
			t.Errorf("%q: got %q, %v", c.line, got, err)
		}
	}
}

func FuzzGreeted(f *testing.F) {
	f.Add("1|1|unix|/tmp/fh1/s|grpc|\n", false)
	f.Add("1|1|unix|/tmp/fh1/s|grpc|"+certificate(f)+"\n", true)
	f.Fuzz(func(t *testing.T, line string, mtls bool) {
		socket, _, err := greeted(line, "/tmp/fh1", mtls)
		if err == nil && (!strings.HasPrefix(socket, "/tmp/fh1/") || strings.Contains(socket, "/../")) {
			t.Errorf("%q gave %q", line, socket)
		}
	})
}

// The tail keeps the end in bounds, whole lines of it, and shows a part (L4).
func TestTail_Bounded(t *testing.T) {
	tl := newTail(nil)
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "line %04d %s\n", i, strings.Repeat("x", 60))
	}
	b.WriteString(strings.Repeat("y", 3*maxLine) + "\nend")
	tl.read(strings.NewReader(b.String()))
	words := tl.words()
	if n := len(words.Text); n > maxTail || n < maxTail/2 || !strings.HasPrefix(words.Text, "line ") || !strings.HasSuffix(words.Text, "yy\nend\n") {
		t.Errorf("%d bytes: %.20q", n, words.Text)
	}
	if n := strings.Count(words.Error(), "\n"); n != lastRows {
		t.Errorf("an error shows %d lines", n)
	}
	if cap(tl.text) > 4*maxTail {
		t.Errorf("%d bytes are held", cap(tl.text))
	}
}

// A program that puts a pipe in its place keeps nobody waiting who looks what it
// was.
func TestStart_ProgramBecomesAPipe_Refused(t *testing.T) {
	s, spec := starter(t)
	spec.Path = script(t, "")
	if err := os.WriteFile(spec.Path, []byte("#!/bin/sh\nrm "+spec.Path+"; mkfifo -m 755 "+spec.Path+"; echo garbage\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := s.Start(context.Background(), spec)
		ended <- err
	}()
	select {
	case err := <-ended:
		if !fault.Is(err, abi.CodeHandshake) || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("got %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for a writer")
		if f, err := os.OpenFile(spec.Path, os.O_WRONLY, 0); err == nil {
			_ = f.Close()
		}
	}
}
