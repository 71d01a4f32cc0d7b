#!/bin/sh
# Goes the way of README.md, from a plugin that fails to a table that has all its
# rows, in a copy below out/.
set -eu
cd "$(dirname "$0")"
fh=${FEATUREHOST:-$PWD/../../bin/featurehost}
rm -rf out
mkdir -p out/copy
cp -r failures.toml plugins plugins.lock out/copy/
ln -s "$PWD/../flights" out/flights
cd out/copy
january="--start 2013-01-01 --end 2013-01-31"

# Gives a command, and tells it and its status.
say() {
	echo "\$ featurehost $*"
	status=0
	"$fh" "$@" 2>&1 || status=$?
	echo "(status $status)"
	echo
}

say check failures.toml
say plugin lock --check

# 1. With on_error = "fail" the first bad row ends the run.
say run failures.toml $january --quiet

# 2. With "dead_letter" the others pass.
sed 's/on_error = "fail"/on_error = "dead_letter"/' failures.toml > new && mv new failures.toml
say run failures.toml $january --quiet
say deadletter list failures.toml
say deadletter show failures.toml --stage lost_hours
say get failures.toml N384HA

# 3. As it is the plugin fails on them again. Mend it: here its config.
say deadletter replay failures.toml --stage lost_hours
sed 's/most_minutes = 1000/most_minutes = 1440/' failures.toml > new && mv new failures.toml
say deadletter replay failures.toml --stage lost_hours --out passed.ndjson

# 4. Compute again what was computed before the mending.
say run failures.toml --missing --end 2013-01-31 --quiet
say get failures.toml N384HA

# 5. The letters have done their work.
say deadletter drop failures.toml --run 2 --stage lost_hours
say deadletter list failures.toml
