package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

func getVerb() verb {
	return verb{name: "get", usage: "PIPELINE.toml KEY... [--sink NAME]", short: "read online vectors; KEY is N14228, or id=1,region=sp", run: get}
}

// vector is one answer of get.
type vector struct {
	Key    string         `json:"key"`
	Found  bool           `json:"found"`
	Vector map[string]any `json:"vector,omitempty"`
}

func get(ctx context.Context, c *call) (err error) {
	f := c.flags()
	sink := f.String("sink", "", "name of the online sink to read; default: the first that can be read")
	args, err := c.parse(f, -1)
	if err != nil {
		return err
	}
	if len(args) < 2 {
		return fault.New(BadFlag, "featurehost get takes: %s", c.verb.usage)
	}
	file, err := config.Load(args[0], os.LookupEnv)
	if err != nil {
		return err
	}
	c.redact = file.Redact
	store, err := openVectors(file, *sink)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var out []vector
	missing := 0
	for _, arg := range args[1:] {
		keys, err := parseKey(file, arg)
		if err != nil {
			return err
		}
		v, ok, err := store.Get(ctx, file.FeatureSet.Entity, file.FeatureSet.Name, keys)
		if err != nil {
			return err
		}
		answer := vector{Key: arg, Found: ok}
		if ok {
			answer.Vector = named(v)
		} else {
			missing++
		}
		out = append(out, answer)
		if !c.json {
			printVector(c, arg, v, ok)
		}
	}
	c.result, c.summary = out, fmt.Sprintf("%d of %d vectors found", len(out)-missing, len(out))
	if missing > 0 {
		return failed{int(fault.Data)}
	}
	return nil
}

// openVectors opens the store of one online sink for reading.
func openVectors(file *config.File, name string) (flow.Vectors, error) {
	state := file.Pipeline.State
	if !filepath.IsAbs(state) {
		state = filepath.Join(file.Dir, state)
	}
	s, err := sinkToRead(file, name)
	if err != nil {
		return nil, err
	}
	return catalog().Vectors[s.Type](s, parts.Place{Dir: file.Dir, State: state})
}

// sinkToRead chooses the sink of a name, or the first that can be read.
func sinkToRead(file *config.File, name string) (config.Sink, error) {
	have := catalog()
	var all, names []string
	for _, s := range file.Sinks {
		_, can := have.Vectors[s.Type]
		can = can && s.Store != "kafka"
		switch {
		case can && (name == "" || name == s.Name):
			return s, nil
		case name == s.Name:
			return s, fault.New(UnreadableSink, "no vector can be read from the sink %q of %s", name, file.Path).
				WithHint("get reads online stores that keep rows by key: local and cassandra")
		case can:
			names = append(names, s.Name)
		}
		all = append(all, s.Name)
	}
	if name == "" {
		return config.Sink{}, fault.New(BadFlag, "%s has no online sink to read from", file.Path).WithHint(`add [[sink]] type = "online"`)
	}
	e := fault.New(UnknownSink, "%s has no sink %q; its sinks are %s", file.Path, name, strings.Join(all, ", "))
	if near := fault.Suggest(name, names); near != "" {
		return config.Sink{}, e.WithHint("did you mean %q?", near)
	}
	return config.Sink{}, e
}

// parseKey reads "N14228" for a single key column, or "id=1,region=sp".
func parseKey(file *config.File, arg string) (map[string]string, error) {
	names := make([]string, len(file.FeatureSet.Keys))
	for i, k := range file.FeatureSet.Keys {
		names[i] = k.Name
	}
	if len(names) == 1 && !strings.HasPrefix(arg, names[0]+"=") {
		return map[string]string{names[0]: arg}, nil
	}
	out := map[string]string{}
	for _, part := range strings.Split(arg, ",") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fault.New(BadFlag, "key %q: write %s=VALUE", arg, strings.Join(names, "=VALUE,"))
		}
		out[name] = value
	}
	for _, n := range names {
		if _, ok := out[n]; !ok {
			return nil, fault.New(BadFlag, "key %q lacks %q: write %s=VALUE", arg, n, strings.Join(names, "=VALUE,"))
		}
	}
	if len(out) != len(names) {
		return nil, fault.New(BadFlag, "key %q has a part that is no key column: the keys are %s", arg, strings.Join(names, ", "))
	}
	return out, nil
}

func named(v flow.Vector) map[string]any {
	out := make(map[string]any, len(v.Columns))
	for i, c := range v.Columns {
		out[c] = jsonNumber(v.Values[i])
	}
	return out
}

// jsonNumber turns what JSON has no number for into text.
func jsonNumber(v any) any {
	if f, ok := v.(float64); ok {
		if _, err := json.Marshal(f); err != nil {
			return fmt.Sprint(f)
		}
	}
	return v
}

func printVector(c *call, key string, v flow.Vector, ok bool) {
	if !ok {
		fmt.Fprintf(c.stdout, "%s: not found\n", key)
		return
	}
	rows := make([][]string, len(v.Columns))
	for i, name := range v.Columns {
		text := "null"
		if v.Values[i] != nil {
			text = fmt.Sprint(v.Values[i])
		}
		rows[i] = []string{name, text}
	}
	ui.Table(c.stdout, []string{"", ""}, rows)
}
