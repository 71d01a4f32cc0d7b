package pipelinetest_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/parts"
	"github.com/featurehost/featurehost/host/pipelinetest"
)

const pipeline = `version = 1
[pipeline]
name = "p"
[[reader]]
id = "events"
type = "file"
path = "absent.jsonl"
format = "json"
schema = { id = "bigint", ts = "timestamp", v = "double" }
[[stage]]
use = "filter"
where = "v IS NULL OR v < ${LIMIT:-100}"
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "v"
type = "double"
[[feature_set.feature]]
name = "third"
sql = "v / 3"
type = "double"
[[sink]]
type = "historical"
path = "out"
[[sink]]
type = "online"
`

const input = `
[[input]]
reader = "events"
rows = '''
{"id": 1, "ts": "2024-01-01T10:00:00Z", "v": 1.0}
{"id": 1, "ts": "2024-01-02T10:00:00Z", "v": 2.0}
{"id": 2, "ts": "2024-01-01T10:00:00.25Z", "v": null}
{"id": 3, "ts": "2024-01-01T10:00:00Z", "v": 500.0}
'''
`

// run writes a test beside the pipeline and runs it.
func run(t *testing.T, test string, update bool) (pipelinetest.Verdict, string, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "p_test.toml")
	for name, text := range map[string]string{"p.toml": pipeline, "p_test.toml": test} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	catalog := &parts.Catalog{}
	builtins.Register(catalog)
	connectors.Register(catalog)
	v, err := pipelinetest.Run(context.Background(), path, pipelinetest.Options{Host: host.Options{Catalog: catalog}, Update: update})
	after, readErr := os.ReadFile(path)
	if readErr != nil {
		t.Fatal(readErr)
	}
	left, readErr := os.ReadDir(dir)
	if readErr != nil || len(left) != 2 {
		t.Errorf("the test left files beside itself: %v, %v", left, readErr)
	}
	return v, string(after), err
}

func TestRun_Verdicts(t *testing.T) {
	const right = `{"id": 2, "timestamp": "2024-01-01T10:00:00.25Z", "v": null, "third": null}
{"id": 1, "timestamp": "2024-01-02T10:00:00Z", "v": 2, "third": 0.6666666666666666}
{"id": 1, "timestamp": "2024-01-01T10:00:00Z", "v": 1.0, "third": 0.3333333333333333}
`
	for _, c := range []struct {
		name, test string
		passed     bool
		says       []string
	}{
		{"rows in any order", "[expect]\nrows = '''\n" + right + "'''", true, nil},
		{"a missing row", "[expect]\nrows = '''\n" + right + `{"id": 9, "timestamp": "2024-01-01T10:00:00Z", "v": 1, "third": 1}` + "\n'''", false, []string{"expected 4 rows, got 3", `- {"id": 9`}},
		{"a row too many", "[expect]\nrows = '''\n" + strings.SplitN(right, "\n", 2)[1] + "'''", false, []string{"1 not expected", `+ {"id": 2`}},
		{"a repeated row", "[expect]\nrows = '''\n" + right + strings.SplitN(right, "\n", 2)[0] + "\n'''", false, []string{"1 not found"}},
		{"another value", "[expect]\nrows = '''\n" + strings.Replace(right, `"v": 2`, `"v": 3`, 1) + "'''", false, []string{"v: expected 3, got 2"}},
		{"null is no zero", "[expect]\nrows = '''\n" + strings.Replace(right, `"v": null`, `"v": 0`, 1) + "'''", false, []string{"v: expected 0, got null"}},
		{"the last bit", "[expect]\nrows = '''\n" + strings.Replace(right, "0.6666666666666666", "0.66666666666666663", 1) + "'''", true, nil},
		{"another bit", "[expect]\nrows = '''\n" + strings.Replace(right, "0.6666666666666666", "0.6666666666666667", 1) + "'''", false, []string{"third: expected 0.6666666666666667"}},
		{"within the tolerance", "[expect]\ntolerance = 1e-9\nrows = '''\n" + strings.Replace(right, "0.6666666666666666", "0.66666666667", 1) + "'''", true, nil},
		{"beyond it", "[expect]\ntolerance = 1e-9\nrows = '''\n" + strings.Replace(right, "0.6666666666666666", "0.6666667", 1) + "'''", false, []string{"0.6666667"}},
		{"some columns", "[expect]\ncolumns = [\"id\"]\nrows = '''\n" + `{"id": 1}` + "\n'''", false, []string{"expected 1 rows, got 3"}},
		{"a column that is not there", "[expect]\nrows = '''\n" + strings.Replace(right, `"v": 2`, `"w": 2`, 1) + "'''", false, []string{"not there: w"}},
		{"the online store", "[expect]\nat = \"online\"\nrows = '''\n" + `{"id": 1, "timestamp": "2024-01-02T10:00:00Z", "v": 2, "third": 0.6666666666666666}` + "\n" + strings.SplitN(right, "\n", 2)[0] + "\n'''", true, nil},
		{"a stage", "[expect]\nat = \"filter\"\ncolumns = [\"v\"]\nrows = '''\n{\"v\": 1}\n{\"v\": 2}\n{\"v\": null}\n'''", true, nil},
		{"an interval", "[expect]\ncolumns = [\"id\"]\nrows = '''\n{\"id\": 1}\n'''", false, nil},
		{"an error that comes", "[expect]\nerror = \"FH-0105\"", false, []string{"the run succeeded"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, _, err := run(t, "pipeline = \"p.toml\"\n"+input+c.test, false)
			if err != nil {
				t.Fatal(err)
			}
			if v.Passed != c.passed {
				t.Errorf("passed: %t; %s", v.Passed, v.Diff)
			}
			for _, s := range c.says {
				if !strings.Contains(v.Diff, s) {
					t.Errorf("the difference does not say %q:\n%s", s, v.Diff)
				}
			}
		})
	}
}

func TestRun_Environment_IsTheTestsOwn(t *testing.T) {
	t.Setenv("LIMIT", "0")
	v, _, err := run(t, "pipeline = \"p.toml\"\nenv = { LIMIT = \"1000\" }\n"+input+"[expect]\nat = \"filter\"\ncolumns = [\"id\"]\nrows = '''\n{\"id\": 1}\n{\"id\": 1}\n{\"id\": 2}\n{\"id\": 3}\n'''", false)
	if err != nil || !v.Passed {
		t.Errorf("%v %s", err, v.Diff)
	}
}

func TestRun_Interval_CutsTheRows(t *testing.T) {
	v, _, err := run(t, "pipeline = \"p.toml\"\nstart = \"2024-01-02\"\nend = \"2024-01-02\"\n"+input+"[expect]\ncolumns = [\"id\", \"v\"]\nrows = '''\n{\"id\": 1, \"v\": 2}\n'''", false)
	if err != nil || !v.Passed {
		t.Errorf("%v %s", err, v.Diff)
	}
}

func TestRun_ErrorExpected_ByCode(t *testing.T) {
	test := "pipeline = \"p.toml\"\n" + strings.Replace(input, `"v": 500.0`, `"v": "many"`, 1) + "[expect]\nerror = \"%s\""
	v, _, err := run(t, strings.Replace(test, "%s", "FH-9999", 1), false)
	if err != nil || v.Passed || !strings.Contains(v.Diff, "FH-") {
		t.Fatalf("%v %+v", err, v)
	}
	code := v.Diff[strings.Index(v.Diff, "got: ")+5:]
	code = code[strings.Index(code, "FH-"):][:7]
	v, _, err = run(t, strings.Replace(test, "%s", code, 1), false)
	if err != nil || !v.Passed {
		t.Errorf("%s: %v %s", code, err, v.Diff)
	}
}

func TestRun_Update_WritesWhatCameOut(t *testing.T) {
	test := "pipeline = \"p.toml\"\n" + input + "# a comment stays\n[expect]\ncolumns = [\"id\", \"v\"]\nrows = '''\n'''\n# and this one\n"
	v, after, err := run(t, test, true)
	if err != nil || !v.Passed || !v.Updated {
		t.Fatalf("%v %+v", err, v)
	}
	for _, s := range []string{"# a comment stays", "# and this one", `{"id": 1, "v": 2}`} {
		if !strings.Contains(after, s) {
			t.Errorf("%q is not in the updated test:\n%s", s, after)
		}
	}
	v, _, err = run(t, after, false)
	if err != nil || !v.Passed {
		t.Errorf("the updated test fails: %v %s", err, v.Diff)
	}
}

func TestLoad_BadTests_Refused(t *testing.T) {
	for name, test := range map[string]string{
		"unknown key":    "pipeline = \"p.toml\"\nbegin = \"2024-01-01\"\n[expect]\nrows = ''",
		"no pipeline":    "[expect]\nrows = ''",
		"no expectation": "pipeline = \"p.toml\"",
		"bad day":        "pipeline = \"p.toml\"\nstart = \"yesterday\"\n[expect]\nrows = ''",
		"not TOML":       "pipeline = ",
		"no such reader": "pipeline = \"p.toml\"\n[[input]]\nreader = \"evnts\"\nrows = ''\n[expect]\nrows = ''",
		"bad rows":       "pipeline = \"p.toml\"\n" + input + "[expect]\nrows = 'not json'",
		"two in a line":  "pipeline = \"p.toml\"\n" + input + "[expect]\nrows = '{} {}'",
		"no such file":   "pipeline = \"p.toml\"\n[[input]]\nreader = \"events\"\nfile = \"absent\"\n[expect]\nrows = ''",
		"no such stage":  "pipeline = \"p.toml\"\n" + input + "[expect]\nat = \"fliter\"\nrows = ''",
	} {
		if _, _, err := run(t, test, false); !fault.Is(err, pipelinetest.TestFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFind_Folders_AllBelow(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []string{"a_test.toml", "b/c_test.toml", "b/pipeline.toml"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, p)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, p), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := pipelinetest.Find([]string{dir})
	if err != nil || len(got) != 2 || !strings.HasSuffix(got[0], "a_test.toml") || !strings.HasSuffix(got[1], "c_test.toml") {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := pipelinetest.Find([]string{filepath.Join(dir, "absent")}); !fault.Is(err, pipelinetest.TestFile) {
		t.Error(err)
	}
}
