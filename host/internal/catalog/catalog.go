package catalog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
)

// Catalog is the plugins that were found.
type Catalog struct{ entries []Entry }

// Discover reads the manifests of *.wasm and */*.wasm in the folders, and of the
// folders of process plugins, */manifest.json; a folder that does not exist holds
// no plugins, and hidden files are none. Links are followed. The errors tell what cannot be used,
// each of them also in its entry where it has one.
func Discover(dirs ...string) (*Catalog, []error) {
	c := &Catalog{}
	var errs []error
	seen := map[string]bool{}
	for _, dir := range dirs {
		paths, err := found(dir)
		if err != nil {
			errs = append(errs, err)
		}
		for _, p := range paths {
			if !seen[p] {
				seen[p] = true
				e := Read(p)
				e.Dir = dir
				c.entries = append(c.entries, e)
			}
		}
	}
	slices.SortFunc(c.entries, func(a, b Entry) int {
		if n := strings.Compare(a.Name, b.Name); n != 0 {
			return n
		}
		if n := compareVersions(a.Version, b.Version); n != 0 {
			return n
		}
		return strings.Compare(a.Path, b.Path)
	})
	for _, e := range c.entries {
		if e.Err != nil {
			errs = append(errs, e.Err)
		}
	}
	return c, append(errs, c.markDuplicates()...)
}

// found lists the modules of a plugin folder and of the folders in it, and those
// of these folders that are process plugins.
func found(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, Unreadable, "the plugin folder %q cannot be listed", dir)
	}
	var out, linked []string
	for _, d := range list {
		path := filepath.Join(dir, d.Name())
		switch {
		case strings.HasPrefix(d.Name(), "."):
		case d.Type()&fs.ModeSymlink != 0:
			linked = append(linked, behind(path)...)
		case strings.HasSuffix(d.Name(), ".wasm"):
			out = append(out, path)
		case d.IsDir():
			out = append(out, inFolder(path)...)
		}
	}
	return distinct(append(out, linked...)), nil
}

// behind lists what a link in a plugin folder stands for: a module, or what the
// folder holds that it leads to. One that leads nowhere is an entry that cannot be
// used: else nobody would learn why a plugin is not found.
func behind(link string) []string {
	info, err := os.Stat(link)
	switch {
	case err != nil || strings.HasSuffix(link, ".wasm"):
		return []string{link}
	case info.IsDir():
		return inFolder(link)
	}
	return nil
}

// distinct leaves out a module that is in the list before, by another way: a link
// does not make two plugins of one file, and may lead to the very folder that it
// lies in. The folders of programs all stay: they go by their own names.
func distinct(paths []string) (out []string) {
	seen := map[string]bool{}
	for _, p := range paths {
		real, err := filepath.EvalSymlinks(p)
		if err != nil || !strings.HasSuffix(p, ".wasm") {
			real = p
		}
		if !seen[real] {
			seen[real] = true
			out = append(out, p)
		}
	}
	return out
}

// inFolder lists what a folder in a plugin folder holds: its modules, or itself
// when it is a process plugin. One with a module is never that: beside a module
// lie its sources, and manifest.json is one of them.
func inFolder(path string) (out []string) {
	// A folder that cannot be read holds no plugins for us.
	list, _ := os.ReadDir(path)
	process := false
	for _, d := range list {
		switch {
		case strings.HasPrefix(d.Name(), "."):
		case strings.HasSuffix(d.Name(), ".wasm"):
			out = append(out, filepath.Join(path, d.Name()))
		case d.Name() == manifestFile:
			process = true
		}
	}
	if len(out) == 0 && process {
		return []string{path}
	}
	return out
}

// markDuplicates gives every entry of a name and version found twice the same
// error, and tells it once (C1).
func (c *Catalog) markDuplicates() []error {
	var errs []error
	for i := 0; i < len(c.entries); {
		k := i + 1
		for k < len(c.entries) && c.entries[k].Name == c.entries[i].Name && c.entries[k].Version == c.entries[i].Version {
			k++
		}
		if same := c.entries[i:k]; len(same) > 1 && same[0].Version != "" {
			var paths []string
			for _, e := range same {
				paths = append(paths, e.Path)
			}
			err := fault.New(DuplicatePlugin, "plugin %s@%s is found in %s", same[0].Name, same[0].Version, strings.Join(paths, " and in ")).WithHint("remove one of them")
			for n := range same {
				same[n].Err = err
			}
			errs = append(errs, err)
		}
		i = k
	}
	return errs
}

// List gives the plugins by name, version and path.
func (c *Catalog) List() []Entry { return slices.Clone(c.entries) }

// Find gives the plugin that a `use` names: NAME, or NAME@VERSION where
// VERSION may leave out its last parts ("delay_score@1.2"). The newest release
// that fits is taken, a pre-release only when nothing else fits. builtins are
// names that a person may have meant.
func (c *Catalog) Find(use string, builtins ...string) (Entry, error) {
	name, version, pinned := strings.Cut(use, "@")
	var best *Entry
	var versions []string
	for i := range c.entries {
		e := &c.entries[i]
		if e.Name != name {
			continue
		}
		versions = append(versions, e.Version)
		if e.Version != "" && !fits(e.Version, version, pinned) {
			continue
		}
		if best == nil || isRelease(e.Version) == isRelease(best.Version) || isRelease(e.Version) {
			best = e // entries ascend by version
		}
	}
	switch {
	case len(versions) == 0:
		return Entry{}, c.unknown(name, builtins)
	case best == nil:
		return Entry{}, fault.New(NoSuchVersion, "plugin %q has no version %q; found: %s", name, version, strings.Join(versions, ", "))
	case fault.Is(best.Err, DuplicatePlugin):
		return Entry{}, best.Err
	case best.Err != nil:
		return Entry{}, fault.Wrap(best.Err, BrokenPlugin, "plugin %q cannot be used", name)
	}
	return *best, nil
}

func (c *Catalog) unknown(name string, builtins []string) error {
	names := slices.Clone(builtins)
	for _, e := range c.entries {
		names = append(names, e.Name)
	}
	err := fault.New(UnknownPlugin, "unknown stage or plugin %q", name)
	if s := fault.Suggest(name, names); s != "" {
		return err.WithHint("did you mean %q?", s)
	}
	if len(c.entries) == 0 {
		return err.WithHint("no plugins were found: put a module NAME.wasm, or the folder of a program NAME/ with its manifest.json, into plugins/")
	}
	return err.WithHint("`featurehost plugin list` shows what is there")
}
