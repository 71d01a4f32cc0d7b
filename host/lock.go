package host

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/catalog"
)

// LockPath is where the lock of a plugin folder lies: in the folder that holds
// it, which for plugins/ beside a pipeline file is beside that file.
func LockPath(dir string) string { return filepath.Join(dir, "..", catalog.LockFile) }

// PluginLock is a lock as it would be written now.
type PluginLock struct {
	Path    string
	Text    []byte
	Plugins []LockedPlugin
	// Broken are plugins that cannot be used, and so are not in it.
	Broken []PluginFile
}

// LockedPlugin is one plugin of a lock.
type LockedPlugin struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Kind      string   `json:"kind"`
	Transport string   `json:"transport"`
	Digest    string   `json:"digest"`
	ABI       string   `json:"abi"`
	Grants    []string `json:"grants"`
	Fuel      int      `json:"fuel_schedule,omitempty"`
}

// LockDifference is what lies between a lock and the plugins found.
type LockDifference struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	What    string `json:"what"` // "changed", "not locked", "gone", or the name of a field
	Locked  string `json:"locked,omitempty"`
	Found   string `json:"found,omitempty"`
	Path    string `json:"path,omitempty"`
}

// LockPlugins locks what is in a plugin folder; nothing is written. path says
// where it will lie, "" where LockPath says.
func LockPlugins(path, dir string) (*PluginLock, error) {
	found, err := discovered(dir)
	if err != nil {
		return nil, err
	}
	out := &PluginLock{Path: lockPath(path, dir), Plugins: []LockedPlugin{}}
	l := catalog.LockOf(found)
	for _, p := range l.Plugins {
		out.Plugins = append(out.Plugins, LockedPlugin(p))
	}
	for _, e := range found {
		if e.Err != nil {
			out.Broken = append(out.Broken, pluginFile(e))
		}
	}
	out.Text, err = l.Encode()
	return out, err
}

// CheckLock holds a lock against what is in a plugin folder.
func CheckLock(path, dir string) ([]LockDifference, error) {
	l, err := catalog.ReadLock(lockPath(path, dir))
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, fault.New(catalog.BadLock, "there is no %s", lockPath(path, dir)).WithHint("restore it from version control; or, when every plugin was looked at, `featurehost plugin lock` writes it")
	}
	found, err := discovered(dir)
	if err != nil {
		return nil, err
	}
	out := []LockDifference{}
	for _, d := range l.Differences(found) {
		out = append(out, LockDifference(d))
	}
	return out, nil
}

// discovered lists a plugin folder, which must be one: of no plugins nothing is
// to be locked by mistake.
func discovered(dir string) ([]catalog.Entry, error) {
	if err := isFolder(dir); err != nil {
		return nil, err
	}
	c, _ := catalog.Discover(dir) // each error is in its entry
	return c.List(), nil
}

func lockPath(path, dir string) string {
	if path == "" {
		return LockPath(dir)
	}
	return path
}

// locks are the locks that hold for the plugins of a pipeline.
type locks struct {
	all   *catalog.Lock            // beside the pipeline file: for all of them
	byDir map[string]*catalog.Lock // else, for those of each folder
}

// readLocks reads the lock beside the pipeline file, or else those of the plugin
// folders. A lock that cannot be read is an error, whatever is used: until it is
// mended nobody knows what it allowed.
func readLocks(pipelineDir string, dirs []string) (locks, error) {
	var out locks
	beside := filepath.Join(pipelineDir, catalog.LockFile)
	var err error
	if out.all, err = catalog.ReadLock(beside); err != nil || out.all != nil {
		if out.all != nil {
			out.all.Renew = renewal(beside, dirs[0])
		}
		return out, err
	}
	out.byDir = map[string]*catalog.Lock{}
	for _, dir := range dirs {
		path := LockPath(dir)
		l, err := catalog.ReadLock(path)
		if err != nil {
			return out, err
		}
		if l != nil {
			l.Renew = renewal(path, dir)
			out.byDir[dir] = l
		}
	}
	return out, nil
}

// check refuses a plugin that the lock does not allow.
func (l locks) check(e catalog.Entry) error {
	if l.all != nil {
		return l.all.Check(e)
	}
	return l.byDir[e.Dir].Check(e)
}

// of gives the path of the lock that holds for a plugin; "" when there is none.
func (l locks) of(e catalog.Entry) string {
	if l.all != nil {
		return l.all.Path
	}
	if one := l.byDir[e.Dir]; one != nil {
		return one.Path
	}
	return ""
}

// missed tells of a plugin that was not found whether a lock names it, which
// says more than that nobody knows it.
func (l locks) missed(use string, err error) error {
	if !fault.Is(err, catalog.UnknownPlugin) {
		return err
	}
	list := []*catalog.Lock{l.all}
	for _, dir := range slices.Sorted(maps.Keys(l.byDir)) {
		list = append(list, l.byDir[dir])
	}
	name, _, _ := strings.Cut(use, "@")
	for _, one := range list {
		if one == nil {
			continue
		}
		for _, p := range one.Plugins {
			if p.Name == name {
				return fault.New(catalog.UnknownPlugin, "%s names %s@%s, and its file is gone", one.Path, p.Name, p.Version).
					WithHint("restore it from where it is kept, or name the folder it is in: --plugins DIR")
			}
		}
	}
	return err
}

// renewal is the command that writes a lock anew.
func renewal(path, dir string) string {
	command := "featurehost plugin lock"
	if filepath.Clean(dir) != "plugins" {
		command += " --plugins " + dir
	}
	if filepath.Clean(path) != LockPath(dir) {
		command += " --lock " + path
	}
	return command
}
