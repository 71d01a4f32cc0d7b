package launch

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
)

// mostEntries is how many entries of a folder are read at a time.
const mostEntries = 256

// remove takes a private folder away, whatever a program has left in it: folders
// that cannot be written to, or in each other deeper than a path can name and than
// there are descriptors. What lies two levels deep comes up to the first, so that
// nothing is named by more than two names, and nothing outside is touched through
// a link. What cannot be removed stays.
func remove(dir string) {
	if os.Remove(dir) == nil {
		return
	}
	_ = os.Chmod(dir, 0o700)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return
	}
	defer func() {
		_ = root.Close()
		_ = os.Remove(dir)
	}()
	r := &remover{root}
	for list := r.list("."); len(list) > 0; list = r.list(".") {
		if !r.all(list) {
			return
		}
	}
}

// remover empties a folder.
type remover struct{ root *os.Root }

// list gives some entries of a folder.
func (r *remover) list(name string) []fs.DirEntry {
	f, err := r.root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	list, _ := f.ReadDir(mostEntries)
	return list
}

// all removes entries of the folder, or brings up what is in them, and tells
// whether anything was done.
func (r *remover) all(list []fs.DirEntry) (done bool) {
	for _, e := range list {
		name := e.Name()
		if r.root.Remove(name) == nil {
			done = true
			continue
		}
		if !e.IsDir() {
			continue
		}
		_ = r.root.Chmod(name, 0o700)
		for _, below := range r.list(name) {
			path := name + "/" + below.Name()
			if r.root.Remove(path) == nil || below.IsDir() && r.bring(path) {
				done = true
			}
		}
	}
	return done
}

// bring moves a folder up, under a name that no other has but by chance.
func (r *remover) bring(path string) bool {
	_ = r.root.Chmod(path, 0o700) // its own entry for the folder above it changes
	return r.root.Rename(path, strconv.FormatUint(rand.Uint64(), 36)) == nil
}
