package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/host/flow"
)

// beHost opens a stage of a plugin, says so, and waits to be killed.
func beHost(folder string) {
	m, err := NewEngine(Options{}).Load(folder, "")
	if err == nil {
		s := m.Stage(Use{}, flow.Env{})
		_, err = s.Open(context.Background(), arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}, nil))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("up")
	time.Sleep(time.Hour)
}

// ABI-P-010: a host that is killed, which cannot clean up, leaves no process:
// the hostile one does not watch its parent.
func TestHost_Killed_NoOrphan(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kernel tells of the host's death on Linux only; elsewhere the SDKs watch it")
	}
	dir := hostile(t, "map", "")
	host := exec.Command(os.Args[0])
	// What a killed host cannot remove either.
	private, err := os.MkdirTemp("/tmp", "fhkill")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(private)
	host.Env = append(os.Environ(), "FEATUREHOST_TEST_AS_HOST="+dir, "TMPDIR="+private)
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 2)
	if _, err := out.Read(said); err != nil || string(said) != "up" {
		t.Fatalf("the host said %q, %v", said, err)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/" + string(pid)); err != nil {
		t.Fatal(err)
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	gone(t, string(pid))
}
