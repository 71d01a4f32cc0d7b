#!/usr/bin/env bash
# spark.sh STATEMENT...: runs SQL statements in Spark 4.0.1 (PyPI's pyspark) over
# the metastore FEATUREHOST_METASTORE and prints rows as JSON lines. --fetch only
# installs it into the cache; --installed only says whether it is there.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
NAME=spark
venv=$CACHE/pyspark-4.0.1
case ${1:-} in
--installed) [ -e "$venv/fetched" ] && find_java; exit ;;
esac
# install: each step only after the one before, as `set -e` does not hold left of
# a ||. What is installed is known by its content (spark/requirements.txt).
install() {
	say "installing pyspark, the first time only"
	rm -rf "$venv" &&
		python3 -m venv "$venv" &&
		"$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$SERVICES/spark/requirements.txt" >&2 &&
		touch "$venv/fetched"
}
if [ ! -e "$venv/fetched" ]; then
	mkdir -p "$CACHE"
	(flock 8 && { [ -e "$venv/fetched" ] || install; }) 8>"$venv.lock" || fail "pyspark could not be installed"
fi
[ "${1:-}" != --fetch ] || exit 0
find_java || fail "needs a JDK 17"
# The S3 client is among the metastore's jars.
load metastore
fetch
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
JAVA_HOME=$(dirname "$(dirname "$JAVA")") TZ=UTC SPARK_LOCAL_IP=$HOST "$venv/bin/python" "$SERVICES/spark/query.py" "$JARS" "$@" 2>"$work/log" ||
	{ tail -n 40 "$work/log" >&2; fail "the statements failed"; }
