#!/bin/sh
# Runs every fuzz target of the repository for the given time (default 20s).
set -eu
cd "$(dirname "$0")/.."
time=${1:-20s}
git ls-files '*_test.go' | xargs grep -l '^func Fuzz' | while read -r file; do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "$target in $(dirname "$file")"
		(cd "$(dirname "$file")" && go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" .)
	done
done
