#!/bin/sh
# Builds the C guests with Debian's clang, lld, wasi-libc and
# libclang-rt-14-dev-wasm32. The results are committed, so that the tests need
# no compiler; the tests pack them with their manifests.
set -eu
cd "$(dirname "$0")"
clang --target=wasm32-wasi -O1 -mbulk-memory -mexec-model=reactor -Wl,--strip-debug \
	-I ../../../../pluginsdk/c types.c -lm -o types.wasm
clang --target=wasm32-wasi -O3 -mbulk-memory -mexec-model=reactor -Wl,--strip-debug \
	-I ../../../../pluginsdk/c prefix.c -lm -o prefix.wasm
clang --target=wasm32-wasi -O1 -mbulk-memory -mexec-model=reactor -Wl,--strip-debug \
	-I ../../../../pluginsdk/c nth.c -lm -o nth.wasm
