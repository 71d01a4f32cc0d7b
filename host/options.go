package host

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/parts"
)

// Options of a host. Catalog is required; the zero value of the rest works.
type Options struct {
	// Catalog holds the built-in stages, readers and sinks.
	Catalog *parts.Catalog
	// PluginDirs are searched for plugins; empty means plugins/ beside the
	// pipeline file, else plugins/ in the working directory.
	PluginDirs []string
	// Memory caps the whole process in bytes; 0 takes the pipeline file's.
	Memory int64
	// Log gets what happens; nil discards it.
	Log *slog.Logger
	// Version is written into the files that are made.
	Version string
	// Now is the clock by which days are over; nil means the machine's.
	Now func() time.Time
}

// RunOptions of one run.
type RunOptions struct {
	Interval flow.Interval
	// DryRun computes everything and writes nothing; Preview gets the rows.
	DryRun bool
	// Preview sees each batch of the feature table, borrowed. Only in a dry
	// run.
	Preview func(flow.Batch) error
	// Again is called when an interval has to be computed anew (S-1105): what
	// Preview and Tap saw before is void.
	Again func()
	// Tap sees each batch, borrowed, that leaves the stage named TapAt.
	TapAt string
	Tap   func(flow.Batch) error
	// Progress is called every ProgressEvery with the counts so far; nil
	// reports nothing.
	Progress      func(Progress)
	ProgressEvery time.Duration

	// Published is told of each run of RunMissing when it is published; nil for
	// nobody.
	Published func(*Report)

	// coming reports whether a day is computed next, by the same command.
	coming func(flow.Day) bool
}

// Progress is a glance at a run.
type Progress struct {
	Elapsed time.Duration
	Stages  []StageStats
}

// StageStats are the counts of one stage, reader or sink.
type StageStats = observe.StageStats

// stateDir is where compile cache, embedded store and dead letters live.
func stateDir(dir, state string) (string, error) {
	if !filepath.IsAbs(state) {
		state = filepath.Join(dir, state)
	}
	return filepath.Abs(state)
}
