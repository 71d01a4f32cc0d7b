package featureset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
)

const goldenDir = "../../testdata/golden"

// goldenCase gives the feature set of a pipeline file and its input rows.
func goldenCase(t *testing.T, file string) (config.FeatureSet, arrow.RecordBatch) {
	t.Helper()
	path := filepath.Join(goldenDir, file)
	p, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, c := range p.Readers[0].Schema {
		columns = append(columns, c.Name+" "+c.Type)
	}
	s, err := schema.Parse(strings.Join(columns, ", "))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), p.Readers[0].Path))
	if err != nil {
		t.Fatal(err)
	}
	rows, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader("["+strings.Join(strings.Split(strings.TrimSpace(string(text)), "\n"), ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return *p.FeatureSet, rows
}

// expectedRows reads the rows of a golden case, each as text in the order of
// the schema.
func expectedRows(t *testing.T, path string, s *flow.Schema) [][]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]any
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		row := map[string]any{}
		if err := json.Unmarshal(in.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		values := make([]any, s.NumFields())
		for i := range values {
			v, ok := row[s.Field(i).Name]
			if !ok {
				t.Fatalf("the case has no column %q", s.Field(i).Name)
			}
			values[i] = v
		}
		out = append(out, values)
	}
	return out
}

// sameAsExpected compares a text of this room with a value of a golden case.
func sameAsExpected(got string, want any) bool {
	switch w := want.(type) {
	case nil:
		return got == "null"
	case float64:
		g, err := strconv.ParseFloat(got, 64)
		return err == nil && (g == w || math.Abs(g-w) <= 1e-9*math.Abs(w))
	case string:
		if at, err := time.Parse(time.RFC3339Nano, w); err == nil {
			if g, err := time.Parse(time.RFC3339Nano, got); err == nil {
				return g.Equal(at)
			}
			return got == at.Format("2006-01-02")
		}
		return got == w
	case []any:
		var g []any
		if json.Unmarshal([]byte(got), &g) != nil {
			return false
		}
		return slices.EqualFunc(g, w, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
	}
	return got == fmt.Sprint(want)
}

// sameTable compares rows as multisets.
func sameTable(t *testing.T, text string, want [][]any) {
	t.Helper()
	var got [][]string
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		got = append(got, strings.Split(line, " | "))
	}
	sort.Slice(got, func(i, j int) bool { return strings.Join(got[i], "|") < strings.Join(got[j], "|") })
	for _, w := range want {
		at := slices.IndexFunc(got, func(g []string) bool {
			for i, v := range w {
				if !sameAsExpected(g[i], v) {
					return false
				}
			}
			return true
		})
		if at < 0 {
			t.Errorf("no row %v in\n%s", w, text)
			continue
		}
		got = slices.Delete(got, at, at+1)
	}
	if len(got) > 0 {
		t.Errorf("too many rows: %v", got)
	}
}

// The golden cases of plain features, as the pipeline files of the repository
// have them.
// Rules: S-202, S-404, S-406, S-603, S-608, S-704, S-801, S-802, S-803, S-804, S-805, S-1001, S-1003, S-1004, S-1005.
func TestGolden_PlainFeatures(t *testing.T) {
	for _, c := range []struct{ file, types string }{
		{"02_custom_transform/pipeline.toml", "id bigint, timestamp timestamp, a double, q double, q2 double"},
		{"04_spark_function_no_window/pipeline.toml", "id bigint, timestamp timestamp, x__cos double, x__abs float, up__upper string, up__length bigint"},
		{"05_fixed_windows/pipeline.toml", ""},
		{"06_row_windows/pipeline.toml", ""},
		{"25_h3/pipeline.toml", ""},
		{"28_year_window/pipeline.toml", ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			cfg, rows := goldenCase(t, c.file)
			expected := filepath.Join(goldenDir, filepath.Dir(c.file), "expected.jsonl")
			for _, size := range sizes {
				for _, forks := range []int{0, 2} {
					b := bench{cfg: cfg, batch: size, forks: forks, plugin: fakePlugins(t, nil)}
					got := b.run(t, rows)
					sameTable(t, got, expectedRows(t, expected, b.out))
					if c.types != "" && columnsOf(b.out) != c.types {
						t.Errorf("columns are %s", columnsOf(b.out))
					}
				}
			}
		})
	}
}

// Golden case 27: five ways to name columns.
// Rules: S-1004, S-1005.
func TestGolden_27_Stack(t *testing.T) {
	for name, want := range map[string]string{
		"names":    "null | 2020-01-02\n 1 | 2020-01-01\n 2 | 2020-01-01\n 5 | 2020-01-02",
		"wild":     "null | 2020-01-02\n 1 | 2020-01-01\n 2 | 2020-01-01\n 5 | 2020-01-02",
		"wild_mid": "null | 2020-01-02\n 2 | 2020-01-01\n 4 | 2020-01-01\n 7 | 2020-01-02",
		"regex":    "3 | 2020-01-01\n 6 | 2020-01-02",
	} {
		t.Run(name, func(t *testing.T) {
			cfg, rows := goldenCase(t, "27_stack/"+name+".toml")
			for _, size := range sizes {
				b := bench{cfg: cfg, batch: size}
				table(t, b.run(t, rows), want)
				added := int64(2)
				if name == "regex" {
					added = 0 // one column matches: each row is its only one
				}
				if got := b.counts.N["stacked_rows{id}"]; got != added {
					t.Errorf("%d rows were added, not %d", got, added)
				}
			}
		})
	}
}

// Golden case 27, the variant that the original fails on.
// Rules: S-1004, S-1005.
func TestGolden_27_Negated_MixedTypesRefused(t *testing.T) {
	cfg, rows := goldenCase(t, "27_stack/neg.toml")
	_, err := (&bench{cfg: cfg}).try(t, rows, false)
	refused(t, err, BadStack, "feature_set.keys[0].stack", "a stack has one type")
}
