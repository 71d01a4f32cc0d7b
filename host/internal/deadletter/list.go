package deadletter

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Group counts the letters of a file that have stage, reason and plugin in
// common.
type Group struct {
	Run, Stage, Reason, Plugin, Digest string
	Rows                               int64
	File                               string
	Written                            time.Time
	// Err says why a file cannot be read: nothing else than Run, File and
	// Written is known of it then.
	Err error
}

// List tells what lies below root, the folder of the runs' folders: by run, file,
// stage and reason. Rows are not decoded. unfinished are the files that a run is
// writing, or was writing when it was killed.
func List(root string) (groups []Group, unfinished []string, err error) {
	runs, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, unreadable(err, root)
	}
	for _, run := range runs {
		if !run.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(root, run.Name()))
		if err != nil {
			return nil, nil, unreadable(err, filepath.Join(root, run.Name()))
		}
		for _, f := range files {
			path := filepath.Join(root, run.Name(), f.Name())
			switch {
			case strings.HasSuffix(f.Name(), temporarySuffix):
				unfinished = append(unfinished, path)
			case strings.HasSuffix(f.Name(), suffix):
				groups = append(groups, groupsOf(run.Name(), path)...)
			}
		}
	}
	return groups, unfinished, nil
}

// groupColumns are reason, stage, plugin and digest.
func groupColumns() []int { return []int{1, 3, 4, 5} }

// groupsOf counts the letters of one file.
func groupsOf(run, path string) []Group {
	var written time.Time
	if info, err := os.Stat(path); err == nil {
		written = info.ModTime()
	}
	counts := map[Group]int64{}
	err := read(path, groupColumns(), func(b arrow.RecordBatch) error {
		text := func(c, i int) string { return b.Column(c).(*array.String).Value(i) }
		for i := range int(b.NumRows()) {
			counts[Group{Run: run, File: path, Written: written, Reason: text(0, i), Stage: text(1, i), Plugin: text(2, i), Digest: text(3, i)}]++
		}
		return nil
	})
	if err != nil {
		return []Group{{Run: run, File: path, Written: written, Err: err}}
	}
	var out []Group
	for g, n := range counts {
		g.Rows = n
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.Digest, b.Digest))
	})
	return out
}

// Remove removes the files of a run that hold the letters of a stage, and the
// run's folder with the last one.
func Remove(root, run, stage string) (rows int64, err error) {
	groups, _, err := List(root)
	if err != nil {
		return 0, err
	}
	files := map[string]bool{}
	for _, g := range groups {
		if g.Run == run && g.Stage == stage && g.Err == nil {
			rows += g.Rows
			files[g.File] = true
		}
	}
	for path := range files {
		if err := os.Remove(path); err != nil {
			return 0, notKept(err, path)
		}
	}
	// It stays while there is something in it.
	_ = os.Remove(filepath.Join(root, run))
	return rows, nil
}
