#!/bin/sh
# Installs the pinned linter into GOPATH/bin. Staticcheck comes with it.
set -eu
GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.13.2
