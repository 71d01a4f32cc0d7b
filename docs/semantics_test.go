// Package docs_test holds semantics.md to the code that cites it.
package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// page is the file with the rules, from the root of the repository.
const page = "docs/semantics.md"

// uncited are rules that no test cites yet. The list may only become shorter.
func uncited() []string {
	return []string{}
}

// rules reads the page: the rules in their order, the numbers that are not
// built yet, and the text without them.
func rules(t *testing.T) (built []int, later map[int]bool, text string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", page))
	if err != nil {
		t.Fatal(err)
	}
	text, rest, found := strings.Cut(string(data), "\n## Not built yet\n")
	if !found {
		t.Fatalf("%s has no section of what is not built yet", page)
	}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*S-(\d+)\*\* `).FindAllStringSubmatch(text, -1) {
		built = append(built, number(t, m[1]))
	}
	if n := strings.Count(text, "**S-"); n != len(built) {
		t.Errorf("%d rules begin a line of the page, and %d are set in bold", len(built), n)
	}
	later = map[int]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (S-[^|]+) \|`).FindAllStringSubmatch(rest, -1) {
		for _, part := range strings.Split(m[1], ", ") {
			first, last, isRange := strings.Cut(part, "..")
			from := number(t, strings.TrimPrefix(first, "S-"))
			to := from
			if isRange {
				to = number(t, strings.TrimPrefix(last, "S-"))
			}
			for n := from; n <= to; n++ {
				later[n] = true
			}
		}
	}
	return built, later, text
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%q is no number of a rule", s)
	}
	return n
}

// cited gives the numbers of the rules that a text names.
func cited(text string) []int {
	var out []int
	for _, m := range regexp.MustCompile(`\bS-(\d{3,4})\b`).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1]) // digits, and few
		out = append(out, n)
	}
	return out
}

// files calls f with every source and text file of the repository, but for
// what was generated or downloaded.
func files(t *testing.T, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "out" || name == "bin" || name != ".." && strings.HasPrefix(name, ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(name); ext != ".go" && ext != ".md" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator))), string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// byTests gives, for each rule, the tests that cite it: in the comment above
// them or in their body.
func byTests(t *testing.T) map[int][]string {
	t.Helper()
	out := map[int][]string{}
	files(t, func(path, text string) {
		if !strings.HasSuffix(path, "_test.go") || path == "docs/semantics_test.go" {
			return
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			from := f.Pos()
			if f.Doc != nil {
				from = f.Doc.Pos()
			}
			for _, n := range cited(text[set.Position(from).Offset:set.Position(f.End()).Offset]) {
				if test := filepath.Dir(path) + "." + f.Name.Name; !slices.Contains(out[n], test) {
					out[n] = append(out[n], test)
				}
			}
		}
	})
	return out
}

func TestSemantics_Numbers_AscendAndMeanOneThing(t *testing.T) {
	built, later, text := rules(t)
	if len(built) < 90 || len(later) < 10 {
		t.Fatalf("the page has %d rules and %d later ones: it is not read as it should be", len(built), len(later))
	}
	for i, n := range built {
		if i > 0 && n <= built[i-1] {
			t.Errorf("S-%d stands after S-%d", n, built[i-1])
		}
		if later[n] {
			t.Errorf("S-%d is a rule and also not built yet", n)
		}
	}
	for _, n := range cited(text) {
		if !slices.Contains(built, n) {
			t.Errorf("the page refers to S-%d, which is no rule of it", n)
		}
	}
}

func TestSemantics_EveryCitation_IsARule(t *testing.T) {
	built, later, _ := rules(t)
	seen := 0
	files(t, func(path, text string) {
		if path == page || path == "docs/semantics_test.go" {
			return
		}
		for _, n := range cited(text) {
			seen++
			if !slices.Contains(built, n) && !later[n] {
				t.Errorf("%s cites S-%d, which %s does not have", path, n, page)
			}
		}
	})
	if seen < 100 {
		t.Errorf("%d citations were found: the files are not read as they should be", seen)
	}
}

func TestSemantics_EveryRule_HasATest(t *testing.T) {
	built, later, _ := rules(t)
	tests := byTests(t)
	left := map[string]bool{}
	for _, r := range uncited() {
		if left[r] {
			t.Errorf("%s stands twice in the list of rules without a test", r)
		}
		left[r] = true
	}
	for _, n := range built {
		rule := fmt.Sprintf("S-%d", n)
		switch {
		case len(tests[n]) == 0 && !left[rule]:
			t.Errorf("no test cites %s: write one, or cite the rule above the test that proves it", rule)
		case len(tests[n]) > 0 && left[rule]:
			t.Errorf("%s is cited by %s: take it off the list of rules without a test", rule, strings.Join(tests[n], ", "))
		}
		delete(left, rule)
		t.Logf("%s: %s", rule, strings.Join(tests[n], ", "))
	}
	for rule := range left {
		t.Errorf("%s is in the list of rules without a test, and no rule", rule)
	}
	for n := range later {
		if len(tests[n]) > 0 {
			t.Errorf("S-%d is tested by %s, and the page says it is not built yet", n, strings.Join(tests[n], ", "))
		}
	}
}
