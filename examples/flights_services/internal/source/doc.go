// Package source brings the example's events to where the pipelines of this
// folder read them: departures as JSON messages in Kafka and as Parquet on S3,
// the weather as Parquet on S3 and as a table in a Hive metastore.
package source
