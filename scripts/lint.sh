#!/bin/sh
# Formatting, vet, staticcheck and golangci-lint. Tools that are not installed
# are named; with FEATUREHOST_REQUIRE_ALL=1 a missing one is an error.
set -eu
cd "$(dirname "$0")/.."
bad=$(git ls-files -co --exclude-standard '*.go' | while read -r f; do [ -f "$f" ] && echo "$f"; done | xargs gofmt -l)
[ -z "$bad" ] || { echo "gofmt: $bad"; exit 1; }
go vet ./...
(cd pluginsdk/go && GOFLAGS= go vet ./...)
PATH="$PATH:$(go env GOPATH)/bin"
for tool in staticcheck golangci-lint; do
	if ! command -v "$tool" >/dev/null; then
		echo "lint: $tool is not installed (scripts/tools.sh installs it)"
		[ "${FEATUREHOST_REQUIRE_ALL:-}" != 1 ] || exit 1
	elif [ "$tool" = staticcheck ]; then
		staticcheck ./...
	else
		golangci-lint run ./...
	fi
done
