package abi

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
)

// awaited lists rules of SPEC.md whose tests belong to the room that runs
// guests (host/internal/wasm) and are not there yet. A rule leaves the list
// when a test cites it; the list is to become empty.
func awaited() []string {
	return nil
}

// Every rule of SPEC.md is cited by a test, and no test cites a rule that
// SPEC.md does not have.
func TestSpec_EveryRule_CitedByATest(t *testing.T) {
	spec, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`ABI-[MWPE]-[0-9]{3}`)
	defined := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(?:- )?\*\*(ABI-[MWPE]-[0-9]{3})\*\*`).FindAllStringSubmatch(string(spec), -1) {
		if defined[m[1]] {
			t.Errorf("%s is defined twice", m[1])
		}
		defined[m[1]] = true
	}
	if len(defined) < 40 {
		t.Fatalf("only %d rules were found in SPEC.md", len(defined))
	}
	cited := citations(t, id)
	for _, rule := range sorted(defined) {
		waits := slices.Contains(awaited(), rule)
		switch {
		case len(cited[rule]) == 0 && !waits:
			t.Errorf("%s is cited by no test", rule)
		case len(cited[rule]) > 0 && waits:
			t.Errorf("%s is cited by %s: take it off the list of rules awaited", rule, cited[rule][0])
		}
	}
	for _, rule := range awaited() {
		if !defined[rule] {
			t.Errorf("%s is awaited but not in SPEC.md", rule)
		}
	}
	for _, rule := range sorted(cited) {
		if !defined[rule] {
			t.Errorf("%s is cited by %s but is no rule of SPEC.md", rule, cited[rule][0])
		}
	}
}

// citations gives the test files of the repository that name each rule.
func citations(t *testing.T, id *regexp.Regexp) map[string][]string {
	t.Helper()
	cited := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go") || path == filepath.Join("..", "abi", "spec_test.go"):
			return nil
		}
		b, err := os.ReadFile(path)
		for _, rule := range id.FindAllString(string(b), -1) {
			if !slices.Contains(cited[rule], path) {
				cited[rule] = append(cited[rule], path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return cited
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
