package plan_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

const head = `version = 1
pipeline.name = "p"
`

const tail = `[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "x"
type = "bigint"
[[sink]]
type = "historical"
path = "out"
`

// source is a [[reader]] of the file name.parquet with filters in front.
func source(name string, wheres ...string) string {
	text := fmt.Sprintf("[[reader]]\nid = %q\ntype = \"file\"\npath = %q\nformat = \"parquet\"\n", name, name+".parquet")
	for _, w := range wheres {
		text += fmt.Sprintf("[[reader.prepare]]\nuse = \"filter\"\nwhere = %q\n", w)
	}
	return text
}

func use(names ...string) (text string) {
	for _, n := range names {
		text += fmt.Sprintf("[[stage]]\nuse = %q\n", n)
	}
	return text
}

func one(t testing.TB) *world {
	return &world{
		t:       t,
		sources: map[string]string{"r.parquet": "id bigint, ts timestamp, x bigint, a bigint, b bigint, unread string"},
		selects: []string{"id", "ts", "x"},
		stages:  map[string]*behaviour{"score": {reads: []string{"b"}, adds: []string{"y"}}},
		plugins: map[string]*behaviour{"wise": {reads: []string{"y"}, kind: "map"}, "strict": {reads: []string{"id"}, kind: "filter"}},
	}
}

func mustBind(t testing.TB, w *world, text string) *plan.Plan {
	t.Helper()
	p, err := w.bind(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBind_OneReader_ReadsWhatIsReadAndReopens(t *testing.T) {
	w := one(t)
	p := mustBind(t, w, head+source("r", "a > 1")+use("score", "wise", "strict")+tail)
	s := p.Sources[0]
	want := []string{"id", "ts", "x", "a", "b"}
	if !slices.Equal(s.Request.Columns, want) || !slices.Equal(namesOf(s.Schema), want) {
		t.Errorf("asks for %v of schema %v, want %v", s.Request.Columns, s.Schema, want)
	}
	if s.Request.Interval.Start != nil || s.Request.Interval.End == nil || *s.Request.Interval.End != 20 {
		t.Errorf("reads the interval %v: windows look back to before the start", s.Request.Interval)
	}
	if s.Request.BatchRows != 8192 || s.Relation != nil || p.Query != nil {
		t.Errorf("%+v", s)
	}
	// Two passes: the first over all columns and closed, the second over these.
	passes := map[string][]*part{}
	for _, x := range w.parts {
		passes[x.name] = append(passes[x.name], x)
	}
	for _, name := range []string{"reader r", "filter", "score", "wise", "strict", "select", "fold", "latest"} {
		got := passes[name]
		if len(got) != 2 || got[0].opened != 1 || got[0].closed != 1 || got[1].opened != 1 || got[1].closed != 0 {
			t.Errorf("%s: %d made; first %+v, last %+v", name, len(got), got[0], got[len(got)-1])
		}
	}
	if got := passes["filter"]; !slices.Contains(got[0].in, "unread") || !slices.Equal(got[1].in, want) {
		t.Errorf("the filter saw %v, then %v", got[0].in, got[1].in)
	}
	if got := namesOf(p.Output); !slices.Equal(got, []string{"id", "ts", "x"}) {
		t.Errorf("the feature table has %v", got)
	}
	var kinds []string
	for _, st := range append(slices.Clone(s.Prepare), p.Steps...) {
		kinds = append(kinds, st.Path+" "+st.Name+" "+st.Kind)
	}
	kinds = append(kinds, p.Before[0].Path+" "+p.Before[0].Name, p.Fold.Name, p.Latest.Name)
	if want := []string{"reader[0].prepare[0] filter filter", "stage[0] score stage", "stage[1] wise stage", "stage[2] strict filter", "feature_set s: select", "s", "s: latest"}; !slices.Equal(kinds, want) {
		t.Errorf("steps %q", kinds)
	}
	if p.Before[0].Kind != observe.KindFeatureSet {
		t.Error(p.Before[0].Kind)
	}
	if got := p.Plugins(); !reflect.DeepEqual(got, map[string]string{"wise@1.0": "sha256:wise", "strict@1.0": "sha256:strict"}) {
		t.Errorf("plugins %v", got)
	}
	if err := p.Close(); err != nil || len(w.open()) > 0 {
		t.Errorf("left open: %v (%v)", w.open(), err)
	}
}

// What is asked of the reader is the columns, in its order, that some step
// reads; a step that does not say reads all that reaches it. A source of which
// nothing is read still gives its first column.
func TestBind_AnySteps_ProjectionIsTheUnionOfReads(t *testing.T) {
	columns := []string{"c0", "c1", "c2", "c3", "c4", "c5"}
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: t, stages: map[string]*behaviour{}, sources: map[string]string{"r.parquet": strings.Join(columns, " bigint, ") + " bigint"}}
		dense := rapid.IntRange(0, 4).Draw(rt, "of four columns, so many are read")
		some := func(of []string, label string) []string {
			return slices.DeleteFunc(slices.Clone(of), func(string) bool { return rapid.IntRange(1, 4).Draw(rt, label) > dense })
		}
		need := map[string]bool{}
		var wheres, names []string
		for _, c := range some(columns, "filters") {
			wheres = append(wheres, c+" > 0")
			need[c] = true
		}
		there := slices.Clone(columns)
		for i := range rapid.IntRange(0, 4).Draw(rt, "stages") {
			b := &behaviour{all: rapid.IntRange(1, 9).Draw(rt, "all") < dense, adds: []string{fmt.Sprint("new", i)}}
			b.reads = some(there, "reads")
			for _, c := range b.reads {
				need[c] = true
			}
			if b.all {
				b.reads = nil
				for _, c := range there {
					need[c] = true
				}
			}
			there = append(there, b.adds...)
			name := fmt.Sprint("stage", i)
			w.stages[name] = b
			names = append(names, name)
		}
		w.selects = some(there, "select")
		for _, c := range w.selects {
			need[c] = true
		}
		want := slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return !need[c] })
		if len(want) == 0 {
			want = columns[:1]
		}
		p, err := w.bind(head + source("r", wheres...) + use(names...) + tail)
		if err != nil {
			rt.Fatal(err) // a step was not given what it reads
		}
		if got := p.Sources[0].Request.Columns; !slices.Equal(got, want) {
			rt.Fatalf("reads %v, want %v", got, want)
		}
		if err := p.Close(); err != nil || len(w.open()) > 0 {
			rt.Fatalf("left open: %v (%v)", w.open(), err)
		}
	})
}

func joined(t testing.TB) (*world, string) {
	w := one(t)
	w.sources["q.csv"] = "k bigint, v double"
	w.sources["d.parquet"] = "id bigint, n bigint"
	w.bare = map[string]bool{"q.csv": true}
	w.query = `id bigint, ts timestamp, x bigint, b bigint, "odd bigint, wide string`
	w.stages["score"].reads = []string{"b", `"odd`}
	csv := strings.NewReplacer("q.parquet", "q.csv", `"parquet"`, `"csv"`).Replace(source("q", "k > 0"))
	// A step other than a filter cannot become a condition.
	derived := source("d") + "[[reader.prepare]]\nuse = \"enrich\"\n"
	w.stages["enrich"] = &behaviour{reads: []string{"n"}, adds: []string{"m"}}
	return w, head + source("r", "a > 1", "x < 9") + csv + derived + "[query]\nsql = \"SELECT * FROM r JOIN q -- all; \"\n" + use("score") + tail
}

// Rule: S-501.
func TestBind_Query_ScansInPlaceOrSpillsAndNarrowsItself(t *testing.T) {
	w, text := joined(t)
	p := mustBind(t, w, text)
	r, q, d := p.Sources[0], p.Sources[1], p.Sources[2]
	if r.Relation == nil || len(r.Prepare) != 0 || !slices.Equal(r.Relation.Where, []string{"a > 1", "x < 9"}) {
		t.Errorf("a reader with filters only: %+v", r)
	}
	if q.Relation != nil || len(q.Prepare) != 1 {
		t.Errorf("a reader that cannot be scanned: %+v", q)
	}
	if d.Relation != nil || len(d.Prepare) != 1 || !slices.Equal(namesOf(d.Output), []string{"id", "n", "m"}) {
		t.Errorf("a reader with a stage: %+v", d)
	}
	// The query engine finds out what it scans; the readers are not narrowed.
	if len(w.requests) != 2 || w.requests[1].Columns != nil {
		t.Errorf("relations were asked for %+v", w.requests)
	}
	if len(r.Request.Columns) != 6 || len(q.Request.Columns) != 2 {
		t.Errorf("%v, %v", r.Request.Columns, q.Request.Columns)
	}
	pass := []string{"r parquet r.parquet where a > 1 and x < 9", "q parquet /scratch/q-schema", "d parquet /scratch/d-schema"}
	if want := append(slices.Clone(pass), pass...); !slices.Equal(w.tables, want) {
		t.Errorf("registered %q", w.tables)
	}
	if want := []string{"q-schema: k v", "d-schema: id n m"}; !slices.Equal(w.spilled[2:], want) {
		t.Errorf("spilled %q", w.spilled)
	}
	want := "SELECT \"id\", \"ts\", \"x\", \"b\", \"\"\"odd\" FROM (SELECT * FROM r JOIN q -- all\n)"
	if p.Query.SQL != want || len(p.Query.Schema.Fields()) != 5 || p.Query.Schema.HasField("wide") {
		t.Errorf("the query is %s with %v", p.Query.SQL, p.Query.Schema)
	}
	if w.asked[0] != w.asked[1] || strings.Contains(w.asked[0], "FROM (") {
		t.Errorf("the schema was asked of %q", w.asked)
	}
	if err := p.Close(); err != nil || len(w.open()) > 0 {
		t.Errorf("left open: %v (%v)", w.open(), err)
	}
}

// problems gives what is wrong with a pipeline, as "the text of the line: code message".
func problems(t testing.TB, text string, err error) (out []string) {
	t.Helper()
	var p *config.Problems
	if !errors.As(err, &p) {
		t.Fatalf("%v is not what is wrong with a pipeline file", err)
	}
	lines := strings.Split(text, "\n")
	for _, x := range p.List {
		out = append(out, fmt.Sprintf("%s: %s %s", lines[x.Span.Line-1], x.Code, x.Message))
	}
	return out
}

func TestBind_Problems_AllAtOnceWithTheirPlaces(t *testing.T) {
	unknownPlugins := use("nobody", "score", "noone", "nobody")
	for name, c := range map[string]struct {
		text string
		edit func(*world)
		want []string
	}{
		"each reader and every unknown plugin": {
			text: head + source("r", "absent > 1") + source("d", "a > 1", "gone > 2") + "[query]\nsql = \"SELECT 1\"\n" + unknownPlugins + tail,
			edit: func(w *world) {
				w.sources["d.parquet"] = "a bigint"
				w.bare = map[string]bool{"r.parquet": true, "d.parquet": true}
			},
			want: []string{
				`where = "absent > 1": FH-0201 filter: no column "absent"`,
				`where = "gone > 2": FH-0201 filter: no column "gone"`,
				`use = "nobody": FH-1001 no plugin "nobody"`, `use = "noone": FH-1001 no plugin "noone"`, `use = "nobody": FH-1001 no plugin "nobody"`,
			},
		},
		"a stage that misses a column": {
			text: head + source("r") + use("wise") + tail,
			want: []string{`use = "wise": FH-0201 wise: no column "y"`},
		},
		"parts that tell the key": {
			text: head + source("r") + tail,
			edit: func(w *world) {
				w.step = func(what string) error {
					if what != "open select" {
						return nil
					}
					return errors.Join(
						fault.New(203, "no such window").At("feature_set.feature[0].name"),
						errors.Join(fault.New(204, "no such type").At("feature_set.keys[0].type")))
				}
			},
			want: []string{`keys = [{ name = "id", type = "bigint" }]: FH-0204 no such type`, `name = "x": FH-0203 no such window`},
		},
		"a file behind the key, with its cause": {
			text: head + source("r") + tail,
			edit: func(w *world) {
				w.step = func(what string) error {
					if what != "schema r" {
						return nil
					}
					return fault.Wrap(errors.New("it is empty"), 7001, "no Parquet").At("/data/r.parquet")
				}
			},
			want: []string{`path = "r.parquet": FH-7001 /data/r.parquet: no Parquet: it is empty`},
		},
		"a sink that cannot hold the columns": {
			text: head + source("r") + tail,
			edit: func(w *world) { w.holds = fault.New(203, "too many columns") },
			want: []string{`[[sink]]: FH-0203 too many columns`},
		},
		"sinks": {
			text: head + source("r") + tail,
			edit: func(w *world) { w.noSink = true },
			want: []string{`type = "historical": FH-0221 unknown sink type "historical"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := one(t)
			if c.edit != nil {
				c.edit(w)
			}
			p, err := w.bind(c.text)
			if got := problems(t, c.text, err); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s", strings.Join(got, "\n"))
			}
			if p != nil || len(w.open()) > 0 {
				t.Errorf("%v, left open: %v", p, w.open())
			}
		})
	}
}

// Whatever fails, at any moment of either pass, is told, and nothing stays open.
func TestBind_AnyStepFails_ToldAndAllClosed(t *testing.T) {
	single := func(t testing.TB) (*world, string) {
		return one(t), head + source("r", "a > 1") + use("score", "wise") + tail
	}
	boom := errors.New("boom")
	for name, make := range map[string]func(testing.TB) (*world, string){"one reader": single, "query": joined, "sinks": withSinks} {
		for kind, fail := range map[string]error{"the system": boom, "the file": fault.Wrap(boom, 299, "boom")} {
			t.Run(name+", "+kind, func(t *testing.T) {
				at := 1
				for ; ; at++ {
					w, text := make(t)
					n, failed := 0, ""
					w.step = func(what string) error {
						if n++; n == at {
							failed = what
							return fail
						}
						return nil
					}
					p, err := w.bind(text)
					if failed == "" { // at is beyond the last step
						if err != nil || p.Close() != nil {
							t.Fatal(err)
						}
						break
					}
					if p != nil || err == nil {
						t.Fatalf("step %d (%s) failed and nobody was told", at, failed)
					}
					if kind == "the system" && err != boom { //nolint:errorlint // the cause itself
						t.Errorf("step %d (%s): %v", at, failed, err)
					}
					if !fault.Is(err, 299) && kind == "the file" {
						t.Errorf("step %d (%s): %v", at, failed, err)
					}
					if left := w.open(); len(left) > 0 {
						t.Errorf("step %d (%s): left open: %v", at, failed, left)
					}
				}
				if at < 20 {
					t.Errorf("only %d steps were tried", at)
				}
			})
		}
	}
}

func TestBind_FirstPassDoesNotClose_Told(t *testing.T) {
	w := one(t)
	w.closing = errors.New("stuck")
	p, err := w.bind(head + source("r") + use("score") + tail)
	if p != nil || !errors.Is(err, w.closing) || len(w.open()) > 0 {
		t.Errorf("%v, %v, left open: %v", p, err, w.open())
	}
}

func TestBind_UnknownReaderType_Told(t *testing.T) {
	w := one(t)
	lent := w.lend()
	lent.Catalog.Readers = nil
	text := head + source("r") + tail
	f, err := config.Parse("p.toml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = plan.Bind(t.Context(), f, flow.Interval{}, lent)
	if got := problems(t, text, err); !slices.Equal(got, []string{`type = "file": FH-0220 unknown reader type "file"`}) {
		t.Errorf("%q", got)
	}
}

func TestCodes_EveryCodeExplained(t *testing.T) {
	want := map[fault.Code]bool{plan.UnknownName: true, plan.UnknownSink: true, plan.LateIncremental: true, plan.SinkStageRows: true, plan.SinkStageKeys: true}
	for _, d := range plan.Codes() {
		if !want[d.Code] || d.Title == "" || d.Explain == "" {
			t.Errorf("%+v", d)
		}
		delete(want, d.Code)
	}
	if len(want) > 0 {
		t.Errorf("not explained: %v", want)
	}
}
