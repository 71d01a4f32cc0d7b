package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

func doctorVerb() verb {
	return verb{name: "doctor", usage: "[FOLDER] | --online PIPELINE.toml", short: "look for what would make a run fail on this machine", run: doctor}
}

// finding is one thing that was looked at.
type finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

func doctor(ctx context.Context, c *call) error {
	f := c.flags()
	online := f.Bool("online", false, "also ask every server that the pipeline file names")
	args, err := c.parse(f, -2)
	if err != nil {
		return err
	}
	if len(args) > 1 || *online && len(args) == 0 {
		return fault.New(BadFlag, "featurehost doctor takes: %s", c.verb.usage)
	}
	dir := "."
	var answers []finding
	if len(args) > 0 {
		dir = args[0]
	}
	if *online {
		dir = filepath.Dir(args[0])
		if answers, err = servers(ctx, c, args[0]); err != nil {
			return err
		}
	}
	list := []finding{platform(), memory(), writable("folder", dir), writable("temporary files", os.TempDir()), compileCache()}
	list = append(append(list, builtinParts(), plugins(dir)), answers...)
	bad := 0
	var rows [][]string
	for _, f := range list {
		mark := "ok"
		if !f.OK {
			mark = "PROBLEM"
			bad++
		}
		rows = append(rows, []string{mark, f.What, f.Says})
	}
	c.result, c.summary = list, fmt.Sprintf("%d of %d checks passed", len(list)-bad, len(list))
	if !c.json {
		ui.Table(c.stdout, []string{"", "", ""}, rows)
	}
	if bad > 0 {
		return failed{int(fault.System)}
	}
	return nil
}

// servers asks every server that a pipeline file names.
func servers(ctx context.Context, c *call, path string) (out []finding, err error) {
	h, err := (&target{quiet: true}).open(c, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	found, err := h.Probe(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, x := range found {
		says := x.Text
		if x.Server != "" {
			says = x.Server + ": " + says
		}
		if x.Hint != "" {
			says += "; " + x.Hint
		}
		out = append(out, finding{What: x.Part, OK: x.OK, Says: c.hide(says)})
	}
	if len(out) == 0 {
		out = append(out, finding{What: "servers", OK: true, Says: path + " names none"})
	}
	return out, nil
}

func platform() finding {
	f := finding{What: "platform", OK: true, Says: runtime.GOOS + "/" + runtime.GOARCH}
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		f.OK, f.Says = false, f.Says+": plugins are interpreted here, not compiled, and are slow"
	}
	return f
}

// memory holds the machine's memory against the default budget.
func memory() finding {
	total := memoryTotal()
	f := finding{What: "memory", OK: true, Says: ui.Bytes(total) + " in all; a run takes 2 GiB unless told otherwise"}
	switch {
	case total == 0:
		f.Says = "cannot be told on this system"
	case total < 2<<30:
		f.OK, f.Says = false, fmt.Sprintf("%s in all: give runs less with --memory", ui.Bytes(total))
	}
	return f
}

func memoryTotal() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var kib int64
	line, _, _ := strings.Cut(string(b), "\n")
	if _, err := fmt.Sscanf(line, "MemTotal: %d kB", &kib); err != nil {
		return 0
	}
	return kib << 10
}

func writable(what, dir string) finding {
	abs, err := filepath.Abs(dir)
	if err == nil {
		dir = abs
	}
	f, err := os.CreateTemp(dir, ".featurehost-doctor-*")
	if err != nil {
		return finding{What: what, Says: fmt.Sprintf("%s cannot be written: %v", dir, err)}
	}
	f.Close()
	os.Remove(f.Name())
	return finding{What: what, OK: true, Says: dir + " can be written"}
}

func compileCache() finding {
	dir, err := os.UserCacheDir()
	if err != nil {
		return finding{What: "compile cache", OK: true, Says: "no cache folder for this user: compiled plugins are kept in each pipeline's state folder"}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return finding{What: "compile cache", Says: err.Error()}
	}
	return writable("compile cache", dir)
}

func builtinParts() finding {
	have := catalog()
	var names []string
	for n := range have.Readers {
		names = append(names, "reader "+n)
	}
	for n := range have.Stages {
		names = append(names, "stage "+n)
	}
	for n := range have.Sinks {
		names = append(names, "sink "+n)
	}
	slices.Sort(names)
	return finding{What: "built in", OK: true, Says: strings.Join(names, ", ")}
}

func plugins(dir string) finding {
	dirs := host.PluginDirs(dir)
	var good, bad []string
	list, err := host.Plugins(dirs...)
	for _, p := range list {
		switch {
		case p.Err != nil:
			text := p.Err.Error()
			if !strings.Contains(text, p.Path) {
				text = p.Path + ": " + text
			}
			bad = append(bad, text)
		case p.Lock == "changed":
			bad = append(bad, p.Path+": not what plugins.lock has of it")
		case p.Lock == "not locked":
			bad = append(bad, p.Path+": not in plugins.lock")
		case p.Lock != "gone":
			good = append(good, p.Name+"@"+p.Version)
		}
	}
	if err != nil {
		bad = append(bad, err.Error())
	}
	f := finding{What: "plugins", OK: len(bad) == 0, Says: strings.Join(dirs, ", ") + ": " + strings.Join(good, ", ")}
	if len(good) == 0 {
		f.Says = "none in " + strings.Join(dirs, ", ")
	}
	if len(bad) > 0 {
		f.Says = strings.Join(bad, "; ")
	}
	return f
}
