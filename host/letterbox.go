package host

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/deadletter"
)

// LetterBox is the dead letters that the runs of a pipeline left. It needs
// neither its plugins nor its servers.
type LetterBox struct{ root string }

// Letters opens the dead letters of a pipeline.
func Letters(file *config.File) (*LetterBox, error) {
	state, err := stateDir(file.Dir, file.Pipeline.State)
	if err != nil {
		return nil, fault.Wrap(err, NoState, "the state folder %q", file.Pipeline.State)
	}
	return &LetterBox{lettersDir(state)}, nil
}

// Letters opens the dead letters of the pipeline.
func (h *Host) Letters() (*LetterBox, error) { return Letters(h.file) }

// lettersDir holds a folder for each run that turned rows down.
func lettersDir(state string) string { return filepath.Join(state, "dead_letter") }

// Dir is the folder that holds them, with a folder for each run.
func (b *LetterBox) Dir() string { return b.root }

// LetterChoice picks letters; empty fields pick all.
type LetterChoice struct {
	Run   string // its id, or its number in the ledger
	Stage string
}

// LetterGroup counts letters of a run that have stage, reason and plugin in
// common.
type LetterGroup struct {
	Run     string    `json:"run"`
	Stage   string    `json:"stage"`
	Reason  string    `json:"reason"` // null_key, the code of a plugin's failure, not_tried
	Plugin  string    `json:"plugin,omitempty"`
	Digest  string    `json:"digest,omitempty"`
	Rows    int64     `json:"rows"`
	Written time.Time `json:"written"`
	File    string    `json:"file"`
	Error   string    `json:"error,omitempty"` // why the file cannot be read
	err     error
}

// List counts the letters, oldest file first. unfinished are files that a run is
// still writing, or was when it was killed.
func (b *LetterBox) List(c LetterChoice) (groups []LetterGroup, unfinished []string, err error) {
	list, unfinished, err := deadletter.List(b.root)
	if err != nil {
		return nil, nil, err
	}
	for _, g := range list {
		if !c.picks(g) {
			continue
		}
		x := LetterGroup{Run: g.Run, Stage: g.Stage, Reason: g.Reason, Plugin: g.Plugin, Digest: g.Digest, Rows: g.Rows, Written: g.Written, File: g.File}
		if g.Err != nil {
			x.Error, x.err = g.Err.Error(), g.Err
		}
		groups = append(groups, x)
	}
	slices.SortStableFunc(groups, func(a, b LetterGroup) int {
		return cmp.Or(a.Written.Compare(b.Written), strings.Compare(a.File, b.File))
	})
	if len(groups) == 0 && c != (LetterChoice{}) {
		return nil, nil, b.none(c, list)
	}
	return groups, unfinished, nil
}

// chosen is List for who does something with the letters: of several runs that have
// the number named, none is picked.
func (b *LetterBox) chosen(c LetterChoice) ([]LetterGroup, error) {
	groups, _, err := b.List(c)
	if err != nil || c.Run == "" {
		return groups, err
	}
	var ids []string
	for _, g := range groups {
		if !slices.Contains(ids, g.Run) {
			ids = append(ids, g.Run)
		}
	}
	if len(ids) > 1 {
		return nil, fault.New(SeveralRuns, "several runs have the number %s: %s", c.Run, strings.Join(ids, ", ")).WithHint("give the id of the run that is meant")
	}
	return groups, nil
}

// picks tells whether letters are of the choice. A file that cannot be read may
// be of any stage.
func (c LetterChoice) picks(g deadletter.Group) bool {
	return (c.Run == "" || isRun(g.Run, c.Run)) && (c.Stage == "" || c.Stage == g.Stage || g.Err != nil)
}

// isRun reports whether a run is meant: by its id, or by its number, with which
// the ids of runs in the ledger begin.
func isRun(id, named string) bool {
	if id == named {
		return true
	}
	number, _, ok := strings.Cut(id, "-")
	if !ok {
		return false
	}
	n, err := strconv.ParseInt(number, 10, 64)
	m, err2 := strconv.ParseInt(named, 10, 64)
	return errors.Join(err, err2) == nil && n == m
}

// none says what there is in place of what was asked for.
func (b *LetterBox) none(c LetterChoice, all []deadletter.Group) error {
	what := "there are no dead letters"
	if c.Stage != "" {
		what += " of stage " + strconv.Quote(c.Stage)
	}
	if c.Run != "" {
		what += " of run " + strconv.Quote(c.Run)
	}
	var stages []string
	for _, g := range all {
		stages = append(stages, g.Stage)
	}
	err := fault.New(NoSuchLetters, "%s in %s", what, b.root)
	if s := fault.Suggest(c.Stage, stages); c.Stage != "" && s != "" && s != c.Stage {
		return err.WithHint("did you mean %q?", s)
	}
	return err.WithHint("`featurehost deadletter list PIPELINE.toml` shows what there is")
}

// Letter is one rejected row, as it was kept.
type Letter struct {
	deadletter.Letter
	Run string
}

// Each calls f with every letter of a choice, oldest file first, each file in its
// order. The row is borrowed until f returns. A file that cannot be read ends it.
func (b *LetterBox) Each(c LetterChoice, f func(Letter) error) error {
	groups, err := b.chosen(c)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, g := range groups {
		if done[g.File] {
			continue
		}
		done[g.File] = true
		err := deadletter.Read(g.File, func(l deadletter.Letter) error {
			if c.Stage != "" && l.Stage != c.Stage {
				return nil
			}
			return f(Letter{l, g.Run})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Drop removes the letters of one run and stage for good, and tells how many
// there were. Nothing else removes letters.
func (b *LetterBox) Drop(run, stage string) (rows int64, err error) {
	groups, err := b.chosen(LetterChoice{run, stage})
	if err != nil {
		return 0, err
	}
	for _, g := range groups {
		if g.err != nil {
			return 0, fault.As(g.err).WithHint("whose letters it holds cannot be told: look at the file and remove it by hand")
		}
	}
	return deadletter.Remove(b.root, groups[0].Run, stage)
}
