package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"time"

	"github.com/featurehost/featurehost/host/fault"
)

const (
	// lockFile, in the root, is locked by the kernel while an object is compared
	// and replaced. It holds nothing and stays: whoever dies lets go of it.
	lockFile = tempPrefix + "lock"
	// lockWait is how long the lock is waited for; it is held for two operations.
	lockWait = 30 * time.Second
)

// GetVersion implements Store. The version is told by the content, which no
// clock and no file system rounds.
func (l *Local) GetVersion(ctx context.Context, key string) (data []byte, version string, err error) {
	if data, err = l.Get(ctx, key); err != nil {
		return nil, "", err
	}
	return data, versionOf(data), nil
}

func versionOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// PutIf implements Store: the object is written under another name, and
// compared and renamed under the store's lock.
func (l *Local) PutIf(ctx context.Context, key string, data []byte, version string) (next string, err error) {
	temp, err := l.stage(ctx, key, data)
	if err != nil {
		return "", err
	}
	// The hook is told before the lock is taken: whoever is held up there holds
	// up nobody else.
	err = l.do(Op{Kind: Rename, Key: temp, To: key}, func() error {
		unlock, err := l.lock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		was, err := os.ReadFile(l.Path(key))
		if errors.Is(err, ErrNotExist) || err == nil && versionOf(was) != version {
			return errors.Join(ErrChanged, err)
		}
		if err != nil {
			return err
		}
		return os.Rename(l.Path(temp), l.Path(key))
	})
	if err != nil {
		l.drop(temp)
		return "", err
	}
	return versionOf(data), l.SyncDir(ctx, parent(key))
}

// lock takes the store's lock. The kernel gives it back when the process ends.
func (l *Local) lock(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(l.Path(lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for begin := time.Now(); ; {
		held, err := tryLock(f)
		switch {
		case err != nil:
			_ = f.Close()
			return nil, fault.Wrap(err, Unsupported, "files cannot be locked here").At("%s", l.root)
		case held:
			return func() { _ = f.Close() }, nil // which unlocks it
		case time.Since(begin) > lockWait:
			_ = f.Close()
			e := fault.New(IO, "another process holds the lock for more than %s", lockWait).At("%s", f.Name())
			e.Retry = true
			return nil, e
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}
