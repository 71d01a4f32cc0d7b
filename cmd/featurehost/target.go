package main

import (
	"errors"
	"flag"
	"log/slog"
	"os"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// target is what the verbs on a pipeline file share: the file and the flags
// that say how to read it.
type target struct {
	plugins, memory  string
	start, end, date string
	quiet            bool
	missing          bool
}

func (t *target) flags(f *flag.FlagSet) {
	t.common(f)
	f.StringVar(&t.start, "start", "", "first day, yyyy-mm-dd; without it the whole table is made anew")
	f.StringVar(&t.end, "end", "", "last day, yyyy-mm-dd, included")
	f.StringVar(&t.date, "date", "", "one day, yyyy-mm-dd: short for --start D --end D")
}

// common adds the flags of verbs that look at no days.
func (t *target) common(f *flag.FlagSet) {
	f.StringVar(&t.plugins, "plugins", "", "folder of plugins, in place of plugins/ beside the pipeline file")
	f.StringVar(&t.memory, "memory", "", "memory of the whole process, for example 2GiB; over the pipeline file's")
	f.BoolVar(&t.quiet, "quiet", false, "no progress and no log lines below warnings")
}

// missingFlag adds --missing, for the verbs that know it.
func (t *target) missingFlag(f *flag.FlagSet, what string) {
	f.BoolVar(&t.missing, "missing", false, what+" the days that no run of this pipeline file and these plugins computed, from --start (default: the first day known) to --end (default: yesterday)")
}

// interval reads --start, --end and --date.
func (t *target) interval() (flow.Interval, error) {
	start, end, flags := t.start, t.end, "--start and --end"
	if t.date != "" {
		if start != "" || end != "" {
			return flow.Interval{}, fault.New(BadFlag, "--date stands for --start and --end: give it alone")
		}
		start, end, flags = t.date, t.date, "--date"
	}
	i, err := flow.ParseInterval(start, end)
	if err != nil {
		return i, fault.New(BadFlag, "%s: %v", flags, err)
	}
	if i.Start != nil && i.End != nil && *i.End < *i.Start {
		return i, fault.New(BadFlag, "the end %s is before the start %s", i.End, i.Start)
	}
	if i.Start != nil && i.End == nil && !t.missing {
		return i, fault.New(BadFlag, "--start needs --end: an interval run replaces exactly the days between them")
	}
	return i, nil
}

// with parses the command line, opens a host for the pipeline file it names and
// hands both to use.
func (t *target) with(c *call, f *flag.FlagSet, use func(h *host.Host, path string, i flow.Interval) error) (err error) {
	t.flags(f)
	args, err := c.parse(f, 1)
	if err != nil {
		return err
	}
	interval, err := t.interval()
	if err != nil {
		return err
	}
	h, err := t.open(c, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return use(h, args[0], interval)
}

// open reads the pipeline file and makes a host for it.
func (t *target) open(c *call, path string) (*host.Host, error) {
	file, err := config.Load(path, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	c.redact = file.Redact
	t.flagged(file)
	o := host.Options{Catalog: catalog(), Version: version, Log: logger(c, t.quiet)}
	if t.plugins != "" {
		o.PluginDirs = []string{t.plugins}
	}
	if t.memory != "" {
		size, err := config.ParseByteSize(t.memory)
		if err != nil {
			return nil, fault.New(BadFlag, "--memory: %v", err)
		}
		o.Memory = int64(size)
	}
	return host.New(file, o)
}

// flagged notes in the file what the command line says in its place.
func (t *target) flagged(file *config.File) {
	start, end := t.start, t.end
	if t.date != "" {
		start, end = t.date, t.date
	}
	for _, s := range []struct{ key, value string }{
		{"plugins", t.plugins}, {"pipeline.memory", t.memory}, {"start", start}, {"end", end},
	} {
		if s.value != "" {
			file.Flagged(s.key, s.value)
		}
	}
}

func logger(c *call, quiet bool) *slog.Logger {
	level := slog.LevelInfo
	if quiet {
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
}
