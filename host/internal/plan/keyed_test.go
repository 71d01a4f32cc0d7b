package plan_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// prepared is a [[reader]] with prepare steps; settings stand before them.
func prepared(name, settings string, uses ...string) string {
	text := source(name) + settings
	for _, u := range uses {
		text += "[[reader.prepare]]\nuse = \"" + u + "\"\n"
	}
	return text
}

const byTS = "incremental = { column = \"ts\" }\n"

// keyedWorld knows fill, which hands on every row, and fold, which does not.
func keyedWorld(t testing.TB) *world {
	w := one(t)
	maps.Copy(w.stages, map[string]*behaviour{
		"fill":  {keyed: true, reads: []string{"a"}},
		"fold":  {keyed: true, folds: true, reads: []string{"id", "ts", "x"}},
		"scout": {keyed: true, folds: true, survey: []string{"a"}, reads: []string{"id", "ts", "x", "a"}, drops: []string{"b"}},
	})
	return w
}

// Rule: S-303.
func TestBind_KeyedStep_ReadsAllColumnsOfItsRowsUnlessItFolds(t *testing.T) {
	for use, want := range map[string][]string{
		"fill": {"id", "ts", "x", "a", "b", "unread"}, // the order of its rows is over all of them
		"fold": {"id", "ts", "x"},
	} {
		w := keyedWorld(t)
		p := mustBind(t, w, head+prepared("r", "", use)+tail)
		if got := p.Sources[0].Request.Columns; !slices.Equal(got, want) {
			t.Errorf("%s: asks for %v", use, got)
		}
		step := p.Sources[0].Prepare[0]
		if kind := map[string]string{"fill": observe.KindStage, "fold": observe.KindFold}[use]; step.Kind != kind || step.Keyed() == nil {
			t.Errorf("%s is a %s, keyed %t", use, step.Kind, step.Keyed() != nil)
		}
	}
}

// Rule: S-501.
func TestBind_Incremental_AfterStepsThatAreNotRowWise(t *testing.T) {
	explode := "[[reader.prepare]]\nuse = \"explode_json\"\ncolumn = \"unread\"\nschema = { ts = \"timestamp\" }\n"
	replace := "[[reader.prepare]]\nuse = \"replace\"\ncolumn = \"ts\"\nvalues = { a = \"b\" }\n"
	for name, c := range map[string]struct {
		text string
		late bool
	}{
		"no steps":       {prepared("r", byTS), false},
		"row-wise steps": {prepared("r", byTS, "score", "filled") + "[[reader.prepare]]\nuse = \"filter\"\nwhere = \"a > 1\"\n", false},
		// Not seen over all columns, and so neither when nobody reads it.
		"a step shadows it in silence":    {prepared("r", "incremental = { column = \"b\", unit = \"s\" }\n", "shadow"), false},
		"a keyed step":                    {prepared("r", byTS, "score", "fill"), true},
		"one that folds":                  {prepared("r", byTS, "fold"), true},
		"a step for one worker":           {prepared("r", byTS, "lonely"), true},
		"a plugin makes the column":       {prepared("r", byTS, "timer"), true},
		"a step adds the column":          {prepared("r", "incremental = { column = \"day\", unit = \"ms\" }\n", "dated"), true},
		"the column is exploded":          {prepared("r", byTS) + explode, true},
		"the column is replaced":          {prepared("r", byTS) + replace, true},
		"no strategy, behind a keyed one": {prepared("r", "", "fill"), true},
	} {
		for _, joined := range []bool{false, true} {
			w := keyedWorld(t)
			maps.Copy(w.stages, map[string]*behaviour{
				"filled": {reads: []string{"b"}, makes: []string{"b"}}, "dated": {adds: []string{"day"}}, "shadow": {adds: []string{"b"}},
				"explode_json": {}, "replace": {}, "lonely": {lonely: true},
			})
			w.plugins["timer"] = &behaviour{kind: "map", makes: []string{"ts"}}
			text := head + c.text + tail
			if joined {
				w.query, w.bare = "id bigint, ts timestamp, x bigint", map[string]bool{"r.parquet": true}
				text = head + c.text + "[query]\nsql = \"SELECT 1\"\n" + tail
			}
			p := mustBind(t, w, text)
			s := p.Sources[0]
			last := "none"
			if n := len(s.Prepare); n > 0 {
				last = s.Prepare[n-1].Name + " " + s.Prepare[n-1].Kind + " " + s.Prepare[n-1].Path
			}
			filtered := strings.HasPrefix(last, "r: interval filter reader[0].incremental")
			if whole := s.Request.Interval == (flow.Interval{}); whole != c.late {
				t.Errorf("%s: the reader is asked for %s", name, s.Request.Interval)
			}
			if filtered != (c.late && s.Config.Incremental != nil) {
				t.Errorf("%s: the last step is %s", name, last)
			}
			// The reader must not look for a column that it may not have.
			strategies := w.strategies["r"]
			if got := strategies[len(strategies)-1]; got != (s.Config.Incremental != nil && !c.late) {
				t.Errorf("%s: the reader was given the strategy: %t", name, got)
			}
			if !joined && !s.Output.HasField("ts") {
				t.Errorf("%s: the column that tells the day is not read: %v", name, namesOf(s.Output))
			}
			if err := p.Close(); err != nil || len(w.open()) > 0 {
				t.Errorf("left open: %v (%v)", w.open(), err)
			}
		}
	}
}

// Rules: S-501, S-508.
func TestBind_IncrementalMissingAfterSteps_ToldAtTheKey(t *testing.T) {
	w := keyedWorld(t)
	w.stages["fold"].drops = []string{"b"}
	for line, want := range map[string]string{
		`incremental = { column = "b", unit = "s" }`:            `incremental column "b" is not among the columns that the prepare steps give: id, ts, x, a, unread`,
		`incremental = { column = "x", mask = "%Y" }`:           `incremental column "x" is of type bigint: say what it counts: unit = "s", "ms" or "us"`,
		`incremental = { partitions = ["year", "month", "d"] }`: `incremental column "year" is not among the columns that the prepare steps give: id, ts, x, a, unread`,
		`incremental = { partitions = ["id", "x", "ts"] }`:      `incremental partition "ts" is of type timestamp: a whole number or a text is needed`,
	} {
		text := head + prepared("r", line+"\n", "fold") + tail
		_, err := w.bind(text)
		if got := problems(t, text, err); !slices.Equal(got, []string{line + ": FH-0222 " + want}) {
			t.Errorf("%s: got %q", line, got)
		}
	}
}

func TestBind_Surveyor_ReadsOnceWhatReachesIt(t *testing.T) {
	filterStage := "[[stage]]\nuse = \"filter\"\nwhere = \"x > 1\"\n"
	for name, c := range map[string]struct {
		text    string
		surveys []string
		output  []string // columns of the rows that the set gets
	}{
		"prepare": {
			head + prepared("r", byTS, "score", "scout", "score2") + tail,
			[]string{"r [a b] of all days, score"},
			[]string{"id", "ts", "x", "a", "y", "seen1", "seen2", "z"},
		},
		"stage": {
			head + source("r", "b > 1") + filterStage + use("scout") + tail,
			[]string{"r [x a b] of up to 1970-01-21, filter; filter#2"},
			[]string{"id", "ts", "x", "a", "seen1", "seen2"},
		},
		"behind another, which recalls": {
			head + prepared("r", "", "scout") + use("scout2") + tail,
			[]string{"r [a] of all days", "r [id ts x a] of all days, scout"},
			[]string{"id", "ts", "x", "a", "seen1", "seen2", "seen1", "seen2"},
		},
		"behind a query": {
			head + source("r", "a > 1") + prepared("d", "", "scout3") + "[query]\nsql = \"SELECT 1\"\n" + use("scout") + tail,
			[]string{"d [k] of all days", "r [id ts x a b unread] of up to 1970-01-21; d [k v] of all days, scout3; query [a]"},
			[]string{"id", "ts", "x", "a", "seen1", "seen2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := keyedWorld(t)
			w.stages["score2"] = &behaviour{reads: []string{"seen1"}, adds: []string{"z"}}
			w.stages["scout2"] = &behaviour{keyed: true, folds: true, survey: []string{"seen1"}, reads: []string{"id", "ts", "x", "a", "seen1"}}
			w.stages["scout3"] = &behaviour{keyed: true, folds: true, survey: []string{"k"}, reads: []string{"k", "v"}}
			w.sources["d.parquet"] = "k bigint, v bigint"
			w.query = "id bigint, ts timestamp, x bigint, a bigint, b bigint"
			p := mustBind(t, w, c.text)
			if !slices.Equal(w.surveys, c.surveys) {
				t.Errorf("read for surveys: %q", w.surveys)
			}
			if got := namesOf(p.Before[0].In); !slices.Equal(got, c.output) {
				t.Errorf("the set gets %v", got)
			}
			if err := p.Close(); err != nil || len(w.open()) > 0 {
				t.Errorf("left open: %v (%v)", w.open(), err)
			}
		})
	}
}

// What a survey finds wrong is told at the step; what the system cannot do ends
// the binding. Either way nothing stays open.
func TestBind_SurveyFails_ToldAtTheStep(t *testing.T) {
	text := head + prepared("r", "", "score", "scout") + tail
	for _, what := range []string{"learn scout", "rows"} {
		w := keyedWorld(t)
		w.step = func(at string) error {
			if at == what {
				return fault.New(7027, "too many values").At("values")
			}
			return nil
		}
		_, err := w.bind(text)
		if got := problems(t, text, err); !slices.Equal(got, []string{`[[reader.prepare]]: FH-7027 too many values`}) {
			t.Errorf("%s: got %q", what, got)
		}
		if len(w.open()) > 0 {
			t.Errorf("left open: %v", w.open())
		}
	}
	for at := 1; ; at++ {
		w := keyedWorld(t)
		boom, n := errors.New("boom"), 0
		w.step = func(string) error {
			if n++; n == at {
				return boom
			}
			return nil
		}
		p, err := w.bind(text)
		if n < at {
			if err != nil || p.Close() != nil || at < 30 {
				t.Errorf("after %d steps: %v", at, err)
			}
			break
		}
		if !errors.Is(err, boom) || len(w.open()) > 0 {
			t.Errorf("step %d: %v, left open: %v", at, err, w.open())
		}
	}
}

// A step whose column is not there is not surveyed: its Open says what is
// missing.
func TestBind_SurveyOfMissingColumn_OpenTells(t *testing.T) {
	w := keyedWorld(t)
	w.stages["scout"].survey, w.stages["scout"].reads = []string{"gone"}, []string{"gone"}
	text := head + prepared("r", "", "scout") + tail
	_, err := w.bind(text)
	if got := problems(t, text, err); !slices.Equal(got, []string{`[[reader.prepare]]: FH-0201 scout: no column "gone"`}) || len(w.surveys) > 0 {
		t.Errorf("%q, surveys %q", got, w.surveys)
	}
}

// Rule: S-608.
func TestBind_PluginsOfFeatures_NotedAndKnown(t *testing.T) {
	feature := func(name, use string) string {
		return "[[feature_set.feature]]\nname = \"" + name + "\"\nuse = \"" + use + "\"\n"
	}
	with := func(features string) string {
		return head + source("r") + use("score", "wise") + strings.Replace(tail, "[[sink]]", features+"[[sink]]", 1)
	}
	w := one(t)
	p := mustBind(t, w, with(feature("p", "wise")+feature("q", "wise")+feature("s", "strict")))
	if want := map[string]string{"wise@1.0": "sha256:wise", "strict@1.0": "sha256:strict"}; !maps.Equal(p.Plugins(), want) || len(p.Lent) != 2 {
		t.Errorf("plugins %v, lent %v", p.Plugins(), p.Lent)
	}
	if want := []string{"wise", "wise#2", "wise#3", "strict"}; !slices.Equal(w.named[4:], want) {
		t.Errorf("stages are named %q", w.named)
	}
	text := with(feature("p", "nobody") + feature("q", "wise") + feature("s", "noone"))
	_, err := one(t).bind(text)
	if got := problems(t, text, err); !slices.Equal(got, []string{`use = "nobody": FH-1001 no plugin "nobody"`, `use = "noone": FH-1001 no plugin "noone"`}) {
		t.Errorf("got %q", got)
	}
}

// A built-in step tells which of its settings is wrong; the place is the key.
func TestBind_StepTellsItsSetting_ProblemAtTheKey(t *testing.T) {
	text := head + source("r") + "[[reader.prepare]]\nuse = \"forward_fill\"\npartition_by = [\"id\"]\norder_by = [\"ts\"]\ncolumn = \"a\"\n" + tail
	w := one(t)
	w.stages["forward_fill"] = &behaviour{}
	w.step = func(what string) error {
		if what != "open forward_fill" {
			return nil
		}
		return errors.Join(fault.New(7029, "wrong order").At("order_by"), fault.New(7029, "wrong column").At("column"), fault.New(7029, "wrong step").At("guest 3"))
	}
	_, err := w.bind(text)
	want := []string{`[[reader.prepare]]: FH-7029 wrong step`, `order_by = ["ts"]: FH-7029 wrong order`, `column = "a": FH-7029 wrong column`}
	if got := problems(t, text, err); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// A run over all days leaves nothing out, not even rows without a day; the
// strategy is still held against the rows.
// Rule: S-508.
func TestBind_AllDays_NoFilterBehindTheSteps(t *testing.T) {
	for line, ok := range map[string]bool{byTS: true, "incremental = { column = \"gone\" }\n": false} {
		w := keyedWorld(t)
		f, err := config.Parse("p.toml", []byte(head+prepared("r", line, "fill")+tail), nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Bind(t.Context(), f, flow.Interval{}, w.lend())
		if (err == nil) != ok {
			t.Fatalf("%s: %v", line, err)
		}
		if ok && (len(p.Sources[0].Prepare) != 1 || p.Close() != nil) {
			t.Errorf("%d steps", len(p.Sources[0].Prepare))
		}
		if len(w.open()) > 0 {
			t.Errorf("left open: %v", w.open())
		}
	}
}
