#!/bin/sh
# Builds lost_hours.wasm with Debian's clang, lld, wasi-libc and
# libclang-rt-14-dev-wasm32, and packs it with its manifest. With an argument
# it only builds, into that file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
out=${1:-$here/lost_hours.wasm}
clang --target=wasm32-wasi -O3 -mbulk-memory -mexec-model=reactor -Wl,--strip-debug \
	-I "$root/pluginsdk/c" "$here/lost_hours.c" -lm -o "$out"
if [ $# -eq 0 ]; then
	cd "$root"
	${FEATUREHOST:-go run -tags=duckdb_arrow ./cmd/featurehost} plugin pack "$out" "$here/manifest.json"
fi
