#!/bin/sh
# Formatting, vet, and golangci-lint with staticcheck in it. A tool that is not
# installed is named; with FEATUREHOST_REQUIRE_ALL=1 that is an error.
set -eu
cd "$(dirname "$0")/.."
bad=$(git ls-files -co --exclude-standard '*.go' | while read -r f; do [ -f "$f" ] && echo "$f"; done | xargs gofmt -l)
[ -z "$bad" ] || { echo "gofmt: $bad"; exit 1; }
go mod tidy -diff
go vet ./...
(cd pluginsdk/go && GOFLAGS= go vet ./...)
PATH="$PATH:$(go env GOPATH)/bin"
# golangci-lint runs the analyzers of staticcheck among others.
if ! command -v golangci-lint >/dev/null; then
	echo "lint: golangci-lint is not installed (scripts/tools.sh installs it)"
	[ "${FEATUREHOST_REQUIRE_ALL:-}" != 1 ] || exit 1
else
	golangci-lint run ./...
fi
