package servertest_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/connectors/servertest"
)

// listens says whether the port takes connections, which is what all services
// have in common.
func listens(addr string) bool {
	addr = strings.TrimPrefix(strings.TrimPrefix(addr, "http://"), "ldap://")
	c, err := net.DialTimeout("tcp", addr, 2*time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// TestOwn_StoppedOrKilled_ComesBack ends services in both ways and finds them at
// the same address afterwards.
func TestOwn_StoppedOrKilled_ComesBack(t *testing.T) {
	for _, service := range []string{"s3", "kafka", "cassandra", "metastore", "ldap"} {
		t.Run(service, func(t *testing.T) {
			s := servertest.Own(t, service)
			addr, first := s.Addr, s.PID
			if !listens(addr) {
				t.Fatalf("%s does not listen at %s", service, addr)
			}
			s.Kill()
			if listens(addr) {
				t.Error("killed, and still there")
			}
			s.Restart()
			if s.Addr != addr || !listens(addr) || s.PID == first {
				t.Errorf("restarted: at %s as process %d; before: %s, %d", s.Addr, s.PID, addr, first)
			}
			s.Stop()
			if listens(addr) {
				t.Error("stopped, and still there")
			}
		})
	}
}

// TestOwn_Frozen_SaysNothing shows that a frozen server keeps connections and
// answers none, and that one frozen at the end of a test ends with it.
func TestOwn_Frozen_SaysNothing(t *testing.T) {
	var state string
	t.Run("inner", func(t *testing.T) {
		s := servertest.Own(t, "s3")
		state = s.State
		own := s.S3()
		if own.Bucket == "" || own.Endpoint != s.Addr {
			t.Fatalf("%+v", own)
		}
		s.Freeze()
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(s.Addr, "http://"), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 1)
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if n, err := c.Read(answer); n != 0 || err == nil {
			t.Errorf("a frozen server said %q", answer[:n])
		}
		s.Thaw()
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Read(answer); err != nil {
			t.Errorf("thawed: %v", err)
		}
		s.Freeze()
	})
	if state == "" {
		t.Skip("no server was started")
	}
	if _, err := os.Stat(state); !os.IsNotExist(err) {
		t.Errorf("%s is still there (%v)", state, err)
	}
}

// TestOwn_TLS_ServersShowTheCertificate holds the options for TLS.
func TestOwn_TLS_ServersShowTheCertificate(t *testing.T) {
	certs := servertest.TLS(t)
	pem, err := os.ReadFile(certs.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client, err := tls.LoadX509KeyPair(certs.ClientCert, certs.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		service  string
		options  []string
		variable string
	}{
		{"kafka", []string{"KAFKA_SASL=alice:wonder land", "KAFKA_TLS_KEYSTORE=" + certs.ServerKeystore, "KAFKA_TLS_CLIENT_CA=" + certs.CA}, "FEATUREHOST_KAFKA_SASL_TLS"},
		{"cassandra", []string{"CASSANDRA_PASSWORD=1", "CASSANDRA_TLS_KEYSTORE=" + certs.ServerKeystore, "CASSANDRA_TLS_CLIENT_CA=" + certs.CA}, "FEATUREHOST_CASSANDRA"},
	} {
		t.Run(c.service, func(t *testing.T) {
			s := servertest.Own(t, c.service, c.options...)
			conn, err := tls.Dial("tcp", s.Vars[c.variable], &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{client}})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(conn.ConnectionState().PeerCertificates); n == 0 {
				t.Error("no certificate was shown")
			}
			_ = conn.Close()
		})
	}
}
