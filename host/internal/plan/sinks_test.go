package plan_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/internal/observe"
)

// onSink gives the last sink of a pipeline stages of its own.
func onSink(names ...string) (text string) {
	for _, n := range names {
		text += "[[sink.stage]]\nuse = \"" + n + "\"\n"
	}
	return text
}

const topic = "[[sink]]\ntype = \"online\"\nstore = \"kafka\"\nbrokers = [\"b\"]\ntopic = \"t\"\n"

// withSinks is a pipeline whose sinks have stages of their own.
func withSinks(t testing.TB) (*world, string) {
	w := one(t)
	w.stages["mark"] = &behaviour{reads: []string{"x"}, adds: []string{"marked"}, makes: []string{"x"}}
	w.plugins["narrow"] = &behaviour{reads: []string{"x"}, kind: "map", drops: []string{"x"}}
	return w, head + source("r") + use("score") + tail + onSink("mark", "narrow") + "[[sink]]\nname = \"fresh\"\ntype = \"online\"\n" + onSink("mark") + topic
}

func TestBind_SinkStages_StandBehindTheFeatureTable(t *testing.T) {
	w, text := withSinks(t)
	p := mustBind(t, w, text)
	var got []string
	for _, s := range p.Sinks {
		line := s.Path + " " + s.Config.Name + " " + strings.Join(namesOf(s.Output), ",")
		if s.Newest {
			line += " newest"
		}
		for _, step := range s.Steps {
			if step.Kind != observe.KindStage {
				t.Errorf("%s is a %s", step.Name, step.Kind)
			}
			line += "; " + step.Path + " " + step.Name
		}
		if s.Latest != nil {
			line += "; " + s.Latest.Name
		}
		got = append(got, line)
	}
	want := []string{
		"sink[0] historical id,ts,marked; sink[0].stage[0] historical: mark; sink[0].stage[1] historical: narrow",
		"sink[1] fresh id,ts,x,marked newest; sink[1].stage[0] fresh: mark; fresh: latest",
		"sink[2] kafka id,ts,x",
	}
	if !slices.Equal(got, want) {
		t.Errorf("sinks\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !slices.Equal(namesOf(p.Output), []string{"id", "ts", "x"}) {
		t.Errorf("the feature table has %v", namesOf(p.Output))
	}
	if got := p.Plugins(); !reflect.DeepEqual(got, map[string]string{"narrow@1.0": "sha256:narrow"}) {
		t.Errorf("plugins %v", got)
	}
	if err := p.Close(); err != nil || len(w.open()) > 0 {
		t.Errorf("left open: %v (%v)", w.open(), err)
	}
}

// Whatever does not fit is told at its place, and nothing stays open.
func TestBind_SinkStagesThatDoNotFit_ToldAtTheirPlace(t *testing.T) {
	for name, c := range map[string]struct {
		stages string
		edit   func(*world)
		want   []string
	}{
		"keyed":       {onSink("keyed"), func(w *world) { w.stages["keyed"] = &behaviour{keyed: true} }, []string{`use = "keyed": FH-0114 "keyed" looks at several rows at once, and a stage of a sink sees one at a time`}},
		"surveys":     {onSink("seer"), func(w *world) { w.stages["seer"] = &behaviour{keyed: true, survey: []string{"x"}} }, []string{`use = "seer": FH-0114 "seer" looks at several rows at once, and a stage of a sink sees one at a time`}},
		"drops key":   {onSink("drop"), func(w *world) { w.stages["drop"] = &behaviour{drops: []string{"id"}} }, []string{`[[sink.stage]]: FH-0115 the stage does not hand on "id"`}},
		"changes key": {onSink("make"), func(w *world) { w.stages["make"] = &behaviour{makes: []string{"id"}} }, []string{`[[sink.stage]]: FH-0115 the stage changes "id"`}},
		"unknown":     {onSink("nobody", "noone"), func(*world) {}, []string{`use = "nobody": FH-1001 no plugin "nobody"`, `use = "noone": FH-1001 no plugin "noone"`}},
		"two sinks": {onSink("strange") + topic + onSink("strange"), func(w *world) { w.stages["strange"] = &behaviour{reads: []string{"gone"}} }, []string{
			`[[sink.stage]]: FH-0201 strange: no column "gone"`, `[[sink.stage]]: FH-0201 strange: no column "gone"`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := one(t)
			c.edit(w)
			text := head + source("r") + tail + c.stages
			_, err := w.bind(text)
			if got := problems(t, text, err); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if left := w.open(); len(left) > 0 {
				t.Errorf("left open: %v", left)
			}
		})
	}
}
