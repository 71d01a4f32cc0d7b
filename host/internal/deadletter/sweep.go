package deadletter

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
)

// Sweep removes what a killed run was still writing into dir. Whole files of
// letters stay (D1), and so does the folder with them in it.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	whole := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), temporarySuffix) {
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		} else {
			whole++
		}
	}
	if whole == 0 {
		errs = append(errs, os.Remove(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.Wrap(err, NotKept, "what a killed run left cannot be removed").At("%s", dir)
	}
	return nil
}
