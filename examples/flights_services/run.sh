#!/bin/sh
# Brings the events to the servers that the environment names, makes the tables,
# runs the pipeline and reads the results back. make example-services starts the
# servers for it. FLIGHTS_SPARK=off leaves Spark out.
set -eu
cd "$(dirname "$0")"
[ -n "${FEATUREHOST_KAFKA:-}" ] || { echo "no servers: run make example-services, or source the file that make services-up names" >&2; exit 1; }
featurehost=../../bin/featurehost
export AWS_ACCESS_KEY_ID="$FEATUREHOST_S3_ACCESS_KEY" AWS_SECRET_ACCESS_KEY="$FEATUREHOST_S3_SECRET_KEY"
rm -rf .featurehost
go run ./load ../flights/data
echo
"$featurehost" migrate aircraft_delays.toml --apply --plugins ../../plugins
echo
"$featurehost" run aircraft_delays.toml --plugins ../../plugins
echo
echo "the online vector of N328AA, from Cassandra (featurehost get aircraft_delays.toml N328AA):"
"$featurehost" get aircraft_delays.toml N328AA
if [ "${FLIGHTS_SPARK:-}" != off ] && ../../scripts/services/spark.sh --installed; then
	echo
	echo "the table in the metastore, read by Spark:"
	../../scripts/services/spark.sh \
		"SELECT count(*) AS rows, count(DISTINCT tailnum) AS aircraft, max(timestamp) AS last FROM ${FLIGHTS_DATABASE:-flights}.aircraft_delays"
fi
