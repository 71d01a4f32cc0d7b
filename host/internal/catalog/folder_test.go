package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

func manifest(name, version string) string {
	return fmt.Sprintf(`{"abi":"1.0","name":%q,"version":%q,"kind":"map",
		"input":{"columns":[{"name":"x","type":"int64","nullable":true}]},"output":{"mode":"init"},
		"config_schema":{"type":"object"},"stateful":false,"deterministic":true}`, name, version)
}

// process lays out the folder of a process plugin among others.
func process(t testing.TB, name string) (plugins, path string) {
	t.Helper()
	plugins = folder(t, map[string]string{
		name + "/" + name: "#!/bin/sh\n", name + "/manifest.json": manifest(name, "1.0.0"), name + "/lib/a.py": "a", name + "/lib.py": "b",
	})
	path = filepath.Join(plugins, name)
	if err := os.Chmod(filepath.Join(path, name), 0o755); err != nil {
		t.Fatal(err)
	}
	return plugins, path
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ABI-M-001: the folder of a process plugin is an entry like any other.
func TestDiscover_ProcessFolder_Found(t *testing.T) {
	plugins, path := process(t, "score")
	c, errs := Discover(plugins)
	if len(errs) != 0 {
		t.Fatal(errs)
	}
	e, err := c.Find("score@1")
	if err != nil {
		t.Fatal(err)
	}
	if e.Transport != Process || e.Path != path || e.Version != "1.0.0" || e.Dir != plugins || len(e.Digest) != 71 || e.Size == 0 || e.Program() != filepath.Join(path, "score") {
		t.Errorf("%+v", e)
	}
	if err := e.Unchanged(); err != nil {
		t.Error(err)
	}
	if again := Read(path + "/"); again.Digest != e.Digest || again.Name != "score" {
		t.Errorf("%+v", again)
	}
	t.Chdir(path)
	if here := Read("."); here.Digest != e.Digest || here.Name != "score" {
		t.Errorf("%+v", here)
	}
}

func TestDiscover_ProcessFolder_Broken(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(t *testing.T, path string)
		code fault.Code
		says string
	}{
		{"no program", func(t *testing.T, path string) { must(t, os.Remove(filepath.Join(path, "score"))) }, Unreadable, `there is no "score"`},
		{"program that cannot be executed", func(t *testing.T, path string) { must(t, os.Chmod(filepath.Join(path, "score"), 0o644)) }, Unreadable, "chmod +x"},
		{"program that is a folder", func(t *testing.T, path string) {
			must(t, os.Remove(filepath.Join(path, "score")))
			put(t, filepath.Join(path, "score", "x"), "x")
		}, Unreadable, `there is no "score"`},
		{"another name", func(t *testing.T, path string) {
			put(t, filepath.Join(path, "manifest.json"), manifest("other", "1.0.0"))
		}, abi.CodeManifest, `names the plugin "other", and its folder is "score"`},
		{"no JSON", func(t *testing.T, path string) { put(t, filepath.Join(path, "manifest.json"), "text") }, abi.CodeManifest, "manifest.json"},
		{"another ABI", func(t *testing.T, path string) {
			put(t, filepath.Join(path, "manifest.json"), strings.Replace(manifest("score", "1.0.0"), `"1.0"`, `"2.0"`, 1))
		}, abi.CodeABIVersion, "2.0"},
		{"a manifest that is too large", func(t *testing.T, path string) {
			put(t, filepath.Join(path, "manifest.json"), manifest("score", "1.0.0")+strings.Repeat(" ", abi.MaxManifest))
		}, abi.CodeManifest, ""},
		{"a dangling link", func(t *testing.T, path string) { must(t, os.Symlink("nowhere", filepath.Join(path, "link"))) }, Unreadable, "link"},
		{"a link to a folder", func(t *testing.T, path string) { must(t, os.Symlink("lib", filepath.Join(path, "link"))) }, Unreadable, `"link" is neither`},
		{"a pipe", func(t *testing.T, path string) { must(t, syscall.Mkfifo(filepath.Join(path, "pipe"), 0o644)) }, Unreadable, `"pipe" is neither`},
	} {
		t.Run(c.name, func(t *testing.T) {
			plugins, path := process(t, "score")
			put(t, filepath.Join(plugins, "fine.wasm"), string(module(t, "fine", "1.0.0")))
			c.harm(t, path)
			found, errs := Discover(plugins)
			if len(errs) != 1 {
				t.Errorf("errors: %v", errs)
			}
			if _, err := found.Find("fine"); err != nil {
				t.Error(err)
			}
			_, err := found.Find("score")
			if !fault.Is(err, BrokenPlugin) || !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %v with %q", err, c.code, c.says)
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The sources of a Wasm plugin hold a manifest.json too, and perhaps a program
// that was built by accident.
func TestDiscover_FolderWithModule_IsNoProcess(t *testing.T) {
	plugins, path := process(t, "score")
	put(t, filepath.Join(path, "score.wasm"), string(module(t, "score", "1.0.0")))
	c, errs := Discover(plugins)
	if e, err := c.Find("score"); len(errs) != 0 || err != nil || e.Transport != Wasm {
		t.Errorf("%+v %v %v", e, err, errs)
	}
}

// A program and a module of the same name and version are two plugins (C1).
func TestDiscover_ProcessAndModule_SameName_Refused(t *testing.T) {
	plugins, _ := process(t, "score")
	put(t, filepath.Join(plugins, "score.wasm"), string(module(t, "score", "1.0.0")))
	c, _ := Discover(plugins)
	if _, err := c.Find("score"); !fault.Is(err, DuplicatePlugin) {
		t.Errorf("got %v", err)
	}
}

// What the digest of a folder covers, and what it does not.
func TestFolder_Digest_Covers(t *testing.T) {
	for _, c := range []struct {
		name    string
		do      func(t *testing.T, path string)
		changes bool
	}{
		{"a byte of a file", func(t *testing.T, path string) { put(t, filepath.Join(path, "lib.py"), "c") }, true},
		{"a new file", func(t *testing.T, path string) { put(t, filepath.Join(path, "more"), "") }, true},
		{"a file that is gone", func(t *testing.T, path string) { must(t, os.Remove(filepath.Join(path, "lib.py"))) }, true},
		{"a file in another place", func(t *testing.T, path string) {
			must(t, os.Rename(filepath.Join(path, "lib", "a.py"), filepath.Join(path, "a.py")))
		}, true},
		{"leave to execute", func(t *testing.T, path string) { must(t, os.Chmod(filepath.Join(path, "lib.py"), 0o755)) }, true},
		{"what a link leads to", func(t *testing.T, path string) {
			put(t, filepath.Join(path, "..", "elsewhere"), "b")
			must(t, os.Remove(filepath.Join(path, "lib.py")))
			must(t, os.Symlink("../elsewhere", filepath.Join(path, "lib.py")))
		}, false},
		{"other leave", func(t *testing.T, path string) { must(t, os.Chmod(filepath.Join(path, "lib.py"), 0o600)) }, false},
		{"hidden files", func(t *testing.T, path string) {
			put(t, filepath.Join(path, ".venv", "lib", "x.py"), "x")
			put(t, filepath.Join(path, ".log"), "x")
		}, false},
		{"compiled Python", func(t *testing.T, path string) { put(t, filepath.Join(path, "lib", "__pycache__", "a.pyc"), "x") }, false},
		{"an empty folder", func(t *testing.T, path string) { must(t, os.Mkdir(filepath.Join(path, "empty"), 0o755)) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, path := process(t, "score")
			before := Read(path)
			c.do(t, path)
			after := Read(path)
			if before.Err != nil || after.Err != nil {
				t.Fatal(before.Err, after.Err)
			}
			if (before.Digest != after.Digest) != c.changes {
				t.Errorf("%s, then %s", before.Digest, after.Digest)
			}
			if err := before.Unchanged(); (err != nil) != c.changes || err != nil && !fault.Is(err, abi.CodeDigest) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The digest is one that a person can make with sha256sum.
func TestFolder_Digest_AsDocumented(t *testing.T) {
	plugins := folder(t, map[string]string{"p/manifest.json": manifest("p", "1.0.0"), "p/p": "run", "p/a.b": "1", "p/a/b": "2"})
	must(t, os.Chmod(filepath.Join(plugins, "p", "p"), 0o755))
	hex := func(s string) string { return strings.TrimPrefix(digestOf([]byte(s)), "sha256:") }
	list := fmt.Sprintf("%s - \"a.b\"\n%s - \"a/b\"\n%s - \"manifest.json\"\n%s x \"p\"\n", hex("1"), hex("2"), hex(manifest("p", "1.0.0")), hex("run"))
	if got, want := Read(filepath.Join(plugins, "p")).Digest, digestOf([]byte(list)); got != want {
		t.Errorf("got %s, want %s of\n%s", got, want, list)
	}
}

// A pipe that has the name of a module is no plugin, and nobody waits for it.
func TestDiscover_PipeNamedAsModule_NotWaitedFor(t *testing.T) {
	dir := folder(t, map[string]string{"a.wasm": "alpha@1.0.0"})
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe.wasm"), 0o600))
	must(t, syscall.Mkfifo(filepath.Join(dir, "link"), 0o600))
	must(t, os.Symlink("link", filepath.Join(dir, "linked.wasm")))
	c, errs := Discover(dir)
	if _, err := c.Find("alpha"); err != nil || len(errs) != 2 {
		t.Errorf("%v, %v", err, errs)
	}
	for _, name := range []string{"pipe", "linked"} {
		if _, err := c.Find(name); !fault.Is(err, Unreadable) || !strings.Contains(err.Error(), "no file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
