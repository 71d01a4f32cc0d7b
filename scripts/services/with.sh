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
# ended: nothing of the command is left. It has a process group of its own, as
# what it starts would else outlive it: go test has children, too.
ended() { ! kill -0 -- "-$child" 2>/dev/null; }
# A signal goes on to the command, as SIGTERM, since commands in the background
# are deaf to SIGINT. The servers end after it; a second signal, or 30 s, ends
# what hangs.
stop() {
	local waited
	if [ -n "$child" ]; then
		trap 'kill -KILL -- "-$child" 2>/dev/null || true' INT TERM HUP
		kill -TERM -- "-$child" 2>/dev/null || true
		for waited in $(seq 300); do
			! ended || break
			sleep 0.1
		done
		kill -KILL -- "-$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	exit $((128 + $(kill -l "$1")))
}
for signal in INT TERM HUP; do trap "stop $signal" $signal; done
trap '"$SERVICES/down.sh"; rmdir "$STATES" 2>/dev/null || true' EXIT
"$SERVICES/up.sh" >&2
. "$FEATUREHOST_SERVICES_STATE/services.env"
# A command in the background would read nothing.
exec 3<&0
setsid "$@" <&3 3<&- &
child=$!
exec 3<&-
wait "$child"
