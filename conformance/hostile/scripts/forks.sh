#!/bin/sh
# Leaves two children that hold its streams, and ends without a word.
sleep 1000 &
sleep 1000 &
exit 0
