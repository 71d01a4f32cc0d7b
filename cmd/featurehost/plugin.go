package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

func pluginVerb() verb {
	return verb{name: "plugin", usage: "list | inspect FILE | pack FILE.wasm MANIFEST.json | lock", short: "look at plugins; put a manifest into a module; pin what may run", run: plugin}
}

func plugin(ctx context.Context, c *call) error {
	return c.one(ctx, []sub{
		{"list", "[--plugins DIR]", "list the plugins of a folder, with what cannot be used and why", pluginList},
		{"inspect", "FILE.wasm | FOLDER", "show what a plugin reads, makes and asks for", pluginInspect},
		{"pack", "FILE.wasm MANIFEST.json [-o FILE]", "put a manifest into a module", pluginPack},
		{"lock", "[--check] [--plugins DIR] [--lock FILE]", "pin the plugins of a folder by their digests", pluginLock},
	})
}

// pluginShown is what --json tells of a plugin.
type pluginShown struct {
	host.PluginFile
	Kind string `json:"kind,omitempty"`
	ABI  string `json:"abi,omitempty"`
	Doc  string `json:"doc,omitempty"`
	// Grants are what it may do beside computing, Asks the limits of its manifest.
	Grants   []string       `json:"grants,omitempty"`
	Asks     map[string]any `json:"limits,omitempty"`
	Error    string         `json:"error,omitempty"`
	Manifest map[string]any `json:"manifest,omitempty"`
}

func shown(p host.PluginFile) pluginShown {
	s := pluginShown{PluginFile: p}
	switch {
	case p.Err != nil:
		s.Error = p.Err.Error()
	case p.Manifest != nil:
		s.Kind, s.ABI, s.Doc = string(p.Manifest.Kind), p.Manifest.ABI.String(), p.Manifest.Doc
		s.Grants = grants(p)
		if asks := asked(p.Manifest.Limits); len(asks) > 0 {
			s.Asks = map[string]any{}
			for _, x := range asks {
				s.Asks[x.key] = x.value
			}
		}
	}
	return s
}

// grants are what a plugin may do beside computing, as plugins.lock writes them.
func grants(p host.PluginFile) []string {
	switch {
	case p.Transport == "process":
		return []string{"process"}
	case p.Manifest.WASI:
		return []string{"wasi:preview1"}
	}
	return nil
}

// ask is a limit that a manifest sets, with its value for people.
type ask struct {
	key   string
	value any
	text  string
}

func asked(l abi.Limits) (out []ask) {
	add := func(set bool, key string, value any, text string) {
		if set {
			out = append(out, ask{key, value, key + " " + text})
		}
	}
	add(l.Memory > 0, "memory", l.Memory, ui.Bytes(l.Memory))
	add(l.OutputRatio > 0, "output_ratio", l.OutputRatio, fmt.Sprint(l.OutputRatio))
	add(l.MaxBatchRows > 0, "max_batch_rows", l.MaxBatchRows, ui.Count(int64(l.MaxBatchRows)))
	add(l.LogLines > 0, "log_lines", l.LogLines, ui.Count(int64(l.LogLines)))
	add(l.FuelBase > 0, "fuel_base", l.FuelBase, ui.Count(l.FuelBase))
	add(l.FuelPerRow > 0, "fuel_per_row", l.FuelPerRow, ui.Count(l.FuelPerRow))
	add(l.Timeout > 0, "timeout", l.Timeout.Seconds(), ui.Seconds(l.Timeout.Seconds()))
	return out
}

func pluginList(_ context.Context, c *call) error {
	f := c.flags()
	dir := f.String("plugins", "", "folder to look in, in place of plugins/")
	if _, err := c.parse(f, 0); err != nil {
		return err
	}
	dirs := host.PluginDirs(".")
	if *dir != "" {
		dirs = []string{*dir}
	}
	list := []pluginShown{}
	broken, gone := 0, 0
	found, lockErr := host.Plugins(dirs...)
	for _, p := range found {
		list = append(list, shown(p))
		switch {
		case p.Err != nil:
			broken++
		case p.Manifest == nil:
			gone++
		}
	}
	c.result, c.summary = list, fmt.Sprintf("%s, %d cannot be used", ui.Plural(int64(len(list)-broken-gone), "plugin"), broken)
	if c.json {
		return lockErr
	}
	if len(list) == 0 {
		fmt.Fprintf(c.stdout, "no plugins in %s\n", strings.Join(dirs, ", "))
		return lockErr
	}
	printPlugins(c, list)
	return lockErr
}

// printPlugins shows plugins as a table, with what the lock says if there is one.
func printPlugins(c *call, list []pluginShown) {
	headings := []string{"name", "version", "kind", "runs as", "size", "path", ""}
	locked := slices.ContainsFunc(list, func(p pluginShown) bool { return p.Lock != "" })
	if locked {
		headings = slices.Insert(headings, 4, "lock")
	}
	var rows [][]string
	for _, p := range list {
		what := p.Doc
		switch {
		case p.Error != "":
			what = "cannot be used: " + p.Error
		case p.PluginFile.Manifest == nil:
			what = "in plugins.lock, and not found"
		}
		size := ""
		if p.Path != "" {
			size = ui.Bytes(p.Size)
		}
		row := []string{p.Name, p.Version, p.Kind, p.Transport, size, p.Path, what}
		if locked {
			row = slices.Insert(row, 4, p.Lock)
		}
		rows = append(rows, row)
	}
	ui.Table(c.stdout, headings, rows)
}

// pluginInspect shows one plugin.
func pluginInspect(_ context.Context, c *call) error {
	args, err := c.parse(c.flags(), 1)
	if err != nil {
		return err
	}
	p := host.Plugin(args[0])
	if p.Err != nil {
		return p.Err
	}
	s := shown(p)
	c.result, c.summary = s, p.Name+"@"+p.Version
	if c.json {
		return nil
	}
	m := p.Manifest
	runs := ""
	if p.Transport == "process" {
		runs = ", run as a process of its own"
	}
	fmt.Fprintf(c.stdout, "%s@%s, a %s stage for plugin ABI %s%s\n%s, %s\n", m.Name, m.Version, m.Kind, m.ABI, runs, p.Digest, ui.Bytes(p.Size))
	if m.Doc != "" {
		fmt.Fprintln(c.stdout, m.Doc)
	}
	var rows [][]string
	for _, in := range m.Input {
		name := in.Name
		if in.Bind != "" {
			name = fmt.Sprintf("%s (column named by config %s)", in.Name, in.Bind)
		}
		rows = append(rows, []string{"  reads", name, in.Type, nullable(in.Nullable)})
	}
	for _, out := range m.Output.Columns {
		rows = append(rows, []string{"  makes", out.Name, out.Type, nullable(out.Nullable)})
	}
	if !m.Output.Static {
		rows = append(rows, []string{"  makes", "columns decided by its config", "", ""})
	}
	ui.Table(c.stdout, []string{"", "", "", ""}, rows)
	limits := "none of its own"
	if asks := asked(m.Limits); len(asks) > 0 {
		texts := make([]string, len(asks))
		for i, x := range asks {
			texts[i] = x.text
		}
		limits = strings.Join(texts, ", ")
	}
	may := "nothing"
	if len(s.Grants) > 0 {
		may = s.Grants[0]
	}
	if may == "process" {
		may += ": all that the user may who runs the host"
	}
	fmt.Fprintf(c.stdout, "  limits  %s\n  grants  %s\n", limits, may)
	return nil
}

func nullable(b bool) string {
	if b {
		return "may be null"
	}
	return "never null"
}

func pluginPack(_ context.Context, c *call) error {
	f := c.flags()
	out := f.String("o", "", "where to write the packed module; without it FILE.wasm is replaced")
	args, err := c.parse(f, 2)
	if err != nil {
		return err
	}
	module, err := os.ReadFile(args[0])
	if err != nil {
		return fault.Wrap(err, BadFlag, "the module cannot be read")
	}
	manifest, err := os.ReadFile(args[1])
	if err != nil {
		return fault.Wrap(err, BadFlag, "the manifest cannot be read")
	}
	m, err := abi.ParseManifest(manifest)
	if err != nil {
		return fault.New(fault.Code(abi.CodeOf(err)), "%v", err).At("%s", args[1])
	}
	packed, err := abi.Pack(module, manifest)
	if err != nil {
		return fault.New(fault.Code(abi.CodeOf(err)), "%v", err).At("%s", args[0])
	}
	to := args[0]
	if *out != "" {
		to = *out
	}
	if err := replaceFile(to, packed); err != nil {
		return fault.Wrap(err, BadFlag, "%s cannot be written", to)
	}
	p := host.Plugin(to)
	if p.Err != nil {
		return p.Err
	}
	c.result, c.summary = shown(p), fmt.Sprintf("%s: %s@%s, %s", to, m.Name, m.Version, p.Digest)
	if !c.json {
		fmt.Fprintln(c.stdout, c.summary)
	}
	return nil
}

// replaceFile writes a file so that a reader sees all of it or the old one.
func replaceFile(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".pack-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if _, err := temp.Write(data); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Chmod(0o644); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
