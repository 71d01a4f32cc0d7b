#!/bin/sh
# All tests: Go packages, the plugin SDK and the sample plugin natively, and the
# pipeline tests (golden cases, examples). make test runs it with the real
# servers up, where they can be had (scripts/services/with.sh).
#
# The C guest is rebuilt and compared where clang can build for wasm32-wasi;
# with FEATUREHOST_REQUIRE_ALL=1 its absence is an error.
set -eu
cd "$(dirname "$0")/.."
# Plugins in Python too, where a Python can be had for them.
if python=$(scripts/pyarrow.sh); then export FEATUREHOST_PYTHON="$python"; fi
(cd pluginsdk/go && GOFLAGS= go test ./...)
(cd plugins/delay_score && GOFLAGS= go test ./...)
bin/featurehost test testdata examples --plugins plugins
# The longest first, and three at a time: most of their time they wait for
# servers that were stopped.
go test -timeout 20m -p 3 ./examples/flights_services ./connectors/kafka ./connectors/cassandra ./...
