package host

import (
	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/internal/catalog"
)

// PluginFile is one file of a plugin folder. Manifest is nil and Err tells why
// when it cannot be used.
type PluginFile struct {
	Name     string        `json:"name"`
	Version  string        `json:"version"`
	Path     string        `json:"path"`
	Digest   string        `json:"digest"`
	Size     int64         `json:"size"`
	Manifest *abi.Manifest `json:"-"`
	Err      error         `json:"-"`
}

// Plugins lists what is in plugin folders, broken files included, without
// compiling anything.
func Plugins(dirs ...string) []PluginFile {
	c, _ := catalog.Discover(dirs...) // each error is in its entry
	var out []PluginFile
	for _, e := range c.List() {
		out = append(out, pluginFile(e))
	}
	return out
}

// Plugin reads one plugin file.
func Plugin(path string) PluginFile { return pluginFile(catalog.Read(path)) }

func pluginFile(e catalog.Entry) PluginFile {
	return PluginFile{Name: e.Name, Version: e.Version, Path: e.Path, Digest: e.Digest, Size: e.Size, Manifest: e.Manifest, Err: e.Err}
}
