package blob

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A process that holds the lock and does not go on is not waited for beyond
// what the caller has time for, and nothing is left of the write.
func TestPutIf_LockHeld_EndsWithTheContext(t *testing.T) {
	s := NewLocal(t.TempDir(), nil)
	if err := s.Put(t.Context(), "x", nil); err != nil {
		t.Fatal(err)
	}
	_, version, err := s.GetVersion(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := NewLocal(s.root, nil).lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.PutIf(ctx, "x", []byte("1"), version); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if names, err := s.ReadDir(t.Context(), ""); err != nil || len(names) != 2 {
		t.Errorf("%q, %v", names, err)
	}
	unlock()
	if _, err := s.PutIf(t.Context(), "x", []byte("1"), version); err != nil {
		t.Error(err)
	}
}
