package blob

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"syscall"
)

// Folders is what a local publication needs beyond objects: files written in
// place, and whole folders that move at once. Object stores do not have it.
type Folders interface {
	// Path is the file name of a key; "" gives the root.
	Path(key string) string
	// Create makes a new file and the folders above it; the caller syncs and
	// closes it. A file of that key is replaced.
	Create(ctx context.Context, key string) (File, error)
	// MakeDir makes a folder and those above it, durably.
	MakeDir(ctx context.Context, key string) error
	// ReadDir gives the names in a folder, ascending; an absent one is empty.
	ReadDir(ctx context.Context, key string) ([]string, error)
	// Exists says whether a file or folder is there.
	Exists(ctx context.Context, key string) (bool, error)
	// SyncDir makes the entries of a folder durable: names made in it, moved
	// into it and out of it.
	SyncDir(ctx context.Context, key string) error
	// Append opens a file to write more at its end.
	Append(ctx context.Context, key string) (File, error)
	// Writable says whether files can be made in the folder, or in the nearest
	// one above it that exists, without making any.
	Writable(ctx context.Context, key string) error
	// Rename moves a file or folder and makes the folders above its new place.
	// A file at the new place is replaced; a folder there must be empty.
	Rename(ctx context.Context, from, to string) error
	// Exchange swaps two folders. On Linux it is one step (renameat2
	// RENAME_EXCHANGE): every reader finds one folder or the other. Where the
	// kernel or the file system has no such call, b moves aside to spare, then
	// a moves to b: b is absent for that moment, and after a crash in it.
	Exchange(ctx context.Context, a, b, spare string) error
	// Remove removes a file or an empty folder; an absent one is no error.
	Remove(ctx context.Context, key string) error
	// RemoveAll removes a folder with all that is in it, deepest first, in
	// ascending order; an absent one is no error.
	RemoveAll(ctx context.Context, key string) error
}

// File is a file being written.
type File interface {
	io.WriteCloser
	// Sync makes the bytes durable.
	Sync() error
}

// Path implements Folders.
func (l *Local) Path(key string) string { return filepath.Join(l.root, filepath.FromSlash(key)) }

// Create implements Folders.
func (l *Local) Create(ctx context.Context, key string) (File, error) {
	if err := l.check(ctx, key); err != nil {
		return nil, err
	}
	if err := l.MakeDir(ctx, parent(key)); err != nil {
		return nil, err
	}
	return l.create(key)
}

func (l *Local) create(key string) (File, error) {
	f := &localFile{local: l, key: key}
	err := l.do(Op{Kind: Create, Key: key}, func() (err error) {
		f.f, err = os.OpenFile(l.Path(key), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Append implements Folders.
func (l *Local) Append(ctx context.Context, key string) (File, error) {
	if err := l.check(ctx, key); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(l.Path(key), os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, l.failed("append", key, err)
	}
	return &localFile{local: l, key: key, f: f}, nil
}

// Writable implements Folders.
func (l *Local) Writable(ctx context.Context, key string) error {
	for dir := l.Path(key); ; dir = filepath.Dir(dir) {
		if err := ctx.Err(); err != nil {
			return err
		}
		st, err := os.Stat(dir)
		if errors.Is(err, ErrNotExist) && dir != filepath.Dir(dir) {
			continue
		}
		if err == nil && !st.IsDir() {
			err = syscall.ENOTDIR
		}
		if err == nil {
			err = writable(dir)
		}
		return l.failed("write", key, err)
	}
}

type localFile struct {
	local *Local
	key   string
	f     *os.File
}

func (f *localFile) Write(p []byte) (n int, err error) {
	err = f.local.do(Op{Kind: Write, Key: f.key, Size: len(p)}, func() (err error) {
		n, err = f.f.Write(p)
		return err
	})
	return n, err
}

func (f *localFile) Sync() error {
	return f.local.do(Op{Kind: Sync, Key: f.key}, f.f.Sync)
}

func (f *localFile) Close() error { return f.local.failed("close", f.key, f.f.Close()) }

// MakeDir implements Folders.
func (l *Local) MakeDir(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st, err := os.Stat(l.Path(key))
	if err == nil && st.IsDir() {
		return nil
	}
	if key == "" {
		// The folders above the root are not ours to announce.
		return l.failed("mkdir", key, os.MkdirAll(l.root, 0o755))
	}
	if err := CheckKey(key); err != nil {
		return err
	}
	if err := l.MakeDir(ctx, parent(key)); err != nil {
		return err
	}
	err = l.do(Op{Kind: MakeDir, Key: key}, func() error {
		err := os.Mkdir(l.Path(key), 0o755)
		if st, serr := os.Stat(l.Path(key)); errors.Is(err, ErrExist) && serr == nil && st.IsDir() {
			return nil // another process made it meanwhile
		}
		return err
	})
	if err != nil {
		return err
	}
	return l.SyncDir(ctx, parent(key))
}

// ReadDir implements Folders.
func (l *Local) ReadDir(ctx context.Context, key string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(l.Path(key))
	if errors.Is(err, ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, l.failed("list", key, err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	sort.Strings(names)
	return names, l.failed("list", key, err)
}

// Exists implements Folders.
func (l *Local) Exists(ctx context.Context, key string) (bool, error) {
	if err := l.check(ctx, key); err != nil {
		return false, err
	}
	_, err := os.Lstat(l.Path(key))
	if errors.Is(err, ErrNotExist) {
		return false, nil
	}
	return err == nil, l.failed("stat", key, err)
}

// SyncDir implements Folders.
func (l *Local) SyncDir(_ context.Context, key string) error {
	return l.do(Op{Kind: SyncDir, Key: key}, func() error { return SyncFolder(l.Path(key)) })
}

// Rename implements Folders.
func (l *Local) Rename(ctx context.Context, from, to string) error {
	if err := l.check(ctx, from); err != nil {
		return err
	}
	if err := l.check(ctx, to); err != nil {
		return err
	}
	if err := l.MakeDir(ctx, parent(to)); err != nil {
		return err
	}
	return l.do(Op{Kind: Rename, Key: from, To: to}, func() error {
		return os.Rename(l.Path(from), l.Path(to))
	})
}

// Exchange implements Folders.
func (l *Local) Exchange(ctx context.Context, a, b, spare string) error {
	for _, key := range []string{a, b, spare} {
		if err := l.check(ctx, key); err != nil {
			return err
		}
	}
	err := l.do(Op{Kind: Exchange, Key: a, To: b}, func() error { return l.exchange(l.Path(a), l.Path(b)) })
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := l.Rename(ctx, b, spare); err != nil {
		return err
	}
	return l.Rename(ctx, a, b)
}

// Remove implements Folders.
func (l *Local) Remove(ctx context.Context, key string) error {
	if err := l.check(ctx, key); err != nil {
		return err
	}
	err := l.do(Op{Kind: Remove, Key: key}, func() error { return os.Remove(l.Path(key)) })
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

// RemoveAll implements Folders.
func (l *Local) RemoveAll(ctx context.Context, key string) error {
	if err := l.check(ctx, key); err != nil {
		return err
	}
	st, err := os.Lstat(l.Path(key))
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	if err != nil {
		return l.failed("stat", key, err)
	}
	if st.IsDir() {
		names, err := l.ReadDir(ctx, key)
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := l.removeEntry(ctx, key+"/"+n); err != nil {
				return err
			}
		}
	}
	return l.Remove(ctx, key)
}

// removeEntry is RemoveAll for a name found on disk, which need not be a key.
func (l *Local) removeEntry(ctx context.Context, key string) error {
	if CheckKey(key) == nil {
		return l.RemoveAll(ctx, key)
	}
	return l.do(Op{Kind: Remove, Key: key}, func() error { return os.RemoveAll(l.Path(key)) })
}
