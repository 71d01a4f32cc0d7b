#!/bin/sh
# Builds the program delay_score_flight beside its manifest, or into the file
# named as argument.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
GOFLAGS= CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "${1:-delay_score_flight}" .
