#!/usr/bin/env bash
# start.sh NAME: starts one service and prints its addresses as VARIABLE=VALUE
# when it answers. An instance that runs already is only printed. The settings
# are in lib.sh and at the head of NAME/service.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
load "${1:?name of a service}"
mkdir -p "$STATE/tmp"
STATE=$(cd "$STATE" && pwd)
# Two starts of one instance: the second waits for the first and prints it.
exec 6>"$STATE/lock"
flock 6
if runs "$STATE"; then
	cat "$STATE/env"
	exit 0
fi
fetch
configure
compose
began=$(date +%s%N)
(
	cd "$STATE"
	FEATUREHOST_SERVICE=$NAME FEATUREHOST_SERVICE_STATE=$STATE setsid nohup "${CMD[@]}" >"$STATE/service.log" 2>&1 </dev/null 6>&- &
	echo $! >"$STATE/pid"
)
pid=$(cat "$STATE/pid")
until ready; do
	if [ ! -d "/proc/$pid" ]; then
		tail -n 30 "$STATE/service.log" >&2
		fail "ended before it was ready"
	fi
	if [ $(($(date +%s%N) - began)) -gt $((SERVICE_TIMEOUT * 1000000000)) ]; then
		tail -n 30 "$STATE/service.log" >&2
		end "$STATE"
		fail "not ready after $SERVICE_TIMEOUT s"
	fi
	sleep 0.1
done
addresses >"$STATE/env"
cat "$STATE/env"
say "ready after $((($(date +%s%N) - began) / 1000000)) ms, process $pid"
