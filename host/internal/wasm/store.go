package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/featurehost/featurehost/host/fault"
)

// store keeps the native code of one module: in memory, and in a folder of its
// own below the engine's. The engine runs what it finds there, and checks little
// of it; so each file has another beside it with its sha256, and one that does not
// agree with it is removed before the engine looks.
type store struct {
	dir string // of the engine; empty keeps nothing on disk

	mu    sync.Mutex
	cache wazero.CompilationCache
}

const (
	sumSuffix = ".sha256"
	newSuffix = ".tmp" // of files that are being written
	// newFor is how long a file may be written; then its writer is gone.
	newFor = time.Hour
)

func (e *Engine) store() *store { return &store{dir: e.dir} }

// compile gives native code for a module, as it is metered. A folder that cannot
// be used costs time, not the run.
func (s *store) compile(code []byte, pages uint32) (wazero.Runtime, wazero.CompiledModule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" || s.cache != nil {
		return s.inMemory(code, pages)
	}
	dir := filepath.Join(s.dir, sumText(code))
	if err := verify(dir); err != nil {
		return s.inMemory(code, pages)
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return s.inMemory(code, pages)
	}
	rt, c, err := compile(cache, code, pages)
	if err != nil { // of the module, or of the folder
		_ = cache.Close(context.Background())
		_ = os.RemoveAll(dir)
		return s.inMemory(code, pages)
	}
	s.cache = cache
	seal(dir)
	return rt, c, nil
}

// inMemory compiles with the cache that there is, or with one that keeps nothing
// on disk.
func (s *store) inMemory(code []byte, pages uint32) (wazero.Runtime, wazero.CompiledModule, error) {
	if s.cache == nil {
		s.cache = wazero.NewCompilationCache()
	}
	return compile(s.cache, code, pages)
}

// close ends it, after the machines that share it.
func (s *store) close(ctx context.Context) error {
	if s.cache == nil {
		return nil
	}
	return s.cache.Close(ctx)
}

// verify removes all files of a module's folder that are not what was written,
// and all of which nobody can tell.
func verify(dir string) error {
	return eachEntry(dir, func(path string, info fs.FileInfo) error {
		switch {
		case strings.HasSuffix(path, newSuffix) && time.Since(info.ModTime()) < newFor: // another host's
			return nil
		case strings.HasSuffix(path, sumSuffix) || sealed(path):
			return nil
		}
		return os.Remove(path)
	})
}

// sealed tells whether a file has the sha256 that stands beside it.
func sealed(path string) bool {
	want, err := os.ReadFile(path + sumSuffix)
	if err != nil {
		return false
	}
	got, err := sumOf(path)
	return err == nil && got == string(want)
}

// seal writes the sha256 of each file that has none. A file that it misses is
// removed by the next one who looks, and made anew.
func seal(dir string) {
	_ = eachEntry(dir, func(path string, _ fs.FileInfo) error {
		if strings.HasSuffix(path, newSuffix) || strings.HasSuffix(path, sumSuffix) {
			return nil
		}
		if _, err := os.Stat(path + sumSuffix); err == nil && sealed(path) {
			return nil
		}
		sum, err := sumOf(path)
		if err != nil {
			return err
		}
		return replace(path+sumSuffix, sum)
	})
}

// replace writes a small file at once.
func replace(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "*"+newSuffix)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// eachEntry calls f for the files below dir; a dir that is not there has none. What
// is no regular file is removed: the engine does not make such.
func eachEntry(dir string, f func(path string, info fs.FileInfo) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil && !d.IsDir() {
			info, err = d.Info()
		}
		switch {
		case err != nil || d.IsDir():
		case !info.Mode().IsRegular():
			err = os.Remove(path)
		default:
			err = f(path, info)
		}
		if errors.Is(err, fs.ErrNotExist) { // another host was faster
			return nil
		}
		return err
	})
}

func sumOf(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return sumText(b), nil
}

func sumText(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// privateDir makes a folder that only its owner can read or write: what lies in
// it is run as native code. One that others could write to may hold code of
// theirs, which is removed.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(err, CacheUnusable, "the compile cache %q cannot be made", dir)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fault.Wrap(err, CacheUnusable, "the compile cache %q cannot be used", dir)
	}
	if !owned(info) {
		return fault.New(CacheUnusable, "the compile cache %q belongs to another user", dir).
			WithHint("it holds native code: give it to the user who runs featurehost, or remove it")
	}
	open := info.Mode().Perm() & 0o077
	if open == 0 {
		return nil
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fault.Wrap(err, CacheUnusable, "the compile cache %q is open to other users", dir).
			WithHint("chmod 700 it: it holds native code")
	}
	if open&0o022 == 0 {
		return nil
	}
	if err := empty(dir); err != nil {
		return fault.Wrap(err, CacheUnusable, "the compile cache %q was open to other users and cannot be emptied", dir).
			WithHint("remove it: it is made anew")
	}
	return nil
}

// empty removes what hosts may have made in a cache, and nothing else.
func empty(dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, d := range list {
		b, err := hex.DecodeString(d.Name())
		if ours := err == nil && len(b) == sha256.Size || strings.HasPrefix(d.Name(), "wazero-"); !ours {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, d.Name())); err != nil {
			return err
		}
	}
	return nil
}
