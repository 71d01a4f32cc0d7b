package main

import (
	"context"
	"fmt"
	"os"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

// lockShown is what --json tells of a lock that was written.
type lockShown struct {
	Path    string              `json:"path"`
	Changed bool                `json:"changed"` // the file was another one before, or none
	Plugins []host.LockedPlugin `json:"plugins"`
	Broken  []pluginShown       `json:"left_out,omitempty"`
}

// pluginLock writes plugins.lock, or with --check only tells what differs.
func pluginLock(_ context.Context, c *call) error {
	f := c.flags()
	dir := f.String("plugins", "", "folder of plugins, in place of plugins/")
	path := f.String("lock", "", "the lock file, in place of plugins.lock in the folder that holds the plugin folder")
	check := f.Bool("check", false, "write nothing; show what differs from the lock, with status 2 if anything does")
	if _, err := c.parse(f, 0); err != nil {
		return err
	}
	if *dir == "" {
		*dir = host.PluginDirs(".")[0]
	}
	if *check {
		return checkLock(c, *path, *dir)
	}
	l, err := host.LockPlugins(*path, *dir)
	if err != nil {
		return err
	}
	before, err := os.ReadFile(l.Path)
	s := lockShown{Path: l.Path, Changed: err != nil || string(before) != string(l.Text), Plugins: l.Plugins}
	for _, p := range l.Broken {
		s.Broken = append(s.Broken, shown(p))
	}
	if s.Changed {
		if err := replaceFile(l.Path, l.Text); err != nil {
			return fault.Wrap(err, BadFlag, "%s cannot be written", l.Path)
		}
	}
	c.result, c.summary = s, fmt.Sprintf("%s locked in %s", ui.Plural(int64(len(l.Plugins)), "plugin"), l.Path)
	if !s.Changed {
		c.summary += ", as they were"
	}
	if c.json {
		return nil
	}
	var rows [][]string
	for _, p := range l.Plugins {
		rows = append(rows, []string{"  " + p.Name + "@" + p.Version, p.Kind, p.Transport, p.Digest})
	}
	ui.Table(c.stdout, []string{"", "", "", ""}, rows)
	for _, p := range s.Broken {
		fmt.Fprintf(c.stdout, "  left out, since it cannot be used: %s: %s\n", p.Path, p.Error)
	}
	fmt.Fprintln(c.stdout, c.summary)
	return nil
}

func checkLock(c *call, path, dir string) error {
	list, err := host.CheckLock(path, dir)
	if err != nil {
		return err
	}
	c.result, c.summary = list, "the plugins are those of the lock"
	if len(list) > 0 {
		c.summary = fmt.Sprintf("%s from the lock; if meant, give the same command without --check", ui.Plural(int64(len(list)), "difference"))
	}
	if !c.json {
		var rows [][]string
		for _, d := range list {
			rows = append(rows, []string{d.Name, d.Version, d.What, d.Locked, d.Found, d.Path})
		}
		if len(rows) > 0 {
			ui.Table(c.stdout, []string{"name", "version", "", "locked", "found", "path"}, rows)
		}
		fmt.Fprintln(c.stdout, c.summary)
	}
	if len(list) > 0 {
		return failed{int(fault.Usage)}
	}
	return nil
}
