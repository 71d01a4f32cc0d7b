package s3store

import (
	"strings"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
)

// Is reports whether a path lies on S3: it begins with s3:// or s3a://, the
// name that Hadoop has for it.
func Is(path string) bool {
	scheme, _, ok := strings.Cut(path, "://")
	return ok && (strings.EqualFold(scheme, "s3") || strings.EqualFold(scheme, "s3a"))
}

// Split gives the bucket and the key of a path; a slash at the key's end goes.
// The key may be empty and may be a pattern.
func Split(path string) (bucket, key string, err error) {
	_, rest, ok := strings.Cut(path, "://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || !Is(path) || bucket == "" || strings.ContainsAny(bucket, "?#@\\ \x00") {
		return "", "", fault.New(BadPath, "path %q names no bucket", path).WithHint("write it as s3://bucket/prefix")
	}
	key = strings.TrimSuffix(key, "/")
	if key != "" {
		if err := blob.CheckKey(key); err != nil {
			return "", "", fault.Wrap(err, BadPath, "path %q names no object", path)
		}
	}
	return bucket, key, nil
}
