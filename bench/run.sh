#!/bin/sh
# The rolling-window benchmark against its peers; see run.py for the options.
# Needs python3 with venv; the peers are installed into bench/out/venv.
set -eu
cd "$(dirname "$0")"
venv=out/venv
if [ ! -x "$venv/bin/python" ]; then
	mkdir -p out
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet -r requirements.txt
fi
exec "$venv/bin/python" run.py "$@"
