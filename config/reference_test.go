package config

import (
	"strings"
	"testing"
)

func TestReference_PageInSync(t *testing.T) {
	var b strings.Builder
	if err := WriteReference(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "../docs/reference/pipeline.md", b.String())
}

// Every key says what it is for and is written once; tables have keys.
func TestKeys_Declared_Whole(t *testing.T) {
	var walk func(path string, keys []KeyDoc)
	walk = func(path string, keys []KeyDoc) {
		seen := map[string]bool{}
		for _, k := range keys {
			at := path + "." + k.Name
			if seen[k.Name] {
				t.Errorf("%s is declared twice", at)
			}
			seen[k.Name] = true
			if k.Doc == "" || strings.HasSuffix(k.Doc, ".") || strings.Contains(k.Doc, "\n") {
				t.Errorf("%s: the doc must be one line without a full stop: %q", at, k.Doc)
			}
			if k.Required && (k.Later || k.Default != "") {
				t.Errorf("%s is required, but not built or with a default", at)
			}
			if (k.Kind == KindTable || k.Kind == KindTables) && !k.Later && len(k.allKeys()) == 0 {
				t.Errorf("%s is a table without keys", at)
			}
			if k.By != "" && lookup(k.Keys, k.By) == nil {
				t.Errorf("%s: its variants depend on %q, which is no key", at, k.By)
			}
			walk(at, k.Keys)
			for _, v := range k.Variants {
				walk(at, append(append([]KeyDoc(nil), k.Keys...), v.Keys...))
			}
		}
	}
	walk("", Keys().Keys)
	walk("function", functionKeys())
}
