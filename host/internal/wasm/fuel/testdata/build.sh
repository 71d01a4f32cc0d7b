#!/bin/sh
# Builds the C kernels with Debian's clang, lld and wasi-libc. The result is
# committed, so that the benchmark needs no compiler.
set -eu
cd "$(dirname "$0")"
clang --target=wasm32-wasi -O3 -mbulk-memory -mexec-model=reactor -Wl,--strip-debug kernels.c -lm -o kernels.wasm
