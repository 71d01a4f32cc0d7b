package hostile_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		program.remove()
		os.Exit(code)
	}))
}

// go test ./conformance/hostile -run Repeated -repeat 200
var repeated = flag.Int("repeat", 0, "how often each misdeed is done for the tests of leaks; 0 is 20 times by guests and 2 by programs")

// times is what the flag says, or what is usual.
func times(usual int) int {
	if *repeated > 0 {
		return *repeated
	}
	return usual
}

// build is folder program, built once for all tests.
type build struct {
	once sync.Once
	dir  string
	err  error
}

var program build

// path builds the program and tells where it is.
func (b *build) path(t testing.TB) string {
	t.Helper()
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "fhbuild"); b.err != nil {
			return
		}
		text, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", b.dir, "./program").CombinedOutput()
		if err != nil {
			b.err = fmt.Errorf("%w\n%s", err, text)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return filepath.Join(b.dir, "program")
}

func (b *build) remove() { _ = os.RemoveAll(b.dir) }
