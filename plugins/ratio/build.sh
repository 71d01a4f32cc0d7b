#!/bin/sh
# Builds ratio.wasm with Debian's clang, lld, wasi-libc and
# libclang-rt-14-dev-wasm32, and packs it with its manifest. With an argument
# it only builds, into that file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/ratio.wasm}
clang --target=wasm32-wasi -O3 -mbulk-memory -mexec-model=reactor -Wl,--strip-debug \
	-I "$here/../../pluginsdk/c" "$here/ratio.c" -lm -o "$out"
if [ $# -eq 0 ]; then
	cd "$here/../.."
	${FEATUREHOST:-go run -tags=duckdb_arrow ./cmd/featurehost} plugin pack "$out" "$here/manifest.json"
fi
