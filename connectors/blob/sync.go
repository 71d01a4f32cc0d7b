package blob

import (
	"errors"
	"os"
	"runtime"
)

// SyncFolder makes the names in a folder of the file system durable: a file
// that was made or renamed there is found again after a crash. It is for files
// outside a Store, which has Folders.SyncDir.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be opened for syncing there
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
