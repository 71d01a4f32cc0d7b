package file

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/host/fault"
)

// findRemote lists the objects that a path on S3 means: one object, all below a
// prefix that ends where a folder would, or those that a pattern matches. Names
// below the path that begin with _ or . do not count.
func findRemote(ctx context.Context, s *s3store.Store, full, key string) ([]object, error) {
	if meta := strings.IndexAny(key, "*?["); meta >= 0 {
		return findRemoteGlob(ctx, s, full, key, meta)
	}
	if key != "" && !strings.HasSuffix(full, "/") {
		info, err := s.Stat(ctx, key)
		if err == nil {
			return remoteObjects([]s3store.Entry{{Key: key, Size: info.Size}}, s), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	folder := key
	if folder != "" {
		folder += "/"
	}
	all, err := s.Entries(ctx, folder)
	if err != nil {
		return nil, err
	}
	var found []s3store.Entry
	for _, e := range all {
		if !hiddenBelow(strings.TrimPrefix(e.Key, folder)) {
			found = append(found, e)
		}
	}
	switch {
	case len(all) == 0:
		return nil, fault.New(Missing, "no file %s", s.Path(key)).WithHint("no object has this key, or begins with it and a slash")
	case len(found) == 0:
		return nil, fault.New(Missing, "no files in the folder %s", s.Path(key)).WithHint("names that begin with _ or . do not count")
	}
	return remoteObjects(found, s), nil
}

// findRemoteGlob lists the objects whose key, or a folder of it, a pattern
// matches.
func findRemoteGlob(ctx context.Context, s *s3store.Store, full, pattern string, meta int) ([]object, error) {
	if strings.Contains(pattern, "**") {
		return nil, fault.New(BadConfig, "path %q: ** is no pattern here", full).WithHint("name the folder; all files under it are read")
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fault.New(BadConfig, "path %q is no pattern: %v", full, err)
	}
	all, err := s.Entries(ctx, pattern[:meta])
	if err != nil {
		return nil, err
	}
	depth := strings.Count(pattern, "/") + 1
	var found []s3store.Entry
	for _, e := range all {
		parts := strings.Split(e.Key, "/")
		if len(parts) < depth || hidden(parts[depth-1]) || hiddenBelow(strings.Join(parts[depth:], "/")) {
			continue
		}
		if ok, _ := path.Match(pattern, strings.Join(parts[:depth], "/")); ok {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return nil, fault.New(Missing, "no files match %s", full)
	}
	return remoteObjects(found, s), nil
}

func hiddenBelow(rest string) bool {
	for part := range strings.SplitSeq(rest, "/") {
		if hidden(part) {
			return true
		}
	}
	return false
}

// remoteObjects names objects as people do; partitions count below the bucket.
func remoteObjects(list []s3store.Entry, s *s3store.Store) []object {
	out := make([]object, len(list))
	for i, e := range list {
		out[i] = object{path: s.Path(e.Key), entry: &list[i]}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].path < out[j].path })
	return out
}
