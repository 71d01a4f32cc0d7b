#!/bin/sh
# Installs the pinned linters into GOPATH/bin.
set -eu
GOFLAGS= go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.13.2
