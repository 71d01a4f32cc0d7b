package host

import (
	"errors"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/internal/catalog"
)

// PluginFile is one file of a plugin folder, or the folder of a process plugin.
// Manifest is nil and Err tells why when it cannot be used.
type PluginFile struct {
	Name      string        `json:"name"`
	Version   string        `json:"version"`
	Path      string        `json:"path"`
	Transport string        `json:"transport,omitempty"` // "wasm" or "process"
	Digest    string        `json:"digest"`
	Size      int64         `json:"size"`
	Manifest  *abi.Manifest `json:"-"`
	// Lock says "locked", "changed", "not locked" or "gone"; "" without a lock.
	Lock string `json:"lock,omitempty"`
	Err  error  `json:"-"`
}

// Plugins lists what is in plugin folders, broken files included, without
// compiling anything. Plugins that a folder's lock names and nobody has are
// listed as gone. The error is that of a lock, beside the whole list.
func Plugins(dirs ...string) ([]PluginFile, error) {
	c, _ := catalog.Discover(dirs...) // each error is in its entry
	var out []PluginFile
	var errs []error
	byDir := map[string]*catalog.Lock{}
	for _, dir := range dirs {
		l, err := catalog.ReadLock(LockPath(dir))
		byDir[dir], errs = l, append(errs, err)
	}
	for _, e := range c.List() {
		f := pluginFile(e)
		f.Lock = byDir[e.Dir].State(e)
		out = append(out, f)
	}
	for _, dir := range dirs {
		if byDir[dir] == nil {
			continue
		}
		for _, d := range byDir[dir].Differences(c.List()) {
			if d.What == catalog.Gone {
				out = append(out, PluginFile{Name: d.Name, Version: d.Version, Lock: d.What})
			}
		}
	}
	return out, errors.Join(errs...)
}

// Plugin reads one plugin: a file, or the folder of a process plugin.
func Plugin(path string) PluginFile { return pluginFile(catalog.Read(path)) }

func pluginFile(e catalog.Entry) PluginFile {
	return PluginFile{Name: e.Name, Version: e.Version, Path: e.Path, Transport: string(e.Transport), Digest: e.Digest, Size: e.Size, Manifest: e.Manifest, Err: e.Err}
}
