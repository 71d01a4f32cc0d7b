package cassandra

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/flow"
)

// mark is written when all rows of a staged file are in the cluster, before
// the file goes: a repetition of Publish answers from it. The embedded store
// keeps the like inside its database; a row in the cluster would be one more
// table for its operators.
type mark struct {
	Digest    string         `json:"digest"`
	Published flow.Published `json:"published"`
}

// markSuffix is the end of the name of a mark, in place of ".arrow".
const markSuffix = ".published"

// markAge is how long marks are kept: far longer than a ledger takes to note
// that Publish has returned.
const markAge = 7 * 24 * time.Hour

func markPath(file string) string { return strings.TrimSuffix(file, ".arrow") + markSuffix }

// readMark looks for the mark of an earlier Publish of the same rows. One that
// cannot be read counts for nothing: writing again does no harm.
func readMark(file, digest string) (flow.Published, bool) {
	b, err := os.ReadFile(markPath(file))
	if err != nil {
		return flow.Published{}, false
	}
	var m mark
	if json.Unmarshal(b, &m) != nil || m.Digest != digest {
		return flow.Published{}, false
	}
	return m.Published, true
}

// writeMark makes a mark durable.
func writeMark(file, digest string, p flow.Published) error {
	path := markPath(file)
	b, err := json.Marshal(mark{Digest: digest, Published: p})
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return staged.Failed(err, path)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = blob.SyncFolder(filepath.Dir(path))
	}
	return staged.Failed(err, path)
}

func removeMark(file string) error {
	if err := os.Remove(markPath(file)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return staged.Failed(err, file)
	}
	return nil
}

// forgetMarks removes old marks of a sink. What stays because of an error is a
// few bytes and is tried again by the next run.
func forgetMarks(state, sink string, now time.Time) {
	paths, err := filepath.Glob(filepath.Join(state, "pending", "*", sink+markSuffix))
	if err != nil {
		return
	}
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && now.Sub(info.ModTime()) > markAge {
			_ = os.Remove(p)
			_ = os.Remove(filepath.Dir(p))
		}
	}
}
