# An S3 server: versitygw over a folder, one process.
#   S3_ACCESS_KEY, S3_SECRET_KEY  the keys that open everything (default featurehost, featurehost-secret)
S3_VERSION=v1.8.0

fetch() {
	PROGRAM=$CACHE/bin/versitygw-$S3_VERSION
	[ ! -x "$PROGRAM" ] || return 0
	command -v go >/dev/null || fail "needs Go for the first start"
	mkdir -p "$CACHE/bin"
	(flock 8 && { [ -x "$PROGRAM" ] || build_s3; }) 8>"$CACHE/bin/lock" || fail "versitygw could not be built"
}

# build_s3 runs in a subshell of its own.
build_s3() {
	say "building versitygw $S3_VERSION, the first time only"
	into=$(mktemp -d "$CACHE/bin/build.XXXXXX") || return
	trap 'rm -rf "$into"' EXIT
	cd / &&
		GOFLAGS= GOBIN=$into go install -trimpath -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@$S3_VERSION" >&2 &&
		mv "$into/versitygw" "$PROGRAM"
}

configure() {
	port S3_PORT
	mkdir -p "$STATE/buckets" "$STATE/attributes"
	S3_ACCESS_KEY=${S3_ACCESS_KEY:-featurehost} S3_SECRET_KEY=${S3_SECRET_KEY:-featurehost-secret}
	export ROOT_ACCESS_KEY=$S3_ACCESS_KEY ROOT_SECRET_KEY=$S3_SECRET_KEY
}

compose() {
	# Attributes beside the objects, not in extended attributes, which not every
	# file system has.
	CMD=("$PROGRAM" --port "$HOST:$S3_PORT" --region us-east-1 --keep-alive --quiet posix --sidecar "$STATE/attributes" "$STATE/buckets")
}

ready() { answers "$S3_PORT"; }

addresses() {
	echo "FEATUREHOST_S3_ENDPOINT=http://$HOST:$S3_PORT"
	echo "FEATUREHOST_S3_ACCESS_KEY=$S3_ACCESS_KEY"
	echo "FEATUREHOST_S3_SECRET_KEY=$S3_SECRET_KEY"
}
