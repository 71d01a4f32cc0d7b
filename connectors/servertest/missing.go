package servertest

import (
	"os"
	"strings"
	"testing"
)

// Variables are the environment variables that say where the shared servers
// are, as `make services-up` writes them.
func Variables() []string {
	return []string{
		"FEATUREHOST_S3_ENDPOINT", "FEATUREHOST_S3_ACCESS_KEY", "FEATUREHOST_S3_SECRET_KEY",
		"FEATUREHOST_KAFKA", "FEATUREHOST_CASSANDRA", "FEATUREHOST_METASTORE",
		"FEATUREHOST_HIVE_METASTORE", "FEATUREHOST_HIVE_SERVER",
	}
}

// RequireAll says that a test which cannot run is a failure.
func RequireAll() bool { return os.Getenv("FEATUREHOST_REQUIRE_ALL") == "1" }

// need returns the values of the variables, or ends the test.
func need(t testing.TB, names ...string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs real servers, which -short leaves out")
	}
	values := make([]string, len(names))
	var missing []string
	for i, n := range names {
		if values[i] = os.Getenv(n); values[i] == "" {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		Missing(t, strings.Join(missing, ", ")+" not set: start the servers with `make services-up` and source the file that it names")
	}
	return values
}

// Missing ends a test that cannot run for the given reason: skipped, or failed
// when FEATUREHOST_REQUIRE_ALL=1.
func Missing(t testing.TB, reason string) {
	t.Helper()
	if RequireAll() {
		t.Fatalf("%s (FEATUREHOST_REQUIRE_ALL=1 makes this a failure)", reason)
	}
	t.Skip(reason)
}
