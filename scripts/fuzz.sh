#!/bin/sh
# Runs every fuzz target of the repository for the given number of inputs
# (default 20000x).
#
# A count, not a time: when a time runs out, Go 1.26 may report a target that
# found nothing as failed with "context deadline exceeded"
# (https://go.dev/issue/75804). And minimizing an input that merely found new
# code is cut short: by default it may take all of the run (60 s each).
set -eu
cd "$(dirname "$0")/.."
count=${1:-20000x}
git ls-files '*_test.go' | xargs grep -l '^func Fuzz' | while read -r file; do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		n=$count
		# Each input is a whole file, written, read and held against another reader.
		[ "$target" != FuzzParquet ] || n=$((${count%x} / 5))x
		# What a plugin hands to the host: some 20 s each on two processors, of 5000x.
		case "$file $target" in
		*FuzzMeterBytes) n=$((${count%x} * 16))x ;;
		*FuzzParseManifest) n=$((${count%x} * 80))x ;;
		*FuzzImport) n=$((${count%x} * 32))x ;;
		*/process/wire/*) n=$((${count%x} * 28))x ;;
		*FuzzReadAnswer | *FuzzGreeted) n=$((${count%x} * 7))x ;;
		esac
		echo "$target in $(dirname "$file"), $n"
		(cd "$(dirname "$file")" && go test -run '^$' -fuzz "^$target\$" -fuzztime "$n" -fuzzminimizetime 10x .)
	done
done
