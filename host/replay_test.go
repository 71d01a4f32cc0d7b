package host_test

import (
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
				h := opened(t, dir, strings.Replace(text, `"dead_letter"`, `"`+policy+`"`, 1), host.Options{})
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
