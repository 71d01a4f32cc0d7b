#!/usr/bin/env bash
# Prints a Python that has pyarrow, which plugins in Python need: the one that
# FEATUREHOST_PYTHON names, else python3, else one of its own that it makes in the
# cache. Without Python or the network it fails, and the tests say what they skip.
. "$(dirname "${BASH_SOURCE[0]}")/services/lib.sh"
NAME=pyarrow
for python in ${FEATUREHOST_PYTHON:+"$FEATUREHOST_PYTHON"} python3; do
	if "$python" -c 'import pyarrow.flight' 2>/dev/null; then
		command -v "$python"
		exit
	fi
done
pinned=$(grep '^pyarrow==' "$SERVICES/../../bench/requirements.txt")
venv=$CACHE/${pinned/==/-}
install() {
	say "installing $pinned, the first time only"
	rm -rf "$venv" &&
		python3 -m venv "$venv" &&
		"$venv/bin/pip" install -q --disable-pip-version-check "$pinned" >&2 &&
		touch "$venv/fetched"
}
if [ ! -e "$venv/fetched" ]; then
	mkdir -p "$CACHE"
	(flock 8 && { [ -e "$venv/fetched" ] || install; }) 8>"$venv.lock" || fail "pyarrow could not be installed"
fi
echo "$venv/bin/python"
