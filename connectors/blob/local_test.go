package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/blobtest"
	"github.com/featurehost/featurehost/host/fault"
)

func TestStore_PutGetListDelete(t *testing.T) {
	ctx := t.Context()
	s := blob.NewLocal(t.TempDir(), nil)
	for _, k := range []string{"runs/000002.json", "runs/000001.json", "runs-a", "z/y/x"} {
		if err := s.Put(ctx, k, []byte(k)); err != nil {
			t.Fatal(err)
		}
	}
	// What a crash leaves is no object.
	if err := os.WriteFile(s.Path("runs/.tmp-000001.json-00"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]string{
		"": "runs-a runs/000001.json runs/000002.json z/y/x", "runs/": "runs/000001.json runs/000002.json", "z/y/": "z/y/x", "none/": "",
	} {
		infos, err := s.List(ctx, prefix)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range infos {
			got = append(got, i.Key)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("List(%q) = %q, want %q", prefix, got, want)
		}
	}
	if got, err := s.Get(ctx, "z/y/x"); err != nil || string(got) != "z/y/x" {
		t.Errorf("Get = %q, %v", got, err)
	}
	if i, err := s.Stat(ctx, "runs-a"); err != nil || i.Size != 6 {
		t.Errorf("Stat = %+v, %v", i, err)
	}
	for range 2 { // the second finds nothing, which is no error
		if err := s.Delete(ctx, "runs-a"); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Get(ctx, "runs-a"); !errors.Is(err, blob.ErrNotExist) || !fault.Is(err, blob.IO) {
		t.Errorf("Get of an absent key: %v", err)
	}
	if _, err := s.Stat(ctx, "z"); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("Stat of a folder: %v", err)
	}
	if _, err := s.List(ctx, "runs"); !fault.Is(err, blob.BadKey) {
		t.Errorf("List of no folder: %v", err)
	}
}

func TestCheckKey_LeavesTheFolder_Refused(t *testing.T) {
	for _, bad := range []string{"", "/a", "a/", "a//b", ".", "..", "a/../b", "a\x00b", `a\b`, ".tmp-x", "a/.tmp-x"} {
		if err := blob.CheckKey(bad); !fault.Is(err, blob.BadKey) {
			t.Errorf("CheckKey(%q) = %v, want a refusal", bad, err)
		}
	}
	for _, good := range []string{"a", "a/b", "year=2024/..a/é", "a b"} {
		if err := blob.CheckKey(good); err != nil {
			t.Errorf("CheckKey(%q) = %v", good, err)
		}
	}
}

func TestPutIfAbsent_Race_OneWinner(t *testing.T) {
	dir := t.TempDir()
	for round := range 20 {
		key := fmt.Sprintf("n/%d", round)
		var wg sync.WaitGroup
		var mu sync.Mutex
		var winners []string
		for i := range 8 {
			wg.Go(func() {
				text := fmt.Sprintf("writer %d", i)
				err := blob.NewLocal(dir, nil).PutIfAbsent(t.Context(), key, []byte(text))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					winners = append(winners, text)
				} else if !errors.Is(err, blob.ErrExist) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := blob.NewLocal(dir, nil).Get(t.Context(), key)
		if err != nil || len(winners) != 1 || string(got) != winners[0] {
			t.Fatalf("winners %q, object %q, %v", winners, got, err)
		}
	}
}

// Every operation of a Put is a place to die: the object is the old or the
// new one, and the next Put works.
func TestPut_CrashAtEveryOperation_OldOrNew(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		if err := blob.NewLocal(dir, nil).Put(t.Context(), "a/k", []byte("old")); err != nil {
			t.Fatal(err)
		}
		plan := &blobtest.Plan{CrashAt: n}
		err := blob.NewLocal(dir, plan.Hook).Put(t.Context(), "a/k", []byte("new"))
		if !plan.Reached() {
			if err != nil || n < 5 {
				t.Fatalf("%d operations, %v", n-1, err)
			}
			if bad := blobtest.Durable(plan.Ops()); bad != nil {
				t.Error(bad)
			}
			return
		}
		if !errors.Is(err, blobtest.ErrCrash) {
			t.Fatalf("crash at %d: %v", n, err)
		}
		s := blob.NewLocal(dir, nil)
		got, err := s.Get(t.Context(), "a/k")
		if err != nil || (string(got) != "old" && string(got) != "new") {
			t.Fatalf("crash at %d: %q, %v", n, got, err)
		}
		if infos, err := s.List(t.Context(), "a/"); err != nil || len(infos) != 1 {
			t.Fatalf("crash at %d: %v, %v", n, infos, err)
		}
		if err := s.Put(t.Context(), "a/k", []byte("newer")); err != nil {
			t.Fatal(err)
		}
	}
}

// A failed operation is told, and leaves neither a half object nor litter.
func TestPutIfAbsent_FailAtEveryOperation_NothingOrAll(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		plan := &blobtest.Plan{FailAt: n, Err: syscall.ENOSPC}
		err := blob.NewLocal(dir, plan.Hook).PutIfAbsent(t.Context(), "a/k", []byte("new"))
		if !plan.Reached() {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		last := n > 1 && plan.Ops()[len(plan.Ops())-1].Kind == blob.SyncDir && err == nil // only the litter stayed
		if err != nil && !errors.Is(err, syscall.ENOSPC) || err == nil && !last {
			t.Fatalf("failure at %d: %v", n, err)
		}
		got, gerr := blob.NewLocal(dir, nil).Get(t.Context(), "a/k")
		if gerr == nil && string(got) != "new" {
			t.Fatalf("failure at %d: %q", n, got)
		}
	}
}

func TestExchange_ReaderNeverMissesIt(t *testing.T) {
	s := blob.NewLocal(t.TempDir(), nil)
	for _, k := range []string{"table/day/f", "pending/day/f"} {
		if err := s.Put(t.Context(), k, []byte(k)); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := os.ReadFile(s.Path("table/day/f")); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 501 {
		if err := s.Exchange(t.Context(), "pending/day", "table/day", "trash/day"); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	if got, _ := s.Get(t.Context(), "table/day/f"); string(got) != "pending/day/f" {
		t.Errorf("after an odd number of exchanges the table holds %q", got)
	}
	if there, _ := s.Exists(t.Context(), "trash/day"); there {
		t.Error("the spare was used on a system that can exchange")
	}
}

func TestFolders_CreateAppendRemove(t *testing.T) {
	ctx := t.Context()
	plan := &blobtest.Plan{}
	s := blob.NewLocal(t.TempDir(), plan.Hook)
	for i, open := range []func(context.Context, string) (blob.File, error){s.Create, s.Append} {
		f, err := open(ctx, "a/b/f")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(f, i)
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Get(ctx, "a/b/f"); err != nil || string(got) != "01" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Append(ctx, "a/none"); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("Append to an absent file: %v", err)
	}
	// Names that are no keys go too.
	if err := os.WriteFile(s.Path("a/b/.tmp-x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.RemoveAll(ctx, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if there, err := s.Exists(ctx, "a"); there || err != nil {
		t.Error(there, err)
	}
	want := `mkdir a
syncdir .
mkdir a/b
syncdir a
create a/b/f
write a/b/f
sync a/b/f
write a/b/f
sync a/b/f
remove a/b/.tmp-x
remove a/b/f
remove a/b
remove a
`
	var got bytes.Buffer
	for _, op := range plan.Ops() {
		fmt.Fprintln(&got, op)
	}
	if got.String() != want {
		t.Errorf("operations:\n%s", got.String())
	}
}

func TestWritable_FileInTheWay_Refused(t *testing.T) {
	dir := t.TempDir()
	s := blob.NewLocal(filepath.Join(dir, "out"), nil)
	if err := s.Writable(t.Context(), "deep/down"); err != nil {
		t.Errorf("a folder that can be made: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "out"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Writable(t.Context(), ""); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file in the place of the folder: %v", err)
	}
	if err := s.MakeDir(t.Context(), "x"); err == nil {
		t.Error("a folder below a file")
	}
}

func TestStore_CancelledContext_NothingDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	plan := &blobtest.Plan{}
	s := blob.NewLocal(t.TempDir(), plan.Hook)
	if err := s.Put(ctx, "k", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := s.Rename(ctx, "a", "b"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(plan.Ops()) != 0 {
		t.Error(plan.Ops())
	}
}

func TestCodes_AllExplained(t *testing.T) {
	for _, d := range blob.Codes() {
		if d.Title == "" || d.Explain == "" || d.Code < 8020 || d.Code > 8029 {
			t.Errorf("%+v", d)
		}
	}
}

func TestSweep_OldLeftovers_RemovedAndNothingElse(t *testing.T) {
	s := blob.NewLocal(t.TempDir(), nil)
	if err := s.Sweep(t.Context(), "runs", 0); err != nil {
		t.Errorf("an absent folder: %v", err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for name, aged := range map[string]bool{".tmp-a-00": true, "a": true, ".tmp-b-00": false} {
		if err := s.Put(t.Context(), "runs/x", nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.Path("runs/"+name), []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
		if aged {
			if err := os.Chtimes(s.Path("runs/"+name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Sweep(t.Context(), "runs", time.Hour); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, err := os.ReadDir(s.Path("runs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got := strings.Join(left, " "); got != ".tmp-b-00 a x" {
		t.Errorf("%s are left", got)
	}
}
