package blobtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/featurehost/featurehost/connectors/blob"
)

// PutIf holds a store to what blob.Store says of GetVersion and PutIf. open
// gives the same empty store each time, as another process would.
func PutIf(t *testing.T, open func() blob.Store) {
	ctx, s := t.Context(), open()
	changed := func(what, key, version string) {
		t.Helper()
		if _, err := s.PutIf(ctx, key, []byte("late"), version); !errors.Is(err, blob.ErrChanged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := s.GetVersion(ctx, "runs/1"); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("GetVersion of an absent key: %v", err)
	}
	if err := s.PutIfAbsent(ctx, "runs/1", []byte("a")); err != nil {
		t.Fatal(err)
	}
	data, first, err := s.GetVersion(ctx, "runs/1")
	if err != nil || string(data) != "a" || first == "" {
		t.Fatalf("GetVersion = %q, %q, %v", data, first, err)
	}
	second, err := s.PutIf(ctx, "runs/1", []byte("b"), first)
	if err != nil || second == first {
		t.Fatalf("PutIf = %q, %v", second, err)
	}
	changed("a version that is past", "runs/1", first)
	if data, again, err := open().GetVersion(ctx, "runs/1"); err != nil || string(data) != "b" || again != second {
		t.Errorf("GetVersion = %q, %q, %v: PutIf named %q", data, again, err, second)
	}
	changed("an absent key", "runs/2", second)
	if _, err := s.PutIf(ctx, "runs/1", []byte("c"), second); err != nil {
		t.Error(err)
	}
	if err := s.Delete(ctx, "runs/1"); err != nil {
		t.Error(err)
	}
	changed("a key that is gone", "runs/1", second)
	if list, err := s.List(ctx, ""); err != nil || len(list) > 0 {
		t.Errorf("left: %v, %v", list, err)
	}
	for _, bad := range []string{"", "a/", "../x"} {
		if _, err := s.PutIf(ctx, bad, nil, first); err == nil || errors.Is(err, blob.ErrChanged) {
			t.Errorf("PutIf(%q): %v", bad, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.PutIf(ended, "runs/1", nil, first); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// PutIfRace counts in an object by several writers at once: where one of two
// writes of the same version were lost, the sum would be short.
func PutIfRace(t *testing.T, open func() blob.Store, writers, each int) {
	ctx := t.Context()
	if err := open().PutIfAbsent(ctx, "count", []byte("0")); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range writers {
		s := open()
		wait.Go(func() {
			for done := 0; done < each; {
				data, version, err := s.GetVersion(ctx, "count")
				n, nerr := strconv.Atoi(string(data))
				if err == nil && nerr == nil {
					_, err = s.PutIf(ctx, "count", fmt.Append(nil, n+1), version)
				}
				switch {
				case err == nil && nerr == nil:
					done++
				case !errors.Is(err, blob.ErrChanged):
					t.Errorf("%q: %v", data, errors.Join(err, nerr))
					return
				}
			}
		})
	}
	wait.Wait()
	if data, err := open().Get(ctx, "count"); err != nil || string(data) != strconv.Itoa(writers*each) {
		t.Errorf("%d writers counted to %d each: %s, %v", writers, each, data, err)
	}
}
