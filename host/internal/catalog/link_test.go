package catalog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// linked lays out a plugin folder whose plugin score is a link to a folder
// elsewhere, of another name.
func linked(t testing.TB) (plugins, real string) {
	t.Helper()
	base, path := process(t, "score")
	real = filepath.Join(base, "real", "score-1.0.0")
	must(t, os.Mkdir(filepath.Dir(real), 0o755))
	must(t, os.Rename(path, real))
	plugins = filepath.Join(base, "plugins")
	must(t, os.Mkdir(plugins, 0o755))
	must(t, os.Symlink("../real/score-1.0.0", filepath.Join(plugins, "score")))
	return plugins, real
}

// A link to the folder of a process plugin is that plugin, under the link's name,
// with the digest of what it leads to.
func TestDiscover_LinkToFolder_Followed(t *testing.T) {
	plugins, real := linked(t)
	must(t, os.Mkdir(filepath.Join(real, "..", "modules"), 0o755))
	put(t, filepath.Join(real, "..", "modules", "m.wasm"), string(module(t, "m", "1.0.0")))
	must(t, os.Symlink(filepath.Join(real, "..", "modules"), filepath.Join(plugins, "more")))
	c := discover(t, plugins)
	e := must2(c.Find("score"))(t)
	want := must2(digestFolder(real))(t)
	if e.Transport != Process || e.Version != "1.0.0" || e.Digest != want.digest || e.Size != want.size || e.Dir != plugins {
		t.Errorf("%+v", e)
	}
	if info, err := os.Stat(e.Program()); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("the program %s: %v", e.Program(), err)
	}
	must(t, e.Unchanged())
	for _, way := range []string{filepath.Join(plugins, "score"), filepath.Join(plugins, "score") + "/"} {
		if named := Read(way); named.Err != nil || named.Digest != e.Digest || named.Name != "score" {
			t.Errorf("%s: %+v", way, named)
		}
	}
	if m := must2(c.Find("m"))(t); m.Path != filepath.Join(plugins, "more", "m.wasm") {
		t.Errorf("%+v", m)
	}
	if n := len(c.List()); n != 2 {
		t.Errorf("%d entries", n)
	}
}

// A plugin folder may be a link itself, also behind a relative path.
func TestDiscover_RootIsLink_Followed(t *testing.T) {
	plugins, path := process(t, "score")
	put(t, filepath.Join(plugins, "a.wasm"), string(module(t, "alpha", "1.0.0")))
	digest := Read(path).Digest
	at := t.TempDir()
	must(t, os.Symlink(plugins, filepath.Join(at, "plugins")))
	t.Chdir(at)
	for _, dir := range []string{"plugins", "./plugins/", filepath.Join(at, "plugins")} {
		c := discover(t, dir)
		e := must2(c.Find("score"))(t)
		if e.Digest != digest || e.Unchanged() != nil || len(c.List()) != 2 {
			t.Errorf("%s: %+v", dir, e)
		}
	}
}

// ABI-M-004: a link that leads elsewhere is another plugin to the lock. What was
// found and checked is what runs: the link is followed once.
func TestLink_Changed_Refused(t *testing.T) {
	plugins, real := linked(t)
	l := lockedFile(t, plugins)
	found := must2(discover(t, plugins).Find("score"))(t)
	must(t, l.Check(found))

	other := real + "-evil"
	must(t, os.CopyFS(other, os.DirFS(real)))
	put(t, filepath.Join(other, "lib.py"), "evil")
	must(t, os.Remove(filepath.Join(plugins, "score")))
	must(t, os.Symlink(other, filepath.Join(plugins, "score")))

	again := must2(discover(t, plugins).Find("score"))(t)
	if err := l.Check(again); !fault.Is(err, abi.CodeDigest) || l.State(again) != Changed {
		t.Errorf("got %v", err)
	}
	if err := found.Unchanged(); err != nil || filepath.Dir(found.Program()) != must2(filepath.EvalSymlinks(real))(t) {
		t.Errorf("what was found runs from %s: %v", found.Program(), err)
	}
	put(t, filepath.Join(real, "lib.py"), "changed")
	if err := found.Unchanged(); !fault.Is(err, abi.CodeDigest) {
		t.Errorf("got %v", err)
	}
}

// Links that lead nowhere, or in circles, harm nobody but who names them.
func TestDiscover_OddLinks(t *testing.T) {
	for _, c := range []struct {
		name, to string
		broken   fault.Code // 0: there is no such entry
		says     string
	}{
		{"gone", "../nowhere", Unreadable, "no such file"},
		{"self", "self", Unreadable, "too many"},
		{"a_file", "readme.md", 0, ""},
		{"here", ".", 0, ""},
		{"up", "..", 0, ""},
		{"alias", "beta", 0, ""},
		{"empty", "nothing", 0, ""},
		{"other", "score", abi.CodeManifest, `names the plugin "score", and its folder is "other"`},
		{"copy.wasm", "alpha.wasm", 0, ""},
		{".hidden", "score", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			plugins, _ := process(t, "score")
			put(t, filepath.Join(plugins, "alpha.wasm"), string(module(t, "alpha", "1.0.0")))
			put(t, filepath.Join(plugins, "beta", "b.wasm"), string(module(t, "beta", "1.0.0")))
			put(t, filepath.Join(plugins, "readme.md"), "text")
			must(t, os.Mkdir(filepath.Join(plugins, "nothing"), 0o755))
			must(t, os.Symlink(c.to, filepath.Join(plugins, c.name)))
			found, errs := Discover(plugins)
			var names []string
			for _, e := range found.List() {
				names = append(names, e.Name)
			}
			want := []string{"alpha", "beta", "score"}
			if c.broken != 0 {
				want = append(want, c.name)
				slices.Sort(want)
				_, err := found.Find(c.name)
				if !fault.Is(err, c.broken) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), filepath.Join(plugins, c.name)) {
					t.Errorf("got %v, want %v with %q", err, c.broken, c.says)
				}
			}
			if !slices.Equal(names, want) || len(errs) != len(want)-3 {
				t.Errorf("found %v, want %v; %v", names, want, errs)
			}
			for _, name := range []string{"alpha", "beta", "score"} {
				if e, err := found.Find(name); err != nil || strings.Contains(strings.TrimPrefix(e.Path, plugins), c.name) {
					t.Errorf("%s: %s, %v", name, e.Path, err)
				}
			}
		})
	}
}

// A file that two links lead to is found once; other bytes of the same name and
// version are still two plugins (C1).
func TestDiscover_LinksToTwoFolders_Refused(t *testing.T) {
	base := folder(t, map[string]string{"x/m.wasm": "m@1.0.0", "y/m.wasm": "m@1.0.0"})
	plugins := t.TempDir()
	for link, to := range map[string]string{"a": "x", "b": "x"} {
		must(t, os.Symlink(filepath.Join(base, to), filepath.Join(plugins, link)))
	}
	if c := discover(t, plugins); len(c.List()) != 1 {
		t.Errorf("%+v", c.List())
	}
	must(t, os.Symlink(filepath.Join(base, "y"), filepath.Join(plugins, "c")))
	c, _ := Discover(plugins)
	if _, err := c.Find("m"); !fault.Is(err, DuplicatePlugin) {
		t.Errorf("got %v", err)
	}
}
