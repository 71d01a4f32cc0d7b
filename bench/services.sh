#!/bin/sh
# Rates between real servers, each beside a baseline of the same run:
#   S3         reading an S3 server against reading the same files of the disk (CPU of this process)
#   Publish    upserts into Cassandra against a bare gocql loop (ratio: of rows per second)
#   Decode     Kafka's JSON to Arrow, per CPU second
#   EndToEnd   a topic to columns against a bare kafka-go loop that only takes the bytes
# Needs the servers of docs/services.md: make bench-services starts them.
set -eu
cd "$(dirname "$0")/.."
runs=${1:-5}
go test ./bench -run '^$' -bench '^BenchmarkS3$' -benchtime "${runs}x"
go test ./connectors/cassandra -run '^$' -bench '^BenchmarkPublish$' -benchtime "${runs}x"
go test ./connectors/kafka -run '^$' -bench '^Benchmark(Decode|EndToEnd)$' -benchtime "${runs}x"
