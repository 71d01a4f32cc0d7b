package blob

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/featurehost/featurehost/host/fault"
)

// Errors that callers match with errors.Is.
var (
	// ErrNotExist is in the tree of an error about an absent key.
	ErrNotExist = fs.ErrNotExist
	// ErrExist is in the tree of the error of PutIfAbsent about a key that is taken.
	ErrExist = fs.ErrExist
	// ErrChanged is in the tree of the error of PutIf about an object that is no
	// longer of the version named, or is gone.
	ErrChanged = errors.New("the object is no longer the one that was read")
)

// Store keeps small and large objects under keys such as
// "runs/000001.json". It is safe for use by several goroutines and processes.
type Store interface {
	// Get reads a whole object.
	Get(ctx context.Context, key string) ([]byte, error)
	// GetVersion reads a whole object and names its version, for PutIf.
	GetVersion(ctx context.Context, key string) (data []byte, version string, err error)
	// Put writes an object, replacing one of the same key (B1).
	Put(ctx context.Context, key string, data []byte) error
	// PutIfAbsent writes an object whose key is free, else ErrExist (B1, B2).
	PutIfAbsent(ctx context.Context, key string, data []byte) error
	// PutIf replaces an object that still has the version named, else
	// ErrChanged, and names the new version (B1, B5).
	PutIf(ctx context.Context, key string, data []byte, version string) (next string, err error)
	// List gives the objects whose key begins with prefix, a folder ending in
	// "/" or "" for all, in ascending order of keys. An absent folder is empty.
	List(ctx context.Context, prefix string) ([]Info, error)
	// Stat describes one object.
	Stat(ctx context.Context, key string) (Info, error)
	// Delete removes an object; an absent one is no error.
	Delete(ctx context.Context, key string) error
}

// Info describes an object.
type Info struct {
	Key      string
	Size     int64
	Modified time.Time
}

// CheckKey says whether key can name an object.
func CheckKey(key string) error {
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "\x00\\") || strings.HasPrefix(part, tempPrefix) {
			return fault.New(BadKey, "key %q is no object key: part %q is not allowed", key, part)
		}
	}
	return nil
}

// tempPrefix begins the names of files that are not yet objects.
const tempPrefix = ".tmp-"
