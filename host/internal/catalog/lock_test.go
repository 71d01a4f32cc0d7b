package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

func discover(t testing.TB, dirs ...string) *Catalog {
	t.Helper()
	c, errs := Discover(dirs...)
	if len(errs) != 0 {
		t.Fatal(errs)
	}
	return c
}

// lockedFile writes the lock of what is in a folder beside it and reads it back.
func lockedFile(t testing.TB, dir string) *Lock {
	t.Helper()
	b, err := LockOf(discover(t, dir).List()).Encode()
	must(t, err)
	path := filepath.Join(t.TempDir(), LockFile)
	must(t, os.WriteFile(path, b, 0o644))
	l, err := ReadLock(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return l
}

func TestLock_WrittenAndRead_TheSame(t *testing.T) {
	plugins, _ := process(t, "score")
	put(t, filepath.Join(plugins, "b.wasm"), string(module(t, "alpha", "1.10.0")))
	put(t, filepath.Join(plugins, "a.wasm"), string(module(t, "alpha", "1.9.0")))
	l := lockedFile(t, plugins)
	var got []string
	for _, p := range l.Plugins {
		got = append(got, fmt.Sprintf("%s@%s %s %s %s %v %d", p.Name, p.Version, p.Kind, p.Transport, p.ABI, p.Grants, p.Fuel))
	}
	want := []string{"alpha@1.9.0 map wasm 1.0 [] 1", "alpha@1.10.0 map wasm 1.0 [] 1", "score@1.0.0 map process 1.0 [process] 0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	text := string(must2(os.ReadFile(l.Path))(t))
	if !strings.HasPrefix(text, "# ") || !strings.Contains(text, "featurehost plugin lock") || !strings.Contains(text, "\nversion = 1\n") || !strings.Contains(text, "\n[[plugin]]\nname = \"alpha\"\nversion = \"1.9.0\"\n") {
		t.Errorf("the file reads\n%s", text)
	}
	if d := l.Differences(discover(t, plugins).List()); len(d) != 0 {
		t.Errorf("differs: %+v", d)
	}
	for _, e := range discover(t, plugins).List() {
		if err := l.Check(e); err != nil || l.State(e) != Same {
			t.Errorf("%s: %v, %s", e.Name, err, l.State(e))
		}
	}
}

func must2[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T { t.Helper(); must(t, err); return v }
}

// The file does not depend on where the plugins lie or in which order they are found.
func TestLock_Bytes_DependOnPluginsOnly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a@1.0.0", "a@1.2.0", "a@1.10.0", "a@1.2.0-rc.1", "b@0.1.0", "c@3.0.0"}), 1, 6, rapid.ID).Draw(rt, "plugins")
		var texts []string
		for range 2 {
			files := map[string]string{}
			for i, id := range rapid.Permutation(ids).Draw(rt, "order") {
				files[fmt.Sprintf("%d/%d.wasm", i, i)] = id
			}
			texts = append(texts, string(must2(LockOf(discover(t, folder(t, files)).List()).Encode())(t)))
		}
		if texts[0] != texts[1] {
			rt.Fatalf("%s\nand\n%s", texts[0], texts[1])
		}
	})
}

// ABI-M-004: other bytes are refused, and so is what the lock does not name.
func TestCheck_NotTheLockedOne_Refused(t *testing.T) {
	dir := folder(t, map[string]string{"a.wasm": "score@1.0.0", "b.wasm": "fine@1.0.0"})
	l := lockedFile(t, dir)
	put(t, filepath.Join(dir, "a.wasm"), string(module(t, "score", "1.0.0"))+"\x00\x02\x01x")
	put(t, filepath.Join(dir, "new.wasm"), string(module(t, "score", "1.1.0")))
	put(t, filepath.Join(dir, "other.wasm"), string(module(t, "other", "2.0.0")))
	c := discover(t, dir)
	for _, x := range []struct {
		use, state string
		code       fault.Code
		says       []string
	}{
		{"fine", Same, 0, nil},
		{"score@1.0.0", Changed, abi.CodeDigest, []string{"a.wasm", "plugins.lock", "score@1.0.0", "`featurehost plugin lock`"}},
		{"score", Unlocked, NotLocked, []string{"score@1.1.0", "new.wasm", "which has score@1.0.0", "`featurehost plugin lock`"}},
		{"other", Unlocked, NotLocked, []string{"other@2.0.0"}},
	} {
		e := must2(c.Find(x.use))(t)
		err := l.Check(e)
		if (err == nil) != (x.code == 0) || err != nil && !fault.Is(err, x.code) || l.State(e) != x.state {
			t.Errorf("%s: %v, %s", x.use, err, l.State(e))
		}
		for _, s := range x.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%q does not say %q", err, s)
			}
		}
		if x.state == Changed && (!strings.Contains(err.Error(), e.Digest[:19]) || strings.Contains(err.Error(), e.Digest)) {
			t.Errorf("%q does not tell the digest in short", err)
		}
	}
	var none *Lock
	if e := must2(c.Find("other"))(t); none.Check(e) != nil || none.State(e) != "" {
		t.Error("no lock refuses something")
	}
	var got []string
	must(t, os.Remove(filepath.Join(dir, "b.wasm")))
	for _, d := range l.Differences(discover(t, dir).List()) {
		got = append(got, d.Name+"@"+d.Version+" "+d.What)
	}
	if want := []string{"fine@1.0.0 gone", "other@2.0.0 not locked", "score@1.0.0 changed", "score@1.1.0 not locked"}; !slices.Equal(got, want) {
		t.Errorf("differences %q, want %q", got, want)
	}
}

// Bytes that were checked are the ones that are loaded, whenever the file changes.
func TestBytes_AreTheLockedOnes(t *testing.T) {
	dir := folder(t, map[string]string{"a.wasm": "score@1.0.0"})
	l := lockedFile(t, dir)
	e := must2(discover(t, dir).Find("score"))(t)
	must(t, l.Check(e))
	if b := must2(e.Bytes())(t); digestOf(b) != l.Plugins[0].Digest {
		t.Error("other bytes than the locked ones were given")
	}
	put(t, e.Path, string(module(t, "score", "1.0.0"))+"\x00\x02\x01x")
	if _, err := e.Bytes(); !fault.Is(err, abi.CodeDigest) {
		t.Errorf("a file that changed after the check was given: %v", err)
	}
}

func TestReadLock_Malformed_LineNamed(t *testing.T) {
	digest := `"sha256:` + strings.Repeat("0", 64) + `"`
	entry := "[[plugin]]\nname = \"a\"\nversion = \"1.0.0\"\ndigest = " + digest + "\n"
	for _, c := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"no TOML", "# x\nversion = 1\n[[plu gin]]\n", 3, ""},
		{"text", "version = 1\nhello\n", 2, ""},
		{"no version", entry, 1, "version = 1"},
		{"empty", "", 1, "version = 1"},
		{"a later version", "# x\nversion = 2\nwhatever = 3\n", 2, "version 2, and this build reads version 1"},
		{"a version that is text", "version = \"1\"\n", 1, ""},
		{"unknown key", "version = 1\n" + entry + "colour = 3\n", 6, `unknown key "plugin.colour"`},
		{"twice", "version = 1\n" + entry + "\n" + entry, 7, "a@1.0.0 is locked twice, here and on line 2"},
		{"no name", "version = 1\n[[plugin]]\nversion = \"1.0.0\"\n", 2, "name and version"},
		{"short digest", "version = 1\n" + entry + "\n[[plugin]]\nname = \"b\"\nversion = \"1.0.0\"\ndigest = \"sha256:00\"\n", 10, "64 hexadecimal"},
		{"no digest", "version = 1\n[[plugin]]\nname = \"b\"\nversion = \"1.0.0\"\n", 2, "digest of b@1.0.0"},
		{"a wrong type", "version = 1\n[[plugin]]\nname = 3\n", 3, ""},
	} {
		path := filepath.Join(t.TempDir(), LockFile)
		must(t, os.WriteFile(path, []byte(c.text), 0o644))
		_, err := ReadLock(path)
		if !fault.Is(err, BadLock) || !strings.Contains(err.Error(), fmt.Sprintf("%s:%d: ", path, c.line)) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "toml:") {
			t.Errorf("%s: got %v, want line %d with %q", c.name, err, c.line, c.says)
		}
	}
	if l, err := ReadLock(filepath.Join(t.TempDir(), LockFile)); l != nil || err != nil {
		t.Errorf("no file: %v %v", l, err)
	}
	if _, err := ReadLock(t.TempDir()); !fault.Is(err, BadLock) {
		t.Errorf("a folder: %v", err)
	}
	// A lock without plugins is one that lets none run.
	path := filepath.Join(t.TempDir(), LockFile)
	must(t, os.WriteFile(path, []byte("version = 1\n"), 0o644))
	l := must2(ReadLock(path))(t)
	e := must2(discover(t, folder(t, map[string]string{"a.wasm": "score@1.0.0"})).Find("score"))(t)
	if err := l.Check(e); !fault.Is(err, NotLocked) {
		t.Errorf("got %v", err)
	}
}

// A lock that is a link is followed; one that leads nowhere is not as if there
// were no lock, and a pipe is not waited for.
func TestReadLock_OddFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("lock"), []byte("version = 1\n"), 0o644))
	must(t, os.Symlink("lock", at("link")))
	must(t, os.Symlink("nowhere", at("dangling")))
	must(t, os.Symlink("circle", at("circle")))
	must(t, syscall.Mkfifo(at("pipe"), 0o600))
	if l, err := ReadLock(at("link")); l == nil || err != nil {
		t.Errorf("a link: %v, %v", l, err)
	}
	for name, says := range map[string]string{"dangling": "leads nowhere", "circle": "too many", "pipe": "no file"} {
		l, err := ReadLock(at(name))
		if l != nil || !fault.Is(err, BadLock) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), at(name)) {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add("version = 1\n[[plugin]]\nname = \"a\"\nversion = \"1\"\ndigest = \"sha256:00\"\n")
	f.Add("version = 2")
	f.Fuzz(func(t *testing.T, text string) {
		if _, line, err := parseLock(text); err != nil && (line < 1 || line > 1+strings.Count(text, "\n")) {
			t.Errorf("line %d of %q: %v", line, text, err)
		}
	})
}
