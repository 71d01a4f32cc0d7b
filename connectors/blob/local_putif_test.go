package blob_test

import (
	"context"
	"errors"
	"testing"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/blobtest"
)

func TestPutIf_Contract(t *testing.T) {
	dir := t.TempDir()
	blobtest.PutIf(t, func() blob.Store { return blob.NewLocal(dir, nil) })
}

// B5.
func TestPutIf_Race_NoWriteLost(t *testing.T) {
	dir := t.TempDir()
	blobtest.PutIfRace(t, func() blob.Store { return blob.NewLocal(dir, nil) }, 6, 40)
}

// B1, B5: a write that fails anywhere leaves the old object or the new one, and
// one that is held up before the rename loses to one that was faster.
func TestPutIf_FailOrLateAtEveryOperation_OldOrNew(t *testing.T) {
	ctx := context.Background()
	for _, late := range []bool{false, true} {
		for n := 1; ; n++ {
			dir := t.TempDir()
			other := blob.NewLocal(dir, nil)
			if err := other.Put(ctx, "runs/1", []byte("old")); err != nil {
				t.Fatal(err)
			}
			_, version, err := other.GetVersion(ctx, "runs/1")
			if err != nil {
				t.Fatal(err)
			}
			reached, beaten := 0, false
			hook := func(op blob.Op) error {
				if reached++; reached != n {
					return nil
				}
				if !late {
					return errors.New("refused")
				}
				beaten = op.Kind != blob.SyncDir && op.Kind != blob.Remove
				if beaten {
					_, err := other.PutIf(ctx, "runs/1", []byte("other"), version)
					return err
				}
				return nil
			}
			_, err = blob.NewLocal(dir, hook).PutIf(ctx, "runs/1", []byte("new"), version)
			want := "new"
			switch {
			case beaten:
				want = "other"
				if !errors.Is(err, blob.ErrChanged) {
					t.Errorf("operation %d: late: %v", n, err)
				}
			case err != nil:
				want = "old"
			}
			got, gerr := other.Get(ctx, "runs/1")
			if gerr != nil || string(got) != want && (err == nil || string(got) != "new") {
				t.Errorf("operation %d: %q after %v, want %q", n, got, err, want)
			}
			if reached < n {
				if n < 5 {
					t.Errorf("only %d operations", reached)
				}
				break
			}
		}
	}
}
