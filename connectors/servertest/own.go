package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Limits of the instances a test owns.
const (
	startWithin = 3 * time.Minute
	stopWithin  = 30 * time.Second
)

// Server is an instance that one test owns.
type Server struct {
	// Addr is where it listens: host:port, for s3 the URL, for hive the address
	// of HiveServer2.
	Addr string
	// Vars are all the addresses, by the names of [Variables] and those that the
	// options asked for (FEATUREHOST_KAFKA_SASL and so on; see docs/services.md).
	Vars map[string]string
	// State is the folder with the instance's data and its service.log.
	State string
	// PID is the server's process.
	PID int

	t       testing.TB
	service string
	options []string
}

// Own starts an instance of a service (s3, kafka, cassandra, metastore, hive,
// ldap) for this test alone, and ends it with the test. Options are settings
// KEY=VALUE as docs/services.md lists them. Like all tests with servers it runs
// only where the shared instance of that service is up.
func Own(t testing.TB, service string, options ...string) *Server {
	t.Helper()
	need(t, marker(t, service))
	parent := filepath.Join(stateFolder(t), "own")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	state, err := os.MkdirTemp(parent, service+"-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, service: service, options: options, State: state}
	t.Cleanup(s.end)
	s.start()
	return s
}

// marker is the variable that shows that the service is wanted in this run.
func marker(t testing.TB, service string) string {
	t.Helper()
	v, ok := map[string]string{
		"s3": "FEATUREHOST_S3_ENDPOINT", "kafka": "FEATUREHOST_KAFKA", "cassandra": "FEATUREHOST_CASSANDRA",
		"metastore": "FEATUREHOST_METASTORE", "hive": "FEATUREHOST_HIVE_SERVER", "ldap": "FEATUREHOST_HIVE_SERVER",
	}[service]
	if !ok {
		t.Fatalf("no service is named %q", service)
	}
	return v
}

// S3 returns the owned S3 server with a fresh bucket.
func (s *Server) S3() *S3Server {
	s.t.Helper()
	own := &S3Server{
		Endpoint: s.Addr, Region: "us-east-1",
		AccessKey: s.Vars["FEATUREHOST_S3_ACCESS_KEY"], SecretKey: s.Vars["FEATUREHOST_S3_SECRET_KEY"],
	}
	// The bucket goes with the server's folder.
	own.makeBucket(s.t)
	return own
}

// Freeze stops the process where it stands: connections stay open and nothing
// answers. It returns when all threads stand: one that runs on another processor
// does so for a moment after the signal.
func (s *Server) Freeze() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	for end := time.Now().Add(stopWithin); !s.stands(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%s does not stand still", s.service)
		}
	}
}

// stands says whether every thread of the process is stopped.
func (s *Server) stands() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.PID))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, t := range threads {
		status, err := os.ReadFile(t)
		if err != nil || !bytes.Contains(status, []byte("State:\tT")) {
			return false
		}
	}
	return true
}

// Thaw lets a frozen process go on.
func (s *Server) Thaw() { s.t.Helper(); s.signal(syscall.SIGCONT) }

// Stop ends the server as its operator would, and waits for it.
func (s *Server) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	s.wait()
}

// Kill ends the server at once, as a power cut would.
func (s *Server) Kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	s.wait()
}

// Restart starts the server again after [Server.Stop] or [Server.Kill], on the
// same ports and data, and returns when it answers.
func (s *Server) Restart() { s.t.Helper(); s.start() }

// start runs the project's script and takes over what it prints.
func (s *Server) start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", filepath.Join(root(s.t), "scripts", "services", "start.sh"), s.service)
	cmd.Env = append(os.Environ(), "SERVICE_STATE="+s.State)
	cmd.Env = append(cmd.Env, s.options...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("start %s: %v\n%s", s.service, err, problems.String())
	}
	s.Vars = map[string]string{}
	for _, line := range strings.Split(out.String(), "\n") {
		if k, v, ok := strings.Cut(strings.TrimPrefix(line, "export "), "="); ok {
			s.Vars[k] = strings.Trim(v, "'")
		}
	}
	s.Addr = s.Vars[mainVariable(s.service)]
	pid, err := s.readPID()
	if err != nil || s.Addr == "" {
		s.t.Fatalf("start %s: no pid or address (%v):\n%s%s", s.service, err, out.String(), problems.String())
	}
	s.PID = pid
}

func mainVariable(service string) string {
	switch service {
	case "s3":
		return "FEATUREHOST_S3_ENDPOINT"
	case "hive":
		return "FEATUREHOST_HIVE_SERVER"
	default:
		return "FEATUREHOST_" + strings.ToUpper(service)
	}
}

func (s *Server) readPID() (int, error) {
	b, err := os.ReadFile(filepath.Join(s.State, "pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// ours says whether the process is there and was started for this state folder.
func (s *Server) ours() bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.PID))
	if err != nil {
		return false
	}
	for _, v := range bytes.Split(env, []byte{0}) {
		if string(v) == "FEATUREHOST_SERVICE_STATE="+s.State {
			return true
		}
	}
	return false
}

// holdsFiles says whether the process may still have its ports and files open:
// it gives them back with its last thread, after its environment is gone and
// before its parent has asked for it.
func (s *Server) holdsFiles() bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID))
	if err != nil {
		return false
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.PID))
	return err == nil && (len(threads) > 1 || !bytes.Contains(status, []byte("State:\tZ")))
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if !s.ours() {
		s.t.Fatalf("%s is not running: %v has nowhere to go", s.service, sig)
	}
	if err := syscall.Kill(s.PID, sig); err != nil {
		s.t.Fatalf("%s: %v: %v", s.service, sig, err)
	}
}

// wait returns when the process is gone; one that does not go is killed.
func (s *Server) wait() {
	if s.gone(stopWithin) {
		return
	}
	if err := syscall.Kill(s.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		s.t.Errorf("%s does not end: %v", s.service, err)
	}
	s.gone(stopWithin)
}

func (s *Server) gone(within time.Duration) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !s.holdsFiles() {
			return true
		}
	}
	return false
}

// end leaves nothing behind, whatever state the test left the server in.
func (s *Server) end() {
	if pid, err := s.readPID(); err == nil {
		s.PID = pid
	}
	if s.PID != 0 && s.ours() {
		// A stopped process takes SIGKILL all the same.
		if err := syscall.Kill(s.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			s.t.Errorf("%s does not end: %v", s.service, err)
		}
		s.gone(stopWithin)
	}
	if s.t.Failed() {
		s.tail()
	}
	if err := os.RemoveAll(s.State); err != nil {
		s.t.Logf("%s stays behind: %v", s.State, err)
	}
}

// tail shows the end of the server's log with a failed test.
func (s *Server) tail() {
	b, err := os.ReadFile(filepath.Join(s.State, "service.log"))
	if err != nil {
		return
	}
	const last = 4000
	if len(b) > last {
		b = b[len(b)-last:]
	}
	s.t.Logf("the end of the log of %s:\n%s", s.service, b)
}

// stateFolder is where the instances of this checkout live.
func stateFolder(t testing.TB) string {
	t.Helper()
	if v := os.Getenv("FEATUREHOST_SERVICES_STATE"); v != "" {
		return v
	}
	return filepath.Join(root(t), ".services")
}

// root is the top of the checkout.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "scripts", "services", "start.sh")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("the tests run outside the checkout: no scripts/services/start.sh above them")
		}
		dir = up
	}
}
