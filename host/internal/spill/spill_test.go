package spill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/hold"
)

// nobody is a process number that no process has.
const nobody = "4194304999"

func TestFolder_OfDeadProcess_RemovedUnlessHeld(t *testing.T) {
	parent := t.TempDir()
	dead, elsewhere, other := filepath.Join(parent, "run-"+nobody+"-1"), filepath.Join(parent, "run-"+nobody+"-2"), filepath.Join(parent, "notes")
	// Of an earlier process with this one's number, as in a container, and of
	// one that may be about to take its lock.
	before, new := filepath.Join(parent, fmt.Sprintf("run-%d-1", os.Getpid())), filepath.Join(parent, fmt.Sprintf("run-%d-2", os.Getpid()))
	for _, d := range []string{dead, elsewhere, other, before, new} {
		if err := os.MkdirAll(filepath.Join(d, "in"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(before, long, long); err != nil {
		t.Fatal(err)
	}
	defer hold.Take(elsewhere)() // as a process of another container does
	mine, remove, err := Folder(parent)
	if err != nil {
		t.Fatal(err)
	}
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }
	if there(dead) || !there(elsewhere) || !there(other) || !there(mine) {
		t.Errorf("dead %t, held elsewhere %t, not ours %t, mine %t", there(dead), there(elsewhere), there(other), there(mine))
	}
	if there(before) || !there(new) {
		t.Errorf("of an earlier process with the same number %t, just made %t", there(before), there(new))
	}
	if err := os.Chtimes(mine, long, long); err != nil || hold.Gone(mine, os.Getpid()) {
		t.Error("the new folder is not held", err)
	}
	if err := errors.Join(remove(), remove()); err != nil || there(mine) {
		t.Errorf("removed: %v, still there: %t", err, there(mine))
	}
}

func TestFolder_ParentIsAFile_NoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Folder(file); !fault.Is(err, NoFolder) {
		t.Errorf("got %v, want FH-8060", err)
	}
}

func TestWrite_ErrorOfNext_IsTold(t *testing.T) {
	s := hosttest.Batch(t, "n bigint", "1").Record.Schema()
	for _, c := range []struct {
		ends error
		says string
	}{{io.EOF, ""}, {errors.New("boom"), "boom"}, {errors.Join(errors.New("cut short"), io.EOF), "cut short"}} {
		given := false
		_, err := Write(t.Context(), t.TempDir(), "rows", s, func(context.Context) (flow.Batch, error) {
			if given {
				return flow.Batch{}, c.ends
			}
			given = true
			return hosttest.Batch(t, "n bigint", "1"), nil
		})
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("next ends with %v: got %v", c.ends, err)
		}
	}
	if _, err := Write(t.Context(), filepath.Join(t.TempDir(), "nowhere"), "rows", s, nil); !fault.Is(err, WriteFailed) {
		t.Errorf("a folder that is not there: %v, want FH-8061", err)
	}
}
