package hosttest

import (
	"os"
	"testing"
)

// Missing skips a test that needs what this machine does not have, and says
// why. With FEATUREHOST_REQUIRE_ALL=1, as in CI, the test fails instead.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("FEATUREHOST_REQUIRE_ALL") == "1" {
		t.Fatalf("FEATUREHOST_REQUIRE_ALL=1, but %s", why)
	}
	t.Skip(why)
}
