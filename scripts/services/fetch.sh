#!/usr/bin/env bash
# fetch.sh [NAME...]: gets the programs of the services (default: all) into the
# cache, side by side, and starts nothing.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
jobs=()
for name in ${@:-$ALL_SERVICES}; do
	(load "$name" && fetch) &
	jobs+=($!)
done
failed=0
for job in "${jobs[@]}"; do wait "$job" || failed=1; done
exit $failed
