package featureset

import (
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// Rules: S-512, S-802, S-803.
func TestSet_LookBack(t *testing.T) {
	const day = flow.MicrosPerDay
	all, bounded := flow.LookBack{All: true}, func(us int64) flow.LookBack { return flow.LookBack{Micros: us} }
	week, year := config.TimeSpan{N: 1, Unit: "week", Micros: 7 * day}, config.TimeSpan{N: 1, Unit: "year"}
	windowed := func(name, from string, w config.FeatureWindow) config.Feature {
		return config.Feature{Name: name, From: from, Function: functions("sum"), Window: &w}
	}
	fixed := func(name, from string, spans ...config.TimeSpan) config.Feature {
		return windowed(name, from, config.FeatureWindow{Fixed: spans})
	}
	aggregate := config.Feature{Name: "v", Aggregate: functions("sum")}
	windows := func(change func(*config.Windows)) *config.Windows {
		w := rolling(span(1, "day"), span(3, "days"), span(7, "days"))
		change(w)
		return w
	}
	as := func(*config.Windows) {}
	for _, c := range []struct {
		name, semantics string
		keep            bool // duplicates
		windows         *config.Windows
		features        []config.Feature
		want            flow.LookBack
	}{
		{"plain, duplicates dropped", "", false, nil, []config.Feature{{Name: "v"}}, all},
		{"plain", "", true, nil, []config.Feature{{Name: "v"}}, bounded(0)},
		{"the longest span", "", true, nil, []config.Feature{fixed("a", "v", span(2, "days"), week), fixed("b", "v", span(1, "hour"))}, bounded(7 * day)},
		{"a year", "", true, nil, []config.Feature{fixed("a", "v", year)}, bounded(12 * 31 * day)},
		{"the original's year", "butterfree", true, nil, []config.Feature{fixed("a", "v", year)}, bounded(336*day + 1_000_000)},
		{"the original", "butterfree", true, nil, []config.Feature{fixed("a", "v", week)}, bounded(7*day + 1_000_000)},
		{"windows of windows", "", true, nil, []config.Feature{fixed("a", "v", week), fixed("b", "a__sum_over_1_week_fixed_windows", span(2, "days"))}, bounded(9 * day)},
		{"windows of windows by an expression", "", true, nil, []config.Feature{fixed("a", "v", week), {Name: "q", SQL: "1 + A__sum_over_1_week_fixed_windows"}, fixed("b", "q", span(2, "days"))}, bounded(9 * day)},
		{"rows", "", true, nil, []config.Feature{windowed("a", "v", config.FeatureWindow{Rows: []config.RowSpan{{N: 2, Unit: "rows"}}})}, all},
		{"another order", "", true, nil, []config.Feature{windowed("a", "v", config.FeatureWindow{Fixed: []config.TimeSpan{week}, OrderBy: "n"})}, all},
		{"the source of the timestamp", "", true, nil, []config.Feature{windowed("a", "v", config.FeatureWindow{Fixed: []config.TimeSpan{week}, OrderBy: "ts"})}, bounded(7 * day)},
		{"another partition", "", true, nil, []config.Feature{windowed("a", "v", config.FeatureWindow{Fixed: []config.TimeSpan{week}, PartitionBy: []string{"n"}, OrderBy: "timestamp"})}, bounded(7 * day)},
		{"groups, duplicates dropped", "", false, nil, []config.Feature{aggregate}, all},
		{"groups", "", true, nil, []config.Feature{aggregate}, bounded(0)},
		{"the original's groups", "butterfree", false, nil, []config.Feature{aggregate}, bounded(0)},
		{"rolling", "", false, windows(as), []config.Feature{aggregate}, bounded(8 * day)},
		{"rolling, every label", "", true, windows(as), []config.Feature{aggregate}, all},
		{"rolling, with data", "", false, windows(func(w *config.Windows) { w.Rows = "with_data" }), []config.Feature{aggregate}, all},
		{"rolling, with data, every label", "", true, windows(func(w *config.Windows) { w.Rows = "with_data" }), []config.Feature{aggregate}, bounded(8 * day)},
		{"rolling months", "", false, windows(func(w *config.Windows) { w.Rolling[0] = config.TimeSpan{N: 2, Unit: "months"} }), []config.Feature{aggregate}, bounded(63 * day)},
		{"rolling in a zone", "", false, windows(func(w *config.Windows) { w.Zone = "America/Sao_Paulo" }), []config.Feature{aggregate}, bounded(10 * day)},
		{"the original's windows", "butterfree", false, windows(as), []config.Feature{aggregate}, bounded(8 * day)},
		{"the original's windows of hours", "butterfree", true, windows(func(w *config.Windows) { w.Rolling, w.Slide = []config.TimeSpan{span(36, "hours")}, span(1, "hour") }), []config.Feature{aggregate}, bounded(2 * day)},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := plainSet(c.semantics, c.features...)
			cfg.DeduplicateRows, cfg.Windows = !c.keep, c.windows
			env, _, _ := hosttest.Env(t)
			set, err := New(cfg, flow.Interval{}, env)
			if err != nil {
				t.Fatal(err)
			}
			if got := set.LookBack(); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
