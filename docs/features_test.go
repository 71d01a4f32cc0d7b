package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// blocks gives the fenced blocks of a page whose first line names a file: the
// file and the lines that follow.
func blocks(page string) (out [][2]string) {
	for _, m := range regexp.MustCompile("(?s)```[a-z]*\n# (examples/[^\n]+)\n(.*?)\n```").FindAllStringSubmatch(page, -1) {
		out = append(out, [2]string{m[1], m[2]})
	}
	return out
}

// stands tells whether the parts of a block, which a line of dots tells apart,
// stand in a text one after the other, as whole lines.
func stands(block, text string) bool {
	text = "\n" + text + "\n"
	for _, part := range strings.Split(block, "\n...\n") {
		at := strings.Index(text, "\n"+part+"\n")
		if at < 0 {
			return false
		}
		text = text[at+len(part)+1:]
	}
	return true
}

// TestFeatures_EveryBlock_StandsInItsFile holds docs/features.md to the
// pipelines of examples/features, which are tests of their own, and each of
// them to the page.
func TestFeatures_EveryBlock_StandsInItsFile(t *testing.T) {
	page, err := os.ReadFile("features.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, b := range blocks(string(page)) {
		text, err := os.ReadFile(filepath.Join("..", b[0]))
		if err != nil {
			t.Error(err)
			continue
		}
		shown[filepath.Base(b[0])] = true
		if !stands(b[1], string(text)) {
			t.Errorf("%s does not hold\n%s", b[0], b[1])
		}
	}
	files, err := filepath.Glob("../examples/features/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if !shown[filepath.Base(f)] {
			t.Errorf("%s is on no page", f)
		}
	}
}

func TestStands(t *testing.T) {
	for _, c := range []struct {
		block string
		is    bool
	}{
		{"b\nc", true}, {"a\n...\nd", true}, {"d\n...\na", false}, {"b\nd", false}, {"cc", false}, {"a\n...\na", false},
	} {
		if stands(c.block, "a\nb\nc\nd") != c.is {
			t.Errorf("%q: %v", c.block, !c.is)
		}
	}
}
