#!/bin/sh
# Builds delay_score.wasm and packs it with its manifest, by the featurehost
# binary named as argument (default bin/featurehost).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
featurehost=$(realpath "${1:-$here/../../bin/featurehost}")
cd "$here"
# Made aside: a build that fails leaves the old plugin as it was.
trap 'rm -f .delay_score.wasm' EXIT
GOFLAGS= GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -trimpath -buildvcs=false -o .delay_score.wasm .
"$featurehost" plugin pack -o delay_score.wasm .delay_score.wasm manifest.json
