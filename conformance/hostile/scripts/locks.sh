#!/bin/sh
# Makes a folder in its private one that nobody can look into, and ends.
mkdir "$TMPDIR/locked"
: >"$TMPDIR/locked/file"
chmod 000 "$TMPDIR/locked"
exit 1
