package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/pipelinetest"
)

func testVerb() verb {
	return verb{name: "test", usage: "PATH... [--update]", short: "run pipeline tests: *_test.toml files, or folders of them", run: runTests}
}

func runTests(ctx context.Context, c *call) error {
	var update bool
	var plugins string
	f := c.flags()
	f.BoolVar(&update, "update", false, "rewrite expected rows with what came out")
	f.StringVar(&plugins, "plugins", "", "folder of plugins, in place of plugins/ beside the pipeline file")
	args, err := c.parse(f, -1)
	if err != nil {
		return err
	}
	paths, err := pipelinetest.Find(args)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fault.New(BadFlag, "no *_test.toml under %s", strings.Join(args, ", "))
	}
	o := pipelinetest.Options{Update: update, Host: host.Options{Catalog: catalog(), Version: version, Log: slog.New(slog.DiscardHandler)}}
	if plugins != "" {
		o.Host.PluginDirs = []string{plugins}
	}
	var out []pipelinetest.Verdict
	failures := 0
	for _, p := range paths {
		v, err := pipelinetest.Run(ctx, p, o)
		if err != nil {
			return err
		}
		out = append(out, v)
		if !v.Passed {
			failures++
		}
		if !c.json {
			printVerdict(c, v)
		}
	}
	c.result, c.summary = out, fmt.Sprintf("%d passed, %d failed", len(out)-failures, failures)
	if !c.json {
		fmt.Fprintln(c.stdout, c.summary)
	}
	if failures > 0 {
		return failed{int(fault.Data)}
	}
	return nil
}

func printVerdict(c *call, v pipelinetest.Verdict) {
	word := "ok    "
	switch {
	case v.Updated:
		word = "UPDATE"
	case !v.Passed:
		word = "FAIL  "
	}
	fmt.Fprintf(c.stdout, "%s %s (%d rows, %.2fs)\n", word, v.Path, v.Rows, v.Seconds)
	if !v.Passed {
		fmt.Fprintln(c.stdout, "    "+strings.ReplaceAll(strings.TrimRight(v.Diff, "\n"), "\n", "\n    "))
	}
}
