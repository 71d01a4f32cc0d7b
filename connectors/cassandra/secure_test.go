package cassandra

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

// One server with passwords, permissions and TLS in both directions.
func TestConnect_PasswordPermissionsTLS(t *testing.T) {
	certs := servertest.TLS(t)
	own := servertest.Own(t, "cassandra", "CASSANDRA_PASSWORD=1", "CASSANDRA_TLS_KEYSTORE="+certs.ServerKeystore, "CASSANDRA_TLS_CLIENT_CA="+certs.CA)
	const secret = "s3cr3t-of-ann"
	good := config.Cassandra{
		Hosts: []string{own.Addr}, Keyspace: servertest.Name(t), Username: "cassandra", Password: config.NewSecret("cassandra"),
		TLS: &config.TLS{CA: certs.CA, Cert: certs.ClientCert, Key: certs.ClientKey},
	}
	dir := t.TempDir()
	s := &store{t: t, set: "spend", cfg: config.Sink{Cassandra: &good}}
	s.at.Dir, s.at.State = dir, dir+"/state"
	s.cql("CREATE KEYSPACE %k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
		"CREATE ROLE ann WITH PASSWORD = '"+secret+"' AND LOGIN = true", "GRANT SELECT ON KEYSPACE %k TO ann")
	s.load(0, plain, "1 | 2026-01-02 | 5")
	if got := s.all(); got != "1 2026-01-02T00:00:00Z 5\n" {
		t.Error(got)
	}
	with := func(change func(*config.Cassandra)) error {
		c := good
		tls := *good.TLS
		c.TLS = &tls
		change(&c)
		s.cfg.Cassandra = &c
		defer func() { s.cfg.Cassandra = &good }()
		err := s.open(plain)
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "wrong-one")) {
			t.Errorf("a secret is told: %v", err)
		}
		return err
	}
	for name, c := range map[string]struct {
		change func(*config.Cassandra)
		code   fault.Code
		text   string
	}{
		"wrong password":    {func(c *config.Cassandra) { c.Password = config.NewSecret("wrong-one") }, NotAllowed, `user "cassandra"`},
		"no password":       {func(c *config.Cassandra) { c.Username, c.Password = "", config.Secret{} }, NotAllowed, "wants a user and a password"},
		"no TLS":            {func(c *config.Cassandra) { c.TLS = nil }, Unreachable, "sink.tls"},
		"other authority":   {func(c *config.Cassandra) { c.TLS.CA = certs.OtherCA }, BadTLS, "unknown authority"},
		"other name":        {func(c *config.Cassandra) { c.TLS.ServerName = "db.example.com" }, BadTLS, "db.example.com"},
		"no certificate":    {func(c *config.Cassandra) { c.TLS.Cert, c.TLS.Key = "", "" }, BadTLS, "certificate"},
		"the right name":    {func(c *config.Cassandra) { c.TLS.ServerName = "localhost" }, 0, ""},
		"unknown keyspace":  {func(c *config.Cassandra) { c.Keyspace = "nosuch" }, UnknownKeyspace, "nosuch"},
		"user without much": {func(c *config.Cassandra) { c.Username, c.Password = "ann", config.NewSecret(secret) }, 0, ""},
	} {
		err := with(c.change)
		if c.code == 0 && err != nil || c.code != 0 && (!fault.Is(err, c.code) || !strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A user who may only read finds out when publishing, and grants cure it.
	ann := good
	ann.Username, ann.Password = "ann", config.NewSecret(secret)
	s.cfg.Cassandra = &ann
	r := hosttest.Record(t, plain, "1 | 2026-01-03 | 6")
	defer r.Release()
	p := s.prepare(0, r)
	k := s.sink()
	_, err := k.Publish(context.Background(), p)
	expect(t, err, NotAllowed, "INSERT INTO", "grant", "ann")
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	s.set = "fresh"
	p2 := s.prepare(0, r)
	k = s.sink()
	_, err = k.Publish(context.Background(), p2)
	expect(t, err, NotAllowed, "CREATE TABLE")
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	s.cfg.Cassandra = &good
	s.cql("GRANT MODIFY ON KEYSPACE %k TO ann")
	s.cfg.Cassandra = &ann
	s.set = "spend"
	// The server keeps permissions in mind for some seconds.
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		k := s.sink()
		_, err := k.Publish(context.Background(), p)
		if cerr := k.Close(); cerr != nil {
			t.Fatal(cerr)
		}
		if err == nil {
			break
		}
		if !fault.Is(err, NotAllowed) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if got := s.all(); got != "1 2026-01-03T00:00:00Z 6\n" {
		t.Error(got)
	}
	// A table made by hand has no labels, and a user who may not alter it does
	// without.
	s.cfg.Cassandra = &good
	s.cql(`CREATE TABLE %k.user__hand (id bigint PRIMARY KEY, timestamp timestamp, v double)`)
	s.cfg.Cassandra = &ann
	s.set = "hand"
	s.load(0, plain, "1 | 2026-01-03 | 6")
	if got := s.all(); got != "1 2026-01-03T00:00:00Z 6\n" {
		t.Error(got)
	}
	s.cfg.Cassandra = &good
}
