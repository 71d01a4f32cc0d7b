#!/bin/sh
# Says nothing, for longer than anybody waits.
exec sleep 1000
