#!/usr/bin/env bash
# with.sh COMMAND...: runs a command with the servers up and their addresses in
# the environment, and takes them down at its end, however it ends. Servers that
# the environment names already are used and left up.
#   FEATUREHOST_SERVICES=off      runs the command without servers
#   FEATUREHOST_REQUIRE_ALL=1     servers that cannot be started are a failure
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if [ -n "${FEATUREHOST_KAFKA:-}" ] && [ -n "${FEATUREHOST_HIVE_SERVER:-}" ]; then
	exec "$@"
fi
why=""
if [ "${FEATUREHOST_SERVICES:-}" = off ]; then
	why="FEATUREHOST_SERVICES=off"
else
	why=$(missing)
fi
if [ -n "$why" ]; then
	[ "${FEATUREHOST_REQUIRE_ALL:-}" != 1 ] || fail "$why (FEATUREHOST_REQUIRE_ALL=1 makes this a failure)"
	say "not started: $why; what needs them is skipped"
	exec "$@"
fi
mkdir -p "$STATES"
export FEATUREHOST_SERVICES_STATE=$(cd "$STATES" && pwd)/with.$$
child=""
# A signal goes on to the command; the servers end after it.
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 130' INT TERM HUP
trap '"$SERVICES/down.sh"; rmdir "$STATES" 2>/dev/null || true' EXIT
"$SERVICES/up.sh" >&2
. "$FEATUREHOST_SERVICES_STATE/services.env"
"$@" &
child=$!
wait "$child"
