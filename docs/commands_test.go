package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/hosttest"
)

// TestPlugins_EveryCommand_Runs pastes the commands of docs/plugins.md into a
// shell, in a copy of the repository, as a reader would: each tutorial begins
// where it says fh=$PWD, in the root of the repository.
func TestPlugins_EveryCommand_Runs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds plugins")
	}
	page, err := os.ReadFile("plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	tutorials := tutorials(string(page))
	if len(tutorials) != 4 {
		t.Fatalf("%d tutorials, expected modules in Go and C, a keyed one, and a program in Go", len(tutorials))
	}
	root := copyOfRepository(t)
	for _, script := range tutorials {
		if strings.Contains(script, "clang") {
			if _, err := exec.LookPath("clang"); err != nil {
				hosttest.Missing(t, "there is no clang")
			}
		}
		cmd := exec.Command("sh", "-eu", "-c", script)
		cmd.Dir = root
		// What a reader has, without the flags of this test run.
		cmd.Env = append(os.Environ(), "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// tutorials joins the sh blocks of a page up to the next one that begins anew.
func tutorials(page string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(page, -1) {
		if strings.Contains(m[1], "fh=$PWD") {
			out = append(out, "")
		}
		if len(out) > 0 {
			out[len(out)-1] += m[1]
		}
	}
	return out
}

// copyOfRepository copies the files that git knows, beside which the tutorials
// may make folders.
func copyOfRepository(t *testing.T) string {
	t.Helper()
	list, err := exec.Command("git", "-C", "..", "ls-files", "-co", "--exclude-standard").Output()
	if err != nil {
		hosttest.Missing(t, "this is no git checkout: "+err.Error())
	}
	root := filepath.Join(t.TempDir(), "featurehost")
	for _, name := range strings.Fields(string(list)) {
		data, err := os.ReadFile(filepath.Join("..", name))
		if os.IsNotExist(err) {
			continue // removed, not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// make asks git for the sources.
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}} {
		if out, err := exec.Command("git", append([]string{"-C", root}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
	}
	return root
}
