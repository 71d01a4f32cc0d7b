#!/bin/sh
# Runs the example into examples/flights/out and shows some of what it made.
set -eu
cd "$(dirname "$0")"
featurehost=../../bin/featurehost
rm -rf out .featurehost
"$featurehost" run aircraft_delays.toml --plugins ../../plugins
echo
echo "five rows of the historical store (out/historical/aircraft/aircraft_delays):"
go run ./show out/historical/aircraft/aircraft_delays N328AA 5
echo
echo "the online vector of N328AA (featurehost get aircraft_delays.toml N328AA):"
"$featurehost" get aircraft_delays.toml N328AA
