package servertest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

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

// HiveMetastore returns the address, host:port, of the shared Hive 4.0.1's
// metastore. It reaches the S3 server of [S3] by s3a:// and s3://.
func HiveMetastore(t testing.TB) string {
	t.Helper()
	return need(t, "FEATUREHOST_HIVE_METASTORE")[0]
}

// Metastores runs f against both dialects of metastore, each in a subtest named
// by its version.
func Metastores(t *testing.T, f func(t *testing.T, address string)) {
	t.Run("3.1.3", func(t *testing.T) { f(t, Metastore(t)) })
	t.Run("4.0.1", func(t *testing.T) { f(t, HiveMetastore(t)) })
}

// Hive returns the addresses, host:port, of the shared Hive 4.0.1: its
// metastore and its HiveServer2 (authentication NONE), which the test has for
// itself until it ends, so ask for it once: two MapReduce jobs that run in one
// server take each other's configuration and working folders.
func Hive(t testing.TB) (metastore, server string) {
	t.Helper()
	v := need(t, "FEATUREHOST_HIVE_METASTORE", "FEATUREHOST_HIVE_SERVER")
	held := filepath.Join(os.TempDir(), "featurehost-hive-"+strings.ReplaceAll(v[1], ":", "-"))
	f, err := os.OpenFile(held, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("%s: %v", held, err)
	}
	return v[0], v[1]
}
