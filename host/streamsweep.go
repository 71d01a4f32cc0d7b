package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/deadletter"
	"github.com/featurehost/featurehost/host/internal/hold"
)

// streamPrefix begins the names of streams.
const streamPrefix = "stream-"

// live marks the stream as living, for those that sweep.
func (x *stream) live() error {
	dir := filepath.Join(x.host.state, "streams", x.id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.Wrap(err, StreamFailed, "the folder of the stream cannot be made")
	}
	unlock := hold.Take(dir)
	x.release = func() {
		unlock()
		_ = os.Remove(dir) // what is left of it the next stream sweeps
	}
	return nil
}

// sweep discards what streams that were killed have left: rows that were
// staged, and dead letters half written.
func (x *stream) sweep(ctx context.Context) error {
	gone := func(id string) bool {
		rest, ok := strings.CutPrefix(id, streamPrefix)
		pid, _, _ := strings.Cut(rest, "-")
		n, err := strconv.Atoi(pid)
		return ok && err == nil && id != x.id && hold.Gone(filepath.Join(x.host.state, "streams", id), n)
	}
	each := func(folder string, f func(name string) error) error {
		entries, err := os.ReadDir(filepath.Join(x.host.state, folder))
		if err != nil {
			return nil //nolint:nilerr // there is none yet
		}
		var errs []error
		for _, e := range entries {
			errs = append(errs, f(e.Name()))
		}
		return errors.Join(errs...)
	}
	return errors.Join(
		each("pending", func(portion string) error {
			if i := strings.LastIndexByte(portion, '-'); i < 0 || !gone(portion[:i]) {
				return nil
			}
			return x.sinks.discard(ctx, x.run(portion))
		}),
		each("dead_letter", func(id string) error {
			if !gone(id) {
				return nil
			}
			return deadletter.Sweep(filepath.Join(x.host.state, "dead_letter", id))
		}),
		each("streams", func(id string) error {
			if gone(id) {
				_ = os.Remove(filepath.Join(x.host.state, "streams", id))
			}
			return nil
		}))
}
