package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

// A number that several runs have stands for none of them: nothing is dropped,
// shown or replayed by mistake. A listing shows them all.
func TestLetters_NumberOfSeveralRuns_Refused(t *testing.T) {
	dir := t.TempDir()
	poisoned(t, dir)
	write(t, dir, map[string]string{"events.csv": poisonRows})
	x := poisonCase{place: "stage", mode: "poison_data", policy: "dead_letter", batch: 16, workers: 1}
	h := opened(t, dir, x.pipeline(), host.Options{})
	report, err := h.Run(t.Context(), host.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(filepath.Dir(report.DeadLetters), "000001-0123456789abcdef")
	if err := os.CopyFS(other, os.DirFS(report.DeadLetters)); err != nil {
		t.Fatal(err)
	}
	box, err := h.Letters()
	if err != nil {
		t.Fatal(err)
	}
	number := host.LetterChoice{Run: "1", Stage: "poisoned"}
	if groups, _, err := box.List(number); err != nil || len(groups) != 2 {
		t.Errorf("%+v, %v", groups, err)
	}
	for what, do := range map[string]func(run string) (int64, error){
		"show": func(run string) (n int64, err error) {
			err = box.Each(host.LetterChoice{Run: run, Stage: "poisoned"}, func(host.Letter) error { n++; return nil })
			return n, err
		},
		"replay": func(run string) (int64, error) {
			r, err := h.Replay(t.Context(), box, host.ReplayOptions{LetterChoice: host.LetterChoice{Run: run, Stage: "poisoned"}})
			if err != nil {
				return 0, err
			}
			return r.Letters, nil
		},
		"drop": func(run string) (int64, error) { return box.Drop(run, "poisoned") },
	} {
		n, err := do("1")
		if !fault.Is(err, host.SeveralRuns) || n != 0 || !strings.Contains(err.Error(), report.RunID) || !strings.Contains(err.Error(), filepath.Base(other)) {
			t.Errorf("%s of 1: %d, %v", what, n, err)
		}
		if what == "drop" {
			continue
		}
		if n, err := do(report.RunID); n != 2 || err != nil {
			t.Errorf("%s of %s: %d, %v", what, report.RunID, n, err)
		}
	}
	if n, err := box.Drop(filepath.Base(other), "poisoned"); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := box.Drop("1", "poisoned"); n != 2 || err != nil {
		t.Errorf("the number of one run: %d, %v", n, err)
	}
}

// What a plugin says may hold its config: what came from the environment is
// hidden before it is written, and in the report of a replay.
func TestRun_PluginTellsSecret_NotInLetters(t *testing.T) {
	dir := t.TempDir()
	poisoned(t, dir)
	x := poisonCase{place: "stage", mode: "poison_data", policy: "dead_letter", batch: 16, workers: 1}
	// The plugin says "13 is unlucky".
	text := strings.Replace(x.pipeline(), `path = "events.csv"`, `path = "${WORD}.csv"`, 1)
	write(t, dir, map[string]string{"is unlucky.csv": poisonRows, "p.toml": text})
	f, err := config.Load(filepath.Join(dir, "p.toml"), func(name string) (string, bool) { return "is unlucky", name == "WORD" })
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.New(f, host.Options{Catalog: everything()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := h.Run(t.Context(), host.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	box, err := h.Letters()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = box.Each(host.LetterChoice{}, func(l host.Letter) error {
		if n++; !strings.Contains(l.Message, "13 ${WORD}") || strings.Contains(l.Message, "unlucky") {
			t.Errorf("the letter says %q", l.Message)
		}
		return nil
	})
	if n != 2 || err != nil {
		t.Errorf("%d letters, %v", n, err)
	}
	r := replayed(t, h, "poisoned")
	if len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Message, "13 ${WORD}") || strings.Contains(r.Failed[0].Message, "unlucky") {
		t.Errorf("the replay says %+v", r.Failed)
	}
}

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
