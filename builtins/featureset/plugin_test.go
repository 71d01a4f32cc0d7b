package featureset

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func quotient(name, over, under string) config.Feature {
	return config.Feature{Name: name, Use: "ratio", Config: map[string]any{"over": over, "under": under, "into": name}}
}

// A plugin sees the columns made so far and makes one more: what it reads is
// carried, also behind windows, and nothing else.
// Rules: S-404, S-603, S-608.
func TestPlugin_Feature(t *testing.T) {
	rows := hosttest.Record(t, "unused binary, id bigint, ts timestamp, a double, b double",
		"AA== | 1 | 2020-01-01 | 6 | 2", "AA== | 1 | 2020-01-02 | 1 | 0", "AA== | 1 | 2020-01-03 | 9 | 3", "AA== | 2 | 2020-01-01 | null | 2")
	const sum = "q__sum_over_2_rows_row_windows"
	q := quotient("q", "a", "b")
	q.Type = "integer"
	cfg := plainSet("", q, over("q", "q", twoRows(), "sum"), config.Feature{Name: "half", From: sum, Type: "double"}, quotient("r", "half", "b"))
	cfg.DeduplicateRows = false
	for _, size := range sizes {
		for _, forks := range []int{0, 3} {
			b := bench{cfg: cfg, batch: size, forks: forks, plugin: fakePlugins(t, nil)}
			table(t, b.run(t, rows), `
				1 | 2020-01-01 | 3 | 3 | 3 | 1.5
				1 | 2020-01-02 | null | 3 | 3 | null
				1 | 2020-01-03 | 3 | 3 | 3 | 1
				2 | 2020-01-01 | null | null | null | null`)
			if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, q integer, q__sum_over_2_rows_row_windows bigint, half double, r double" {
				t.Error(got)
			}
		}
	}
	// The original leaves the plugin's type as it is.
	cfg = plainSet("butterfree", q)
	b := bench{cfg: cfg, plugin: fakePlugins(t, nil)}
	b.run(t, rows)
	if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, q double" {
		t.Error(got)
	}
	env, _, _ := hosttest.Env(t)
	env.Plugin = fakePlugins(t, nil)
	set, err := New(plainSet("", q), flow.Interval{}, env)
	if err != nil {
		t.Fatal(err)
	}
	sel := set.Steps()[0].(*Select)
	defer sel.Close()
	if _, err := sel.Open(context.Background(), rows.Schema()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sel.Reads(), " "); got != "a b id ts" {
		t.Errorf("reads %s", got)
	}
}

// Other columns that a plugin makes are not visible; nor is it told of rows
// that were turned down.
// Rule: S-608.
func TestPlugin_OtherColumns_NotVisible(t *testing.T) {
	f := quotient("q", "a", "b")
	f.Name = "a" // the plugin hands its input on
	cfg := plainSet("", f, config.Feature{Name: "q"})
	env, _, _ := hosttest.Env(t)
	env.Plugin = fakePlugins(t, nil)
	set, err := New(cfg, flow.Interval{}, env)
	if err != nil {
		t.Fatal(err)
	}
	_, err = set.Steps()[0].Open(context.Background(), hosttest.Record(t, "id bigint, ts timestamp, a double, b double").Schema())
	refused(t, err, UnknownColumn, "feature_set.feature[1].name", `unknown column "q"`)
}

// Rule: S-608.
func TestPlugin_Refused(t *testing.T) {
	var open atomic.Int64
	const columns = "id bigint, ts timestamp, a double, b double, s string"
	try := func(f config.Feature, plugins bool) error {
		env, _, _ := hosttest.Env(t)
		if plugins {
			env.Plugin = fakePlugins(t, &open)
		}
		set, err := New(plainSet("", config.Feature{Name: "s"}, f), flow.Interval{}, env)
		if err != nil {
			return err
		}
		sel := set.Steps()[0]
		_, err = sel.Open(context.Background(), hosttest.Record(t, columns).Schema())
		return errors.Join(err, sel.Close())
	}
	named := quotient("q", "a", "b")
	named.Name = "p"
	other := func(use string) config.Feature { f := quotient("q", "a", "b"); f.Use = use; return f }
	const place = "feature_set.feature[1].use"
	refused(t, try(quotient("q", "a", "b"), false), BadPlugin, place, "there are no plugins here")
	refused(t, try(named, true), BadPlugin, "feature_set.feature[1].name", "name the feature after a column that it makes: q")
	refused(t, try(other("keyed"), true), BadPlugin, place, "kind map")
	refused(t, try(other("wibble"), true), 201, place, "wibble")
	refused(t, try(quotient("q", "a", "c"), true), 1010, place, `no column "c"`)
	typed := quotient("q", "a", "b")
	typed.Type = "date"
	refused(t, try(typed, true), BadCast, "feature_set.feature[1].type", "double cannot become date")
	if n := open.Load(); n != 0 {
		t.Errorf("%d plugins were left open", n)
	}
}

// A plugin that leaves rows out is no feature.
// Rule: S-608.
func TestPlugin_FewerRows_Error(t *testing.T) {
	f := quotient("q", "a", "b")
	f.Use = "fewer"
	b := bench{cfg: plainSet("", f), plugin: fakePlugins(t, nil)}
	_, err := b.try(t, hosttest.Record(t, "id bigint, ts timestamp, a double, b double", "1 | 2020-01-01 | 1 | 1", "1 | 2020-01-02 | 1 | 1", "1 | 2020-01-03 | 1 | 1"), false)
	if !fault.Is(err, PluginRows) || !strings.Contains(err.Error(), `plugin "fewer" gave 1 rows for 3`) || fault.ClassOf(err) != fault.Data {
		t.Errorf("got %v", err)
	}
}
