#!/bin/sh
# Growth of time and memory with the input; see growth.py for the options. It
# takes long, so no CI runs it.
set -eu
cd "$(dirname "$0")"
sh run.sh --help >/dev/null # makes the environment
exec out/venv/bin/python growth.py "$@"
