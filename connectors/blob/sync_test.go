package blob

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"
)

func TestSyncFolder_AbsentFolder_Told(t *testing.T) {
	dir := t.TempDir()
	if err := SyncFolder(dir); err != nil {
		t.Error(err)
	}
	if runtime.GOOS == "windows" {
		return // nothing can be synced there
	}
	if err := SyncFolder(filepath.Join(dir, "absent")); !errors.Is(err, ErrNotExist) {
		t.Errorf("%v", err)
	}
}
