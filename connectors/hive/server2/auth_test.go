package server2_test

import (
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/hive/server2"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
)

// HiveServer2 in its other ways to know its users: LDAP, and none at all.
func TestOpen_LDAPAndNOSASL(t *testing.T) {
	try := func(h config.Hive) error {
		s, err := server2.Open(t.Context(), h, server2.Limits{Dial: 10 * time.Second, Call: 30 * time.Second})
		if err != nil {
			return err
		}
		defer s.Close()
		r, err := s.Query(t.Context(), "SELECT 1")
		if err != nil {
			return err
		}
		return r.Close()
	}
	t.Run("LDAP", func(t *testing.T) {
		directory := servertest.Own(t, "ldap")
		server := servertest.Own(t, "hive", "HIVE_AUTH=LDAP", "HIVE_LDAP_URL="+directory.Vars["FEATUREHOST_LDAP"], "HIVE_LDAP_BASE="+directory.Vars["FEATUREHOST_LDAP_BASE"])
		h := config.Hive{Server: server.Addr, Auth: "LDAP", Username: "alice", Password: config.NewSecret("wonderland")}
		if err := try(h); err != nil {
			t.Error(err)
		}
		h.Password = config.NewSecret("looking-glass")
		if err := try(h); !fault.Is(err, hive.AuthRefused) || !strings.Contains(err.Error(), `"alice"`) || strings.Contains(err.Error(), "looking-glass") {
			t.Error(err)
		}
		h.Username = "nobody"
		if err := try(h); !fault.Is(err, hive.AuthRefused) || !strings.Contains(err.Error(), `"nobody"`) {
			t.Error(err)
		}
		// Its metastore asks for nobody: user and password harm nothing.
		m, err := hive.NewMetastore(config.Hive{Metastore: server.Vars["FEATUREHOST_HIVE_METASTORE"], Auth: "LDAP", Username: "alice", Password: config.NewSecret("wonderland")}, hive.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := m.Databases(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("NOSASL", func(t *testing.T) {
		server := servertest.Own(t, "hive", "HIVE_AUTH=NOSASL")
		if err := try(config.Hive{Server: server.Addr, Auth: "NOSASL"}); err != nil {
			t.Error(err)
		}
		err := try(config.Hive{Server: server.Addr, Auth: "NONE"})
		if !fault.Is(err, hive.ServerUnreachable) || !strings.Contains(err.Error(), `auth = "NONE"`) {
			t.Error(err)
		}
	})
}
