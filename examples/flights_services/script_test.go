package flights_services_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/connectors/servertest"
)

// TestScript_OneCommand_RunsTwice runs what make example-services runs once the
// servers are up, and runs it again on the tables that are there then.
func TestScript_OneCommand_RunsTwice(t *testing.T) {
	s := newStage(t, servertest.Metastore(t))
	t.Cleanup(s.dropKeyspace)
	if _, err := os.Stat("../../bin/featurehost"); err != nil {
		servertest.Missing(t, "bin/featurehost is not built")
	}
	for _, first := range []bool{true, false} {
		cmd := exec.Command("sh", "run.sh")
		cmd.Env = append(os.Environ(), "FLIGHTS_TOPIC="+s.name, "FLIGHTS_BUCKET="+s.s3.Bucket, "FLIGHTS_DATABASE="+s.name, "FLIGHTS_KEYSPACE="+s.name)
		if !first {
			cmd.Env = append(cmd.Env, "FLIGHTS_SPARK=off")
		}
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, want := range []string{"534,232 feature rows written", "tailnum", "N328AA", "2014-01-02T00:00:00Z"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
		if published := strings.Contains(string(text), "departures are messages"); published != first {
			t.Errorf("departures published: %v, first run: %v", published, first)
		}
	}
}
