package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

// Drop wants a run and a stage that there are, and takes nothing else.
func TestDrop_UnreadableFile_Refused(t *testing.T) {
	dir := t.TempDir()
	poisoned(t, dir)
	write(t, dir, map[string]string{"events.csv": poisonRows})
	x := poisonCase{place: "stage", mode: "poison_data", policy: "dead_letter", batch: 16, workers: 1}
	h := opened(t, dir, x.pipeline(), host.Options{})
	report, err := h.Run(t.Context(), host.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	box, err := h.Letters()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"1", "poison"}, {"2", "poisoned"}, {"000001", "x"}} {
		if _, err := box.Drop(c[0], c[1]); !fault.Is(err, host.NoSuchLetters) {
			t.Errorf("%v: %v", c, err)
		}
	}
	bad := filepath.Join(report.DeadLetters, "bad.parquet")
	if err := os.WriteFile(bad, []byte("no parquet"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Drop("1", "poisoned"); err == nil {
		t.Error("a file of unknown letters was passed over")
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	if n, err := box.Drop(report.RunID, "poisoned"); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := os.Stat(report.DeadLetters); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the empty folder is left: %v", err)
	}
}
