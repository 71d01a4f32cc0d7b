package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/regular"
)

// manifestFile holds the manifest of a process plugin.
const manifestFile = "manifest.json"

// A folder is read whole whenever plugins are looked for: one above these limits
// is refused instead. They leave room for a Python plugin with its libraries.
const (
	maxFolderBytes = 1 << 30
	maxFolderFiles = 50_000
)

// readFolder makes the entry of a process plugin: a folder NAME with the program
// NAME and manifest.json. NAME is that of the link where the folder is one.
func readFolder(path string) Entry {
	e := Entry{Name: nameOf(path), Path: path, Transport: Process}
	var f contents
	real, err := target(path)
	if err == nil {
		e.Path = real
		f, err = digestFolder(real)
	}
	e.Digest, e.Size = f.digest, f.size
	if err == nil {
		e.Manifest, err = f.plugin(e.Name)
	}
	if err != nil {
		e.Manifest, e.Err = nil, fault.As(err).At("%s", path)
		return e
	}
	e.Version = e.Manifest.Version
	return e
}

// target is the folder that a path stands for, when it is a link. A link is
// followed this once: what it leads to now is digested, checked and started, also
// when it leads elsewhere by then.
func target(path string) (string, error) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return path, fault.Wrap(err, Unreadable, "the plugin's folder cannot be read")
	}
	return path, nil
}

// nameOf is the name of a folder, also of one that is named by a way to it.
func nameOf(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return filepath.Base(path)
}

// Program is the executable of a process plugin.
func (e Entry) Program() string { return filepath.Join(e.Path, e.Name) }

// Unchanged reads the folder of a process plugin again and refuses it when it is
// no longer what was found. The program is started from the folder afterwards:
// whoever may write there can still change it in between, other than with a
// module, whose checked bytes are the ones that run.
func (e Entry) Unchanged() error {
	f, err := digestFolder(e.Path)
	if err == nil && f.digest != e.Digest {
		err = fault.New(abi.CodeDigest, "the folder was %s when it was found and is %s now", Short(e.Digest), Short(f.digest))
	}
	if err != nil {
		return fault.As(err).At("%s", e.Path)
	}
	return nil
}

// contents is what was read of a folder.
type contents struct {
	digest   string
	size     int64
	modes    map[string]fs.FileMode // of the files, by path
	manifest []byte
}

// plugin checks the folder of a process plugin and reads its manifest.
func (f contents) plugin(name string) (*abi.Manifest, error) {
	if f.manifest == nil {
		return nil, fault.New(abi.CodeManifest, "the folder of a process plugin holds the file %s", manifestFile)
	}
	m, err := abi.ParseManifest(f.manifest)
	if err != nil {
		return nil, fault.New(fault.Code(abi.CodeOf(err)), "%s: %v", manifestFile, err)
	}
	if m.Name != name {
		return nil, fault.New(abi.CodeManifest, "%s names the plugin %q, and its folder is %q: they must be the same", manifestFile, m.Name, name).
			WithHint("rename the folder, and the program in it, to %s", m.Name)
	}
	switch mode, ok := f.modes[name]; {
	case !ok:
		return nil, fault.New(Unreadable, "the folder of a process plugin holds a program of the same name, and there is no %q", name).
			WithHint("build it; a Wasm plugin has its .wasm file there, or beside the folder")
	case mode&0o111 == 0:
		return nil, fault.New(Unreadable, "the program %q cannot be executed: its mode is %v", name, mode.Perm()).WithHint("chmod +x it")
	}
	return m, nil
}

// digestFolder digests the files of a folder: sha256 over a line for each, in
// the order of their paths, of its own sha256, x when it may be executed or else
// -, and its path. Links in it are followed to files. Hidden files and folders and
// __pycache__ are left out: they come and go as programs run.
func digestFolder(root string) (contents, error) {
	f := contents{modes: map[string]fs.FileMode{}}
	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fault.Wrap(err, Unreadable, "the plugin's folder cannot be read")
		case path == root:
			return nil
		case strings.HasPrefix(d.Name(), ".") || d.Name() == "__pycache__":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		if len(paths) == maxFolderFiles {
			return fault.New(abi.CodeTooLarge, "the folder has more than %d files", maxFolderFiles)
		}
		relative, err := filepath.Rel(root, path)
		paths = append(paths, filepath.ToSlash(relative))
		return err
	})
	if err != nil {
		return f, err
	}
	slices.Sort(paths)
	all := sha256.New()
	for _, path := range paths {
		sum, err := f.file(root, path)
		if err != nil {
			return f, err
		}
		mark := "-"
		if f.modes[path]&0o111 != 0 {
			mark = "x"
		}
		fmt.Fprintf(all, "%x %s %q\n", sum, mark, path)
	}
	f.digest = digestPrefix + hex.EncodeToString(all.Sum(nil))
	return f, nil
}

// file digests one file and notes what it is.
func (f *contents) file(root, path string) ([]byte, error) {
	in, info, err := regular.Open(filepath.Join(root, filepath.FromSlash(path)))
	switch {
	case errors.Is(err, regular.ErrOther):
		return nil, fault.New(Unreadable, "%q is neither a file nor a folder, nor a link to a file", path).
			WithHint("a digest covers files only: remove it, or give it a name that begins with a dot")
	case err != nil:
		return nil, fault.Wrap(err, Unreadable, "a file of the plugin cannot be opened")
	}
	defer in.Close() //nolint:errcheck // only read
	f.modes[path] = info.Mode()
	sum := sha256.New()
	into := io.Writer(sum)
	var text limited
	if path == manifestFile {
		text.most = abi.MaxManifest + 1
		into = io.MultiWriter(sum, &text)
	}
	n, err := io.Copy(into, io.LimitReader(in, maxFolderBytes-f.size+1))
	if err != nil {
		return nil, fault.Wrap(err, Unreadable, "%q cannot be read", path)
	}
	if f.size += n; f.size > maxFolderBytes {
		return nil, fault.New(abi.CodeTooLarge, "the folder has more than %d bytes", maxFolderBytes)
	}
	if path == manifestFile {
		f.manifest = append([]byte{}, text.bytes...)
	}
	return sum.Sum(nil), nil
}

// limited keeps the first bytes that are written to it.
type limited struct {
	bytes []byte
	most  int
}

func (l *limited) Write(p []byte) (int, error) {
	l.bytes = append(l.bytes, p[:min(len(p), l.most-len(l.bytes))]...)
	return len(p), nil
}
