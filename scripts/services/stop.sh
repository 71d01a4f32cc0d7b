#!/usr/bin/env bash
# stop.sh NAME: ends one service, the one of SERVICE_STATE when that is set. Its
# data stays.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
load "${1:?name of a service}"
[ ! -d "$STATE" ] || end "$(cd "$STATE" && pwd)"
