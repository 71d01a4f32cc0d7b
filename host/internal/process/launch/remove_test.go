package launch

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// deep makes folders in each other below dir, with files in the last.
func deep(t *testing.T, dir string, levels int) {
	t.Helper()
	t.Chdir(dir)
	for range levels {
		if err := os.Mkdir("d", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Chdir("d"); err != nil { // os.Chdir asks for the path, which takes its time

			t.Fatal(err)
		}
	}
	for i := range 3 {
		if err := os.WriteFile(strconv.Itoa(i), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
}

// Folders deeper than a path may be long, and wider than is read at once, go away
// with a few descriptors; what a link in them points to stays.
func TestRemove_DeepAndWide(t *testing.T) {
	outside := t.TempDir()
	kept := filepath.Join(outside, "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "fhremove")
	if err != nil {
		t.Fatal(err)
	}
	deep(t, dir, 6000)
	wide := filepath.Join(dir, "wide")
	for i := range 3 * mostEntries {
		if err := os.MkdirAll(filepath.Join(wide, strconv.Itoa(i), "below"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{dir + "/link", wide + "/link"} {
		if err := os.Symlink(outside, link); err != nil {
			t.Fatal(err)
		}
	}
	remove(dir)
	if _, err := os.Lstat(dir); err == nil {
		t.Error("it is still there")
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("what a link pointed to: %v", err)
	}
}
