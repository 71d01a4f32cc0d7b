package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/featurehost/featurehost/host/fault"
)

// Local is a Store in a folder of the local machine, or of a file system that
// several machines mount. It is also Folders.
type Local struct {
	root     string
	hook     Hook
	exchange func(a, b string) error // of the operating system
}

// NewLocal gives the store in folder root, which need not exist yet. hook may
// be nil.
func NewLocal(root string, hook Hook) *Local {
	return &Local{root: filepath.Clean(root), hook: hook, exchange: exchange}
}

// Get implements Store.
func (l *Local) Get(ctx context.Context, key string) ([]byte, error) {
	if err := l.check(ctx, key); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(l.Path(key))
	return data, l.failed("read", key, err)
}

// Stat implements Store.
func (l *Local) Stat(ctx context.Context, key string) (Info, error) {
	if err := l.check(ctx, key); err != nil {
		return Info{}, err
	}
	st, err := os.Stat(l.Path(key))
	if err == nil && !st.Mode().IsRegular() {
		err = ErrNotExist
	}
	if err != nil {
		return Info{}, l.failed("stat", key, err)
	}
	return Info{Key: key, Size: st.Size(), Modified: st.ModTime()}, nil
}

// List implements Store.
func (l *Local) List(ctx context.Context, prefix string) ([]Info, error) {
	folder := strings.TrimSuffix(prefix, "/")
	if prefix != "" && folder == prefix {
		return nil, fault.New(BadKey, "prefix %q names no folder: end it with a slash", prefix)
	}
	if folder != "" {
		if err := CheckKey(folder); err != nil {
			return nil, err
		}
	}
	var out []Info
	err := filepath.WalkDir(l.Path(folder), func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case errors.Is(err, ErrNotExist):
			return nil // never made, or removed while we walk
		case err != nil:
			return err
		case !d.Type().IsRegular() || strings.HasPrefix(d.Name(), tempPrefix):
			return nil
		}
		st, err := d.Info()
		if errors.Is(err, ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(l.root, p)
		if err != nil {
			return err
		}
		out = append(out, Info{Key: filepath.ToSlash(rel), Size: st.Size(), Modified: st.ModTime()})
		return nil
	})
	// A walk goes folder by folder; as keys, "a-b" comes before "a/b".
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out, l.failed("list", prefix, err)
}

// Put implements Store.
func (l *Local) Put(ctx context.Context, key string, data []byte) error {
	temp, err := l.stage(ctx, key, data)
	if err != nil {
		return err
	}
	if err := l.do(Op{Kind: Rename, Key: temp, To: key}, func() error {
		return os.Rename(l.Path(temp), l.Path(key))
	}); err != nil {
		l.drop(temp)
		return err
	}
	return l.SyncDir(ctx, parent(key))
}

// PutIfAbsent implements Store: the object is written under another name and
// then linked to its key, so that whoever sees the key sees all of it.
func (l *Local) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	temp, err := l.stage(ctx, key, data)
	if err != nil {
		return err
	}
	err = l.do(Op{Kind: Link, Key: temp, To: key}, func() error {
		err := os.Link(l.Path(temp), l.Path(key))
		if errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) {
			// A file system without hard links.
			err = renameIfAbsent(l.Path(temp), l.Path(key))
			if errors.Is(err, errors.ErrUnsupported) {
				return fault.Wrap(err, Unsupported, "neither hard links nor exclusive renames work here").At("%s", l.root)
			}
		}
		return err
	})
	if err != nil {
		l.drop(temp)
		return err
	}
	if err := l.SyncDir(ctx, parent(key)); err != nil {
		return err
	}
	l.drop(temp)
	return nil
}

// Delete implements Store.
func (l *Local) Delete(ctx context.Context, key string) error {
	if err := l.check(ctx, key); err != nil {
		return err
	}
	err := l.do(Op{Kind: Remove, Key: key}, func() error { return os.Remove(l.Path(key)) })
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.SyncDir(ctx, parent(key))
}

// stage writes data durably beside key, under a name that is no object.
func (l *Local) stage(ctx context.Context, key string, data []byte) (temp string, err error) {
	if err := l.check(ctx, key); err != nil {
		return "", err
	}
	if err := l.MakeDir(ctx, parent(key)); err != nil {
		return "", err
	}
	var unique [8]byte
	rand.Read(unique[:])
	temp = path.Join(parent(key), tempPrefix+path.Base(key)+"-"+hex.EncodeToString(unique[:]))
	f, err := l.create(temp)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		l.drop(temp)
		return "", err
	}
	return temp, nil
}

// drop removes a file that is no object. Nothing depends on its success.
func (l *Local) drop(temp string) {
	_ = l.do(Op{Kind: Remove, Key: temp}, func() error { return os.Remove(l.Path(temp)) })
}

// Sweep removes what killed processes left below folder: files that never
// became objects and have not been written for as long as age. A write that is
// still going on is not that slow.
func (l *Local) Sweep(ctx context.Context, folder string, age time.Duration) error {
	if err := l.check(ctx, folder); err != nil {
		return err
	}
	err := filepath.WalkDir(l.Path(folder), func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !d.Type().IsRegular() || !strings.HasPrefix(d.Name(), tempPrefix) {
			return err
		}
		st, err := d.Info()
		if err == nil && time.Since(st.ModTime()) >= age {
			err = os.Remove(p)
		}
		if errors.Is(err, ErrNotExist) {
			return nil // its writer was faster
		}
		return err
	})
	if errors.Is(err, ErrNotExist) {
		return nil // there is no such folder
	}
	return l.failed("sweep", folder, err)
}

// do announces an operation and does it.
func (l *Local) do(op Op, f func() error) error {
	if l.hook != nil {
		if err := l.hook(op); err != nil {
			return l.failed(string(op.Kind), op.Key, err)
		}
	}
	return l.failed(string(op.Kind), op.Key, f())
}

func (l *Local) check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return CheckKey(key)
}

// failed gives err as this room's error.
func (l *Local) failed(verb, key string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || fault.As(err) != nil {
		return err
	}
	return fault.Wrap(err, IO, "%s refused", verb).At("%s", l.Path(key))
}

// parent is the folder of a key, "" for the root.
func parent(key string) string {
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		return key[:i]
	}
	return ""
}
