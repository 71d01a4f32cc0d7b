#!/usr/bin/env bash
# down.sh: ends all servers of this checkout, those that tests own included, and
# removes their data. It ends only processes whose environment names their folder.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -d "$STATES" ] || exit 0
STATES=$(cd "$STATES" && pwd)
jobs=()
while read -r pid; do
	state=$(dirname "$pid")
	(NAME=${state#"$STATES"/} && runs "$state" && end "$state" && say "ended") &
	jobs+=($!)
done < <(find "$STATES" -mindepth 2 -maxdepth 4 -name pid -type f)
for job in ${jobs[@]+"${jobs[@]}"}; do wait "$job" || true; done
for name in $ALL_SERVICES own; do rm -rf "${STATES:?}/$name"; done
rm -rf "$STATES"/with.* "$STATES"/*.out "$STATES/services.env"
rmdir "$STATES" 2>/dev/null || true
