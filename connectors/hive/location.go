package hive

import (
	"path"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
)

// LocationFor writes a place as Hive and Spark read it: S3 under the scheme of
// Hadoop's own client, s3a, unless like, a location that the table has already,
// uses another name for it.
func LocationFor(place, like string) (string, error) {
	local, err := LocationOf(place)
	if err != nil {
		return "", err
	}
	if rest, ok := strings.CutPrefix(local, "s3://"); ok {
		if scheme, _, ok := strings.Cut(like, "://"); ok && isS3(scheme) {
			return strings.ToLower(scheme) + "://" + rest, nil
		}
		return "s3a://" + rest, nil
	}
	return "file://" + local, nil
}

// LocationOf writes a location of Hive as the rest of featurehost names places:
// an absolute path of this machine, or s3://bucket/key without a slash at its end.
func LocationOf(location string) (string, error) {
	scheme, rest, ok := strings.Cut(location, ":")
	switch {
	case strings.HasPrefix(location, "/"):
		return path.Clean(location), nil
	case ok && strings.EqualFold(scheme, "file") && strings.HasPrefix(rest, "/"):
		for strings.HasPrefix(rest, "//") { // file:///x, file://x has a host
			rest = strings.TrimPrefix(rest, "//")
			if host, after, found := strings.Cut(rest, "/"); found && (host == "" || host == "localhost") {
				rest = "/" + after
				continue
			}
			return "", fault.New(BadLocation, "location %q is on another machine", location)
		}
		return path.Clean(rest), nil
	case ok && isS3(scheme) && strings.HasPrefix(rest, "//"):
		bucket, key, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		if bucket == "" {
			return "", fault.New(BadLocation, "location %q names no bucket", location)
		}
		if key = strings.Trim(key, "/"); key == "" {
			return "s3://" + bucket, nil
		}
		return "s3://" + bucket + "/" + key, nil
	case ok && scheme != "":
		return "", fault.New(BadLocation, "location %q is in %q: places on disk and in S3 are known", location, scheme).
			WithHint(`ask HiveServer2 for the rows with sql = "SELECT ...", or copy them to S3`)
	}
	return "", fault.New(BadLocation, "location %q is no place on disk or in S3", location)
}

func isS3(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "s3", "s3a", "s3n":
		return true
	}
	return false
}

// samePlace compares locations by what they mean.
func samePlace(a, b string) bool {
	x, err := LocationOf(a)
	if err != nil {
		return a == b
	}
	y, err := LocationOf(b)
	return err == nil && x == y
}
