package config

import (
	"net/url"
	"strings"
)

// onS3 tells whether a path is one of objects, and gives what follows the
// scheme. Files of Hadoop write s3a.
func onS3(path string) (rest string, ok bool) {
	scheme, rest, found := strings.Cut(path, "://")
	return rest, found && (strings.EqualFold(scheme, "s3") || strings.EqualFold(scheme, "s3a"))
}

// dataPath refuses what is neither a path of this machine nor one of S3.
func (d *decoder) dataPath(t *table, key string) {
	s, ok := get[text](t, key)
	if !ok {
		return
	}
	rest, ok := onS3(s.val)
	if !ok {
		d.localPath(t, key)
		return
	}
	if bucket, _, _ := strings.Cut(rest, "/"); bucket == "" || strings.ContainsRune(s.val, 0) {
		d.bad(join(t.path, key), atValue, BadValue, "as in s3://bucket/prefix", "%s names no bucket", d.quote(join(t.path, key), s))
	}
}

// s3 reads how the objects are reached that path names, or that the table of a
// metastore may lie in.
func (d *decoder) s3(t *table, path string) S3 {
	st, written := get[*table](t, "s3")
	if !written {
		st = &table{path: join(t.path, "s3")}
	}
	if _, ok := onS3(path); !ok && t.variant != "table" {
		if written && path != "" {
			d.bad(st.path, atKey, Contradiction, "remove it, or write path = \"s3://...\"", `"s3" is for paths that begin with s3://`)
		}
		return S3{}
	}
	d.notEmpty(st, "endpoint", "region")
	s := S3{Endpoint: d.setting(st, "endpoint", envEndpoint, ""), Region: d.setting(st, "region", envAWSRegion, "")}
	if s.Endpoint != "" && !isServerURL(s.Endpoint) {
		if d.has(join(st.path, "endpoint")) {
			d.bad(join(st.path, "endpoint"), atValue, BadValue, `as in "https://s3.example.com"`, `"endpoint" is no URL of a server`)
		} else {
			d.badVariable(t, "endpoint", envEndpoint, `as in "https://s3.example.com"`)
		}
	}
	s.PathStyle, _ = get[bool](st, "path_style")
	return s
}

// root gives the root of a historical store.
func (d *decoder) root(t *table) string {
	at := join(t.path, "path")
	if d.has(at) || t.meant["path"] {
		d.dataPath(t, "path")
		return d.setting(t, "path", "", "")
	}
	bucket := d.fallback(envBucket)
	switch {
	case bucket == "":
		d.needed(t, "path", envBucket, `write path = "..."`, false)
		return ""
	case strings.ContainsAny(bucket, "/: "):
		d.badVariable(t, "path", envBucket, "it holds the name of a bucket")
		return ""
	}
	path := "s3://" + bucket
	d.tell(at, path, envBucket)
	return path
}

// badVariable reports a variable that stands in for a key and makes no sense.
// What it held is not printed.
func (d *decoder) badVariable(t *table, key, variable, hint string) {
	d.bad(t.path, atValue, BadEnvironment, hint, "the variable %s, which stands in for %q, holds no such value", variable, key)
}

// isServerURL tells whether s is the URL of a web server, without credentials.
func isServerURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil
}
