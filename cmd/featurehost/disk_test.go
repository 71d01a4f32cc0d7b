package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// required fails a test that cannot run here when the machine must have all
// that tests need, and skips it elsewhere, saying why.
func required(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("FEATUREHOST_REQUIRE_ALL") == "1" {
		t.Fatalf("FEATUREHOST_REQUIRE_ALL=1, but %s", why)
	}
	t.Skip(why)
}

// limited runs a command whose files cannot grow over some blocks of 512 bytes:
// a full disk that needs no rights.
func (w *world) limited(blocks string, args ...string) outcome {
	w.Helper()
	self, err := os.Executable()
	if err != nil {
		w.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	c := exec.Command("sh", append([]string{"-c", `ulimit -f "$0" && exec "$@"`, blocks, self}, args...)...)
	c.Dir, c.Env, c.Stdout, c.Stderr = w.dir, w.env, &stdout, &stderr
	if err := c.Start(); err != nil {
		w.Fatal(err)
	}
	return w.end(c, &stdout, &stderr)
}

// TestRun_FilesCannotGrow_NothingHalfWritten: the disk refuses in the middle of
// a write, at many sizes; the run ends in 3 or, where all fits, in 0.
func TestRun_FilesCannotGrow_NothingHalfWritten(t *testing.T) {
	if testing.Short() {
		t.Skip("runs at many limits")
	}
	t.Parallel()
	w := ran(t)
	w.rowsOf(60_000) // so many that threads of DuckDB write, too
	refused := 0
	for _, blocks := range []string{"1", "2", "8", "16", "24", "32", "64", "128", "256", "512", "1024"} {
		before := w.stores()
		o := w.limited(blocks, "run", "p.toml", "--quiet")
		if o.status == 0 {
			continue
		}
		refused++
		w.says(o, 3, "FH-")
		if w.stores() != before {
			// The historical store may be whole and new when only the online
			// one could not be loaded.
			states := w.ledger()
			if states[len(states)-1] != "incomplete" {
				t.Errorf("limit %s: the stores changed, the ledger says %v\n%s\nbefore\n%s\nafter\n%s", blocks, states, o.stderr, before, w.stores())
			}
			continue
		}
		w.clean()
	}
	if refused == 0 {
		t.Error("no limit was too small")
	}
	w.good("run", "p.toml")
	w.clean()
	fresh := newWorld(t)
	fresh.rowsOf(60_000)
	fresh.pipeline()
	fresh.good("run", "p.toml")
	if got, want := w.rows(), fresh.rows(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("after it %d rows, want %d", len(got), len(want))
	}
}

// TestRun_DiskFull_NothingHalfWritten: the store's file system has no room.
func TestRun_DiskFull_NothingHalfWritten(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"16k", "64k", "100k"} {
		t.Run(size, func(t *testing.T) {
			w := newWorld(t)
			w.many()
			w.pipeline()
			if err := os.Mkdir(w.path("out"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("tmpfs", w.path("out"), "tmpfs", 0, "size="+size); err != nil {
				required(t, "a file system of a given size cannot be mounted: "+err.Error())
			}
			t.Cleanup(func() { _ = syscall.Unmount(w.path("out"), syscall.MNT_DETACH) })
			o := w.refused(3, []string{"FH-7580", "no space left", "free space"}, "run", "p.toml")
			if strings.Contains(o.stdout, "written") {
				t.Error(o.stdout)
			}
			if err := syscall.Mount("tmpfs", w.path("out"), "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
				t.Fatal(err)
			}
			w.good("run", "p.toml")
			w.clean()
		})
	}
}

// TestRun_StoreNotWritable_RefusedAtOnce: the store's folder cannot be made, or
// not be written, or is a file.
func TestRun_StoreNotWritable_RefusedAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("below a file", func(t *testing.T) {
		w := newWorld(t)
		w.events(5, 4)
		w.write("notes.txt", "not a folder")
		w.pipeline(`path = "out"`, `path = "notes.txt/out"`)
		w.refused(3, []string{"FH-", "notes.txt"}, "run", "p.toml")
		w.pipeline(`path = "out"`, `path = "notes.txt"`)
		w.refused(3, []string{"FH-", "notes.txt"}, "run", "p.toml")
	})
	t.Run("online below a file", func(t *testing.T) {
		w := newWorld(t)
		w.events(5, 4)
		w.write("notes.txt", "not a folder")
		w.pipeline(`type = "online"`, "type = \"online\"\npath = \"notes.txt/online.db\"")
		w.refused(3, []string{"FH-75", "notes.txt"}, "run", "p.toml")
	})
	t.Run("online is no database", func(t *testing.T) {
		w := newWorld(t)
		w.events(5, 4)
		w.write("notes.txt", strings.Repeat("not a database ", 1000))
		w.pipeline(`type = "online"`, "type = \"online\"\npath = \"notes.txt\"")
		w.refused(2, []string{"FH-7526", "notes.txt"}, "run", "p.toml")
	})
	t.Run("state below a file", func(t *testing.T) {
		w := newWorld(t)
		w.events(5, 4)
		w.write("notes.txt", "not a folder")
		w.pipeline(`name = "spend"

[[reader]]`, `name = "spend"
state = "notes.txt/state"
[[reader]]`)
		w.refused(3, []string{"FH-", "notes.txt"}, "run", "p.toml")
	})
	t.Run("state read-only", func(t *testing.T) {
		w := ran(t)
		if err := syscall.Mount(w.path(".featurehost"), w.path(".featurehost"), "", syscall.MS_BIND, ""); err != nil {
			required(t, "a folder cannot be mounted read-only: "+err.Error())
		}
		t.Cleanup(func() { _ = syscall.Unmount(w.path(".featurehost"), syscall.MNT_DETACH) })
		if err := syscall.Mount("", w.path(".featurehost"), "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		w.refused(3, []string{"FH-8060", "read-only file system"}, "run", "p.toml")
		w.good("check", "p.toml")
		w.good("run", "p.toml", "--dry-run")
	})
	t.Run("read-only", func(t *testing.T) {
		w := ran(t)
		if err := syscall.Mount(w.path("out"), w.path("out"), "", syscall.MS_BIND, ""); err != nil {
			required(t, "a folder cannot be mounted read-only: "+err.Error())
		}
		t.Cleanup(func() { _ = syscall.Unmount(w.path("out"), syscall.MNT_DETACH) })
		if err := syscall.Mount("", w.path("out"), "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		w.refused(3, []string{"FH-", "read-only file system", "out"}, "run", "p.toml")
		w.good("get", "p.toml", "1")
		w.good("run", "p.toml", "--dry-run")
	})
}
