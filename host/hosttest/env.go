package hosttest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/featurehost/featurehost/host/flow"
)

// Rejected remembers what a part turned down.
type Rejected struct {
	mu   sync.Mutex
	Rows []string // "reason: row text"
}

// Reject implements flow.Rejects.
func (r *Rejected) Reject(_ context.Context, x flow.Rejection) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range x.Rows {
		one := x.Batch.Record.NewSlice(int64(i), int64(i)+1)
		r.Rows = append(r.Rows, fmt.Sprintf("%s: %s", x.Reason, Text(one)))
		one.Release()
	}
	return nil
}

// Counts remembers what a part counted, by "name{label}".
type Counts struct {
	mu sync.Mutex
	N  map[string]int64
}

// Add implements flow.Counter.
func (c *Counts) Add(name, label string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.N == nil {
		c.N = map[string]int64{}
	}
	c.N[name+"{"+label+"}"] += n
}

// Env gives a part what a host would lend it, without SQL.
func Env(t testing.TB) (flow.Env, *Rejected, *Counts) {
	t.Helper()
	rejected, counts := &Rejected{}, &Counts{}
	return flow.Env{
		Rejects:     rejected,
		Counter:     counts,
		Log:         slog.New(slog.NewTextHandler(io.Discard, nil)),
		Scratch:     t.TempDir(),
		MemoryBytes: 256 << 20,
		Workers:     2,
	}, rejected, counts
}
