#!/bin/sh
# Builds the program of the hostile guests with Debian's clang, lld, wasi-libc
# and libclang-rt-14-dev-wasm32. The result is committed, so that the suite needs
# no compiler; a test holds it against its source.
set -eu
cd "$(dirname "$0")"
clang --target=wasm32-wasi -O1 -mbulk-memory -mexec-model=reactor -Wl,--strip-debug \
	-I ../../../pluginsdk/c hostile.c -lm -o "${1:-hostile.wasm}"
