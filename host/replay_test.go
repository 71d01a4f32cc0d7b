package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

const poisonRows = "id,ts,x\n0,2024-01-01T10:00:00Z,1\n1,2024-01-01T10:00:00Z,13\n2,2024-01-01T10:00:00Z,2\n3,2024-01-01T10:00:00Z,13\n"

// Where letters enter a pipeline again, and where their way ends.
func TestReplay_Stage_UpToWhatLooksAtSeveralRows(t *testing.T) {
	for _, c := range []struct {
		place, stage, more string // more stands behind the stages
		through, before    string
	}{
		{"prepare", "poisoned", "", "poisoned", "[feature_set]"},
		{"query behind", "poisoned", "", "poisoned", "[query]"},
		{"query", "poisoned", "", "poisoned", "[feature_set]"},
		{"stage", "poisoned", "[[stage]]\nuse = \"filter\"\nwhere = \"id <> 3\"\n", "poisoned filter", "[feature_set]"},
		{"prepare", "poisoned", "[[stage]]\nuse = \"filter\"\nwhere = \"id <> 3\"\n", "poisoned filter", "[feature_set]"},
		{"stage", "poisoned", "[[stage]]\nuse = \"forward_fill\"\npartition_by = [\"id\"]\norder_by = [\"ts\"]\ncolumn = \"x\"\n", "poisoned", "forward_fill"},
		{"sink", "historical: poisoned", "", "historical: poisoned", "sink historical"},
	} {
		t.Run(c.place+" "+c.before, func(t *testing.T) {
			dir := t.TempDir()
			poisoned(t, dir)
			write(t, dir, map[string]string{"events.csv": poisonRows})
			x := poisonCase{place: c.place, mode: "poison_data", policy: "dead_letter", batch: 16, workers: 1}
			text := strings.Replace(x.pipeline(), "\n[feature_set]", c.more+"\n[feature_set]", 1)
			if _, err := opened(t, dir, text, host.Options{}).Run(t.Context(), host.RunOptions{}); err != nil {
				t.Fatal(err)
			}
			failing, passing := int64(2), int64(2)
			if strings.Contains(c.through, "filter") {
				passing = 1
			}
			// The policy of today is no matter: a replay tells of each row.
			for _, policy := range []string{"dead_letter", "skip", "fail"} {
				today := strings.Replace(text, `"dead_letter"`, `"`+policy+`"`, 1)
				if policy == "fail" { // no circuit can open then, and the file says so
					today = strings.Replace(today, "circuit = { rejected = 1.0, failures = 1000000 }\n", "", 1)
				}
				h := opened(t, dir, today, host.Options{})
				r := replayed(t, h, c.stage)
				if r.Letters != 2 || r.Passed != 0 || len(r.Failed) != 1 || r.Failed[0].Rows != failing || r.Failed[0].Reason != "FH-3001" || r.Failed[0].Stage != c.stage {
					t.Errorf("%s: %+v", policy, r)
				}
			}
			r := replayed(t, opened(t, dir, strings.Replace(text, "poison_data", "good", 1), host.Options{}), c.stage)
			if r.Passed != passing || r.Filtered != 2-passing || len(r.Failed) != 0 || strings.Join(r.Through, " ") != c.through || r.Before != c.before || r.Why == "" {
				t.Errorf("%+v", r)
			}
			if r.Now == "" || len(r.Then) != 1 || r.Then[0] != r.Now || !strings.HasPrefix(r.Now, "poisoned@1.2.3 sha256:") {
				t.Errorf("plugins: then %q, now %q", r.Then, r.Now)
			}
		})
	}
}

// Rows that were given up with their batch are letters like others: a replay tries
// each by itself, tells which of them are at fault, and drop removes them too.
func TestReplay_RowsNotTried_TriedEach(t *testing.T) {
	dir := t.TempDir()
	poisoned(t, dir)
	var events strings.Builder
	events.WriteString("id,ts,x\n")
	for i := range 40 {
		x := 13
		if i > 30 {
			x = 1
		}
		fmt.Fprintf(&events, "%d,2024-01-01T10:00:00Z,%d\n", i, x)
	}
	write(t, dir, map[string]string{"events.csv": events.String()})
	x := poisonCase{place: "stage", mode: "poison_data", policy: "dead_letter", batch: 64, workers: 1}
	text := x.pipeline()
	h := opened(t, dir, text, host.Options{})
	if _, err := h.Run(t.Context(), host.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	box, err := h.Letters()
	if err != nil {
		t.Fatal(err)
	}
	groups, _, err := box.List(host.LetterChoice{Run: "1"})
	if err != nil || len(groups) != 2 || groups[0].Reason != "FH-3001" || groups[0].Rows != 16 || groups[1].Reason != "not_tried" || groups[1].Rows != 24 {
		t.Fatalf("%+v, %v", groups, err)
	}
	untried := 0
	err = box.Each(host.LetterChoice{Stage: "poisoned"}, func(l host.Letter) error {
		if l.Reason == "not_tried" && strings.Contains(l.Message, "FH-3001") && l.Object != "" {
			untried++
		}
		return nil
	})
	if untried != 24 || err != nil {
		t.Errorf("%d letters tell why they were not tried, %v", untried, err)
	}
	r := replayed(t, h, "poisoned")
	if r.Letters != 40 || r.Passed != 9 || len(r.Failed) != 1 || r.Failed[0].Reason != "FH-3001" || r.Failed[0].Rows != 31 {
		t.Errorf("%+v", r)
	}
	r = replayed(t, opened(t, dir, strings.Replace(text, "poison_data", "good", 1), host.Options{}), "poisoned")
	if r.Letters != 40 || r.Passed != 40 || len(r.Failed) != 0 {
		t.Errorf("%+v", r)
	}
	if n, err := box.Drop("1", "poisoned"); n != 40 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// A file that was made since the replay began is not replaced.
func TestReplay_OutIsThereByNow_NotReplaced(t *testing.T) {
	dir := t.TempDir()
	poisoned(t, dir)
	write(t, dir, map[string]string{"events.csv": poisonRows, "out/rows.ndjson": "mine"})
	x := poisonCase{place: "stage", mode: "poison_data", policy: "dead_letter", batch: 16, workers: 1}
	if _, err := opened(t, dir, x.pipeline(), host.Options{}).Run(t.Context(), host.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	h := opened(t, dir, strings.Replace(x.pipeline(), "poison_data", "good", 1), host.Options{})
	box, err := h.Letters()
	if err != nil {
		t.Fatal(err)
	}
	for out, there := range map[string]bool{"rows.ndjson": true, "new.ndjson": false, "new.parquet": false} {
		out = filepath.Join(dir, "out", out)
		_, err := h.Replay(t.Context(), box, host.ReplayOptions{LetterChoice: host.LetterChoice{Stage: "poisoned"}, Out: out})
		if there != fault.Is(err, host.NotWritten) || !there && err != nil {
			t.Errorf("%s: %v", out, err)
		}
		if b, err := os.ReadFile(out); err != nil || there != (string(b) == "mine") {
			t.Errorf("%s holds %q, %v", out, b, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "out", ".replay-*")); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

func replayed(t *testing.T, h *host.Host, stage string) *host.ReplayReport {
	t.Helper()
	box, err := h.Letters()
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Replay(t.Context(), box, host.ReplayOptions{LetterChoice: host.LetterChoice{Stage: stage}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Letters of a reader hold text that is no row: there is no stage to give it to.
func TestReplay_LettersOfReader_Refused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"readings.jsonl": readings + "no json\n"})
	text := head("") + strings.Replace(readingsReader, "format =", "on_bad_row = \"dead_letter\"\nformat =", 1) + pivotStep + tempSet
	h := opened(t, dir, text, host.Options{})
	if _, err := h.Run(t.Context(), host.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	box, err := h.Letters()
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Replay(t.Context(), box, host.ReplayOptions{LetterChoice: host.LetterChoice{Stage: "readings"}})
	if !fault.Is(err, host.NotReplayable) || !strings.Contains(err.Error(), "is a reader") {
		t.Errorf("got %v", err)
	}
	if groups, _, err := box.List(host.LetterChoice{Run: "1", Stage: "readings"}); err != nil || len(groups) != 1 || groups[0].Rows != 1 {
		t.Errorf("the letters are %+v, %v", groups, err)
	}
}
