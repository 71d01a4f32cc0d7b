package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release this tree leads to.
const version = "0.1.0-dev"

func versionVerb() verb {
	return verb{name: "version", short: "version of this build and of what it is built on", run: printVersion}
}

type versions struct {
	Featurehost string            `json:"featurehost"`
	Go          string            `json:"go"`
	Platform    string            `json:"platform"`
	ABI         string            `json:"abi"`
	Modules     map[string]string `json:"modules"`
}

func printVersion(_ context.Context, c *call) error {
	if _, err := c.parse(c.flags(), 0); err != nil {
		return err
	}
	v := versions{Featurehost: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, ABI: "1.0", Modules: map[string]string{}}
	shown := []string{"github.com/apache/arrow-go/v18", "github.com/duckdb/duckdb-go/v2", "github.com/tetratelabs/wazero", "github.com/mattn/go-sqlite3"}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			for _, s := range shown {
				if m.Path == s {
					v.Modules[s] = m.Version
				}
			}
		}
	}
	c.result, c.summary = v, "featurehost "+version
	if c.json {
		return nil
	}
	fmt.Fprintf(c.stdout, "featurehost %s, plugin ABI %s, %s %s\n", v.Featurehost, v.ABI, v.Go, v.Platform)
	for _, s := range shown {
		fmt.Fprintf(c.stdout, "  %s %s\n", s, v.Modules[s])
	}
	return nil
}
