package servertest

import "testing"

// Kafka returns the address, host:port, of the shared broker. Topics are made
// with one partition by the first write, or by the test as it wants them.
func Kafka(t testing.TB) string {
	t.Helper()
	return need(t, "FEATUREHOST_KAFKA")[0]
}

// Cassandra returns the address, host:port, of the shared node.
func Cassandra(t testing.TB) string {
	t.Helper()
	return need(t, "FEATUREHOST_CASSANDRA")[0]
}

// Metastore returns the address, host:port, of the shared Hive metastore 3.1.3,
// which Spark reads. It reaches the S3 server of [S3] by s3a:// and s3://.
func Metastore(t testing.TB) string {
	t.Helper()
	return need(t, "FEATUREHOST_METASTORE")[0]
}

// Hive returns the addresses, host:port, of the shared Hive 4.0.1: its
// metastore and its HiveServer2 (authentication NONE). Both reach the S3 server
// of [S3] by s3a:// and s3://.
func Hive(t testing.TB) (metastore, server string) {
	t.Helper()
	v := need(t, "FEATUREHOST_HIVE_METASTORE", "FEATUREHOST_HIVE_SERVER")
	return v[0], v[1]
}
