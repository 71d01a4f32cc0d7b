package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// module gives the bytes of a module that is nothing but a manifest.
func module(t testing.TB, name, version string) []byte {
	t.Helper()
	w, err := abi.Pack([]byte("\x00asm\x01\x00\x00\x00"), fmt.Appendf(nil, `{"abi":"1.0","name":%q,"version":%q,"kind":"map",
		"input":{"columns":[{"name":"x","type":"int64","nullable":true}]},"output":{"mode":"init"},
		"config_schema":{"type":"object"},"stateful":false,"deterministic":true}`, name, version))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// folder lays out files; contents that read "name@version" become modules.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		b := []byte(content)
		if name, version, ok := strings.Cut(content, "@"); ok {
			b = module(t, name, version)
		}
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDiscover_Folders_ByManifestNotByFile(t *testing.T) {
	dir := folder(t, map[string]string{
		"zeta.wasm": "alpha@1.0.0", "beta/any.wasm": "beta@2.0.0", "beta/older.wasm": "beta@1.9.0",
		"beta/deep/er.wasm": "gamma@1.0.0", ".hidden.wasm": "hidden@1.0.0", "readme.md": "text", "beta/main.go": "text",
	})
	c, errs := Discover(dir, filepath.Join(dir, "missing"), dir)
	if len(errs) != 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, e := range c.List() {
		got = append(got, e.Name+"@"+e.Version)
		if !strings.HasPrefix(e.Digest, "sha256:") || len(e.Digest) != 71 || e.Manifest == nil || e.Size == 0 {
			t.Errorf("entry %+v", e)
		}
		if b, err := e.Bytes(); err != nil || int64(len(b)) != e.Size {
			t.Errorf("%s: %d bytes, %v", e.Path, len(b), err)
		}
	}
	if want := []string{"alpha@1.0.0", "beta@1.9.0", "beta@2.0.0"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestFind_Use_NewestThatFits(t *testing.T) {
	c, errs := Discover(folder(t, map[string]string{
		"a.wasm": "score@1.2.0", "b.wasm": "score@1.10.0", "c.wasm": "score@1.20.0-rc.1", "d.wasm": "score@2.0.0-rc.1",
		"e.wasm": "score@1.2.3+build5", "only.wasm": "early@0.1.0-beta",
	}))
	if len(errs) != 0 {
		t.Fatal(errs)
	}
	for _, x := range []struct {
		use, version string
		code         fault.Code
		says         string
	}{
		{"score", "1.10.0", 0, ""}, {"score@1", "1.10.0", 0, ""}, {"score@1.2", "1.2.3+build5", 0, ""}, {"score@1.2.0", "1.2.0", 0, ""},
		{"score@1.20", "1.20.0-rc.1", 0, ""}, {"score@2", "2.0.0-rc.1", 0, ""}, {"early", "0.1.0-beta", 0, ""},
		{"score@3", "", NoSuchVersion, "1.2.0, 1.2.3+build5, 1.10.0"}, {"score@", "", NoSuchVersion, ""}, {"score@1.1", "", NoSuchVersion, ""},
		{"scrore", "", UnknownPlugin, `did you mean "score"?`}, {"filtre", "", UnknownPlugin, `did you mean "filter"?`},
		{"something_else", "", UnknownPlugin, "plugin list"}, {"", "", UnknownPlugin, ""},
	} {
		e, err := c.Find(x.use, "filter", "replace")
		if x.code == 0 {
			if err != nil || e.Version != x.version {
				t.Errorf("%s: got %q, %v, want %s", x.use, e.Version, err, x.version)
			}
			continue
		}
		if !fault.Is(err, x.code) || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: got %v, want %v with %q", x.use, err, x.code, x.says)
		}
	}
	empty, _ := Discover(t.TempDir())
	if _, err := empty.Find("score"); !fault.Is(err, UnknownPlugin) || !strings.Contains(err.Error(), "plugins/") {
		t.Errorf("got %v", err)
	}
}

func TestDiscover_SameNameAndVersion_Refused(t *testing.T) {
	c, errs := Discover(folder(t, map[string]string{"a.wasm": "score@1.0.0", "b/c.wasm": "score@1.0.0", "d.wasm": "score@2.0.0", "e.wasm": "fine@1.0.0"}))
	if len(errs) != 1 || !fault.Is(errs[0], DuplicatePlugin) || !strings.Contains(errs[0].Error(), "a.wasm") || !strings.Contains(errs[0].Error(), "c.wasm") {
		t.Errorf("got %v", errs)
	}
	if _, err := c.Find("score@1"); !fault.Is(err, DuplicatePlugin) {
		t.Errorf("got %v", err)
	}
	for _, use := range []string{"score", "fine"} {
		if _, err := c.Find(use); err != nil {
			t.Errorf("%s: %v", use, err)
		}
	}
	broken := 0
	for _, e := range c.List() {
		if fault.Is(e.Err, DuplicatePlugin) {
			broken++
		}
	}
	if broken != 2 {
		t.Errorf("%d entries are marked, want 2", broken)
	}
}

func TestDiscover_BrokenFile_HarmsOnlyItsUser(t *testing.T) {
	dir := folder(t, map[string]string{"good.wasm": "good@1.0.0", "text.wasm": "no wasm", "empty.wasm": "", "bare.wasm": "\x00asm\x01\x00\x00\x00",
		"component.wasm": "\x00asm\x0d\x00\x01\x00"})
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "dangling.wasm")); err != nil {
		t.Fatal(err)
	}
	huge, err := os.Create(filepath.Join(dir, "huge.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := huge.Truncate(maxFile + 1); err != nil {
		t.Fatal(err)
	}
	huge.Close()
	c, errs := Discover(dir)
	if len(errs) != 6 {
		t.Errorf("got %d errors: %v", len(errs), errs)
	}
	if _, err := c.Find("good"); err != nil {
		t.Error(err)
	}
	for name, code := range map[string]fault.Code{"text": abi.CodeNotCoreWasm, "empty": abi.CodeNotCoreWasm, "component": abi.CodeNotCoreWasm,
		"bare": abi.CodeManifest, "dangling": Unreadable, "huge": abi.CodeTooLarge} {
		_, err := c.Find(name)
		if !fault.Is(err, BrokenPlugin) || !fault.Is(err, code) || !strings.Contains(err.Error(), name+".wasm") {
			t.Errorf("%s: got %v, want %v", name, err, code)
		}
	}
}

func TestDiscover_FolderUnreadable_Reported(t *testing.T) {
	dir := folder(t, map[string]string{"file": "text"})
	if _, errs := Discover(filepath.Join(dir, "file")); len(errs) != 1 || !fault.Is(errs[0], Unreadable) {
		t.Errorf("got %v", errs)
	}
}

func TestBytes_FileChanged_Refused(t *testing.T) {
	dir := folder(t, map[string]string{"a.wasm": "score@1.0.0"})
	c, _ := Discover(dir)
	e, err := c.Find("score")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.Path, module(t, "score", "1.0.1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Bytes(); !fault.Is(err, abi.CodeDigest) {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(e.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Bytes(); !fault.Is(err, Unreadable) {
		t.Errorf("got %v", err)
	}
}

// Precedence as semver.org has it, and a total order.
func TestCompareVersions_Precedence(t *testing.T) {
	ordered := []string{"", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
		"1.0.0", "1.0.0+a", "1.0.1", "1.2.0", "1.10.0", "2.0.0"}
	rapid.Check(t, func(rt *rapid.T) {
		i, j := rapid.IntRange(0, len(ordered)-1).Draw(rt, "i"), rapid.IntRange(0, len(ordered)-1).Draw(rt, "j")
		got := compareVersions(ordered[i], ordered[j])
		if sign(got) != sign(i-j) {
			rt.Fatalf("%q and %q compare as %d", ordered[i], ordered[j], got)
		}
	})
}

func sign(n int) int { return max(-1, min(1, n)) }

func TestCodes_AllExplained(t *testing.T) {
	for _, d := range Codes() {
		if d.Code < 201 || d.Code > 209 || d.Title == "" || d.Explain == "" {
			t.Errorf("%+v", d)
		}
	}
}
