package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
)

func TestFile_Span_ValueOrNearestEnclosing(t *testing.T) {
	f, err := Load("testdata/good/aircraft.toml", environment)
	if err != nil {
		t.Fatal(err)
	}
	src := strings.Split(aircraft(t), "\n")
	for path, want := range map[string]string{
		"version":                               "1",
		"pipeline":                              "[pipeline]",
		"reader[0]":                             "[[reader]]",
		"reader[0].prepare[0].where":            `"tailnum IS NOT NULL"`,
		"reader[0].prepare[0].config.x":         "[[reader.prepare]]",
		"reader[1].schema.aux":                  `"array<decimal(10,2)>"`,
		"reader[1].incremental.partitions[1]":   `"month"`,
		"reader[1].incremental.column":          "incremental",
		"reader[7].path":                        "[[reader]]",
		"query.sql":                             `"""`,
		"stage[0].use":                          `"delay_score"`,
		`stage[0].config."odd key".x`:           "1979-05-27T07:32:00Z",
		`stage[0].config."odd key"."no.such"`:   "{ x = 1979-05-27T07:32:00Z }",
		"stage[0].config.list[1][1]":            `"${DATA}"`,
		"feature_set.keys[0].name":              `"tailnum"`,
		"feature_set.keys[0].from":              `{ name = "tailnum", type = "string", description = "registration" }`,
		"feature_set.feature[0].aggregate[2]":   `{ function = "stddev_pop", type = "double" }`,
		"feature_set.feature[1].from":           `"delay_score"`,
		"feature_set.feature[1].type":           "[[feature_set.feature]]",
		"feature_set.windows.rolling[1]":        `"30 days"`,
		"sink[1].path":                          "[[sink]]",
		"feature_set.feature[1].aggregate[0].x": `"avg"`,
	} {
		s := f.Span(path)
		got := []rune(src[s.Line-1])[s.Col-1 : s.Col-1+s.Len]
		if string(got) != want {
			t.Errorf("%s is %q on line %d, want %q", path, string(got), s.Line, want)
		}
	}
	for _, path := range []string{"", "nowhere", `"`, `a."b`, "]", ".", "[[["} {
		if s := f.Span(path); s.Line != 1 || s.Col != 1 {
			t.Errorf("%q is at %v, want the beginning", path, s)
		}
	}
	if got, want := f.Span("sink[1].path").String(), "testdata/good/aircraft.toml:67:1"; got != want {
		t.Errorf("place %s, want %s", got, want)
	}
}

// What other rooms report does not print what came from the environment.
func TestFile_Problem_RedactsEnvironment(t *testing.T) {
	src, err := os.ReadFile("testdata/good/aircraft.toml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("x.toml", src, func(n string) (string, bool) { return "hunter2", n == "DATA" })
	if err != nil {
		t.Fatal(err)
	}
	p := f.Problem("reader[0].path", 201, `look at "hunter2"`, "%s: no file %q (%v, %d, %v)",
		"at", f.Readers[0].Path, errors.New("open hunter2/x"), 7, []string{"hunter2"})
	want := `x.toml:13:8: FH-0201: at: no file "${DATA}/flights.parquet" (open ${DATA}/x, 7, [${DATA}])
   13 | path = "${DATA}/flights.parquet"
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^ look at "${DATA}"`
	if p.String() != want {
		t.Errorf("got\n%s\nwant\n%s", p, want)
	}
}

// A value inside a longer one, or one that needs quoting, leaves no rest.
func TestFile_Redact_LongestFirstAndQuoted(t *testing.T) {
	src := strings.ReplaceAll(aircraft(t), `"data/weather.csv"`, `"${SHORT}/${LONG}/${ODD}/${TINY}"`)
	f, err := Parse("x.toml", []byte(src), func(n string) (string, bool) {
		v, ok := map[string]string{"DATA": "d", "SHORT": "abcd", "LONG": "abcdefgh", "ODD": "a\"b\\c", "TINY": "in"}[n]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]string{
		"abcdefgh and abcd":          "${LONG} and ${SHORT}",
		fmt.Sprintf("%q", "a\"b\\c"): `"${ODD}"`,
		"in":                         "${TINY}",
		"inside":                     "inside",
	} {
		if got := f.Redact(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

func TestProblems_Err_OrderedOnceAndTyped(t *testing.T) {
	f, err := Load("testdata/good/aircraft.toml", environment)
	if err != nil {
		t.Fatal(err)
	}
	var none *Problems
	if none.Err() != nil || (&Problems{}).Err() != nil {
		t.Error("no problems, but an error")
	}
	var p Problems
	p.Add(f.Problem("sink[0].path", 203, "", "b"))
	p.Add(f.Problem("stage[0].use", 202, "", "a"))
	p.Add(f.Problem("sink[0].path", 203, "", "b"))
	p.Add(f.Problem("sink[0].path", 201, "", "c"))
	got := fmt.Errorf("check: %w", p.Err())
	if len(p.List) != 3 {
		t.Errorf("%d problems, want 3", len(p.List))
	}
	for i, code := range []fault.Code{202, 201, 203} {
		if p.List[i].Code != code {
			t.Errorf("problem %d is %s, want %s", i, p.List[i].Code, code)
		}
	}
	if e := fault.As(got); e == nil || e.Code != 202 || e.Place != "testdata/good/aircraft.toml:37:7" || e.Message != "a" {
		t.Errorf("first fault %v", e)
	}
	if !fault.Is(got, 202) || fault.ClassOf(got) != fault.Usage {
		t.Error("fault does not know the first problem")
	}
}
