package plan

import (
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
)

// Readers are asked for the interval and what the features look back on; for
// everything before it until that is known, and where it is told to.
// Rules: S-509, S-512.
func TestReadInterval_LookBack_WidensTheStart(t *testing.T) {
	const day = flow.MicrosPerDay
	for name, c := range map[string]struct {
		start, end string
		look       *flow.LookBack
		whole      bool
		want       string
	}{
		"not known yet":  {"2024-01-10", "2024-01-11", nil, false, "up to 2024-01-11"},
		"everything":     {"2024-01-10", "2024-01-11", &flow.LookBack{All: true}, false, "up to 2024-01-11"},
		"two days":       {"2024-01-10", "2024-01-11", &flow.LookBack{Micros: 2 * day}, false, "2024-01-08..2024-01-11"},
		"and a bit":      {"2024-01-10", "2024-01-11", &flow.LookBack{Micros: 2*day + 1}, false, "2024-01-07..2024-01-11"},
		"nothing":        {"2024-01-10", "2024-01-10", &flow.LookBack{}, false, "2024-01-10"},
		"told to":        {"2024-01-10", "2024-01-11", &flow.LookBack{Micros: day}, true, "up to 2024-01-11"},
		"a full run":     {"", "2024-01-11", &flow.LookBack{Micros: day}, false, "up to 2024-01-11"},
		"without an end": {"2024-01-10", "", &flow.LookBack{Micros: day}, false, "from 2024-01-09"},
	} {
		i, err := flow.ParseInterval(c.start, c.end)
		if err != nil {
			t.Fatal(err)
		}
		b := &binder{interval: i, lookBack: c.look, parts: Parts{Whole: c.whole}}
		if got := b.readInterval().String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Rows are left unread only by a reader that knows their days.
func TestPartial_Readers_NeedsAStrategy(t *testing.T) {
	start := flow.Day(3)
	with, without := &Source{Config: config.Reader{Incremental: &config.Incremental{Column: "ts"}}}, &Source{}
	for _, c := range []struct {
		start   *flow.Day
		sources []*Source
		want    bool
	}{
		{&start, []*Source{with}, true},
		{&start, []*Source{without, with}, true},
		{&start, []*Source{without}, false},
		{nil, []*Source{with}, false},
	} {
		p := &Plan{Read: flow.Interval{Start: c.start}, Sources: c.sources}
		if got := p.Partial(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
