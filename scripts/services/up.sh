#!/usr/bin/env bash
# up.sh: starts all the servers that the tests share, side by side, writes their
# addresses to services.env in the folder of the instances and says how to use it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
why=$(missing)
[ -z "$why" ] || fail "$why"
mkdir -p "$STATES"
STATES=$(cd "$STATES" && pwd)
began=$(date +%s)
# The metastores are told where S3 is, and S3 is there at once.
"$SERVICES/start.sh" s3 >"$STATES/s3.out"
set -a
. "$STATES/s3.out"
set +a
names="hive cassandra kafka metastore"
jobs=()
for name in $names; do
	"$SERVICES/start.sh" "$name" >"$STATES/$name.out" &
	jobs+=($!)
done
failed=0
for job in "${jobs[@]}"; do wait "$job" || failed=1; done
[ $failed = 0 ] || fail "not all servers started; \`make services-down\` ends the others"
env=$STATES/services.env
{
	for name in s3 $names; do sed 's/^/export /' "$STATES/$name.out"; done
	echo "export FEATUREHOST_SERVICES_STATE=$STATES"
} >"$env.part"
mv "$env.part" "$env"
for name in s3 $names; do rm -f "$STATES/$name.out"; done
say "up after $(($(date +%s) - began)) s"
echo "The servers are up. To use them: . $env"
