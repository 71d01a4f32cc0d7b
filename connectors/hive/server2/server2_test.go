package server2_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/hive/server2"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func session(t *testing.T) (s *server2.Session, server string) {
	t.Helper()
	_, server = servertest.Hive(t)
	s, err := server2.Open(t.Context(), config.Hive{Server: server, Auth: "NONE"}, server2.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, server
}

func TestQuery_EveryType_ValuesAsStored(t *testing.T) {
	s, _ := session(t)
	r, err := s.Query(t.Context(), `SELECT CAST(1 AS tinyint) a, CAST(-2 AS smallint) b, 3 c, 4L d, CAST(0.5 AS float) e, CAST(0.25 AS double) f, true g, 'hé' h,
		CAST('ab' AS varchar(10)) i, CAST('ab' AS char(4)) j, CAST('2024-01-31 23:59:59.123456' AS timestamp) k, CAST('2024-02-29' AS date) l,
		CAST(-12.3 AS decimal(10,2)) m, CAST(0.001 AS decimal(38,3)) n, CAST('xyz' AS binary) o, array(1,2) p, CAST(NULL AS bigint) q, CAST(NULL AS string) r`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Next(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	got := hosttest.Text(b)
	t.Log(r.Schema(), got)
	for _, want := range []string{"2024-01-31T23:59:59.123456Z", "2024-02-29", "-12.3 ", "0.001", "hé", "[1,2]", "-2", "0.5", "0.25"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if _, err := r.Next(t.Context(), 10); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestQuery_Refusals_TheServersOwnWords(t *testing.T) {
	s, server := session(t)
	for sql, want := range map[string]string{
		"SELECT * FROM no_such_table": "Table not found",
		"SELEC 1":                     "cannot recognize input",
	} {
		_, err := s.Query(t.Context(), sql)
		if err == nil || fault.As(err) == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "hiveserver2 ") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if _, err := server2.Open(t.Context(), config.Hive{Server: server, Auth: "NONE", Database: "no_such_database"}, server2.DefaultLimits()); !fault.Is(err, hive.SQLRefused) || !strings.Contains(err.Error(), "no_such_database") {
		t.Error(err)
	}
	if _, err := server2.Open(t.Context(), config.Hive{Server: server, Auth: "NOSASL"}, server2.Limits{Dial: time.Second, Call: 2 * time.Second}); !fault.Is(err, hive.ServerUnreachable) || !strings.Contains(err.Error(), "NOSASL") {
		t.Error(err)
	}
	if _, err := server2.Open(t.Context(), config.Hive{Server: server, Auth: "KERBEROS"}, server2.DefaultLimits()); !fault.Is(err, hive.AuthRefused) {
		t.Error(err)
	}
	if _, err := server2.Open(t.Context(), config.Hive{Server: server, Auth: "CUSTOM"}, server2.DefaultLimits()); !fault.Is(err, hive.AuthRefused) {
		t.Error(err)
	}
	if _, err := server2.Open(t.Context(), config.Hive{Server: "127.0.0.1:1", Auth: "NONE"}, server2.DefaultLimits()); !fault.Is(err, hive.ServerUnreachable) || !fault.As(err).Retry {
		t.Error(err)
	}
}

func TestQuery_ContextEnds_AtOnce(t *testing.T) {
	s, _ := session(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := s.Query(ctx, "SELECT count(*) FROM (SELECT explode(split(space(3000), ' ')) a) x JOIN (SELECT explode(split(space(3000), ' ')) a) y ON x.a = y.a")
	if err == nil || time.Since(start) > 3*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}
