package kafka_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// authority signs certificates for a test.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	path string // of its certificate
}

func newAuthority(t testing.TB, dir, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir, path: filepath.Join(dir, name+".pem")}
	a.key = a.newKey()
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write(a.path, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) write(path string, blocks ...*pem.Block) {
	var b []byte
	for _, x := range blocks {
		b = append(b, pem.EncodeToMemory(x)...)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// signed writes a certificate and its key, and both together as a keystore.
func (a *authority) signed(name string) (cert, key, store string) {
	a.t.Helper()
	k := a.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	pk, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, key, store = filepath.Join(a.dir, name+"-cert.pem"), filepath.Join(a.dir, name+"-key.pem"), filepath.Join(a.dir, name+"-store.pem")
	certBlock, keyBlock := &pem.Block{Type: "CERTIFICATE", Bytes: der}, &pem.Block{Type: "PRIVATE KEY", Bytes: pk}
	a.write(cert, certBlock)
	a.write(key, keyBlock)
	a.write(store, keyBlock, certBlock, &pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	return cert, key, store
}

// One broker with every way in serves all the cases, since it takes seconds to
// start.
func TestClient_LoginsAndCertificates(t *testing.T) {
	_ = servertest.Kafka(t)
	dir := t.TempDir()
	ours, strange := newAuthority(t, dir, "ours"), newAuthority(t, dir, "strange")
	_, _, store := ours.signed("broker")
	cert, key, _ := ours.signed("client")
	badCert, badKey, _ := strange.signed("stranger")
	const password = "correct-horse"
	s := servertest.Own(t, "kafka", "KAFKA_SASL=alice:"+password, "KAFKA_TLS_KEYSTORE="+store, "KAFKA_TLS_CLIENT_CA="+ours.path)
	makeTopic(t, s.Addr, "events", 2)
	write(t, s.Addr, "events", 0, numbered(0, 10)...)
	sasl, encrypted, both := s.Vars["FEATUREHOST_KAFKA_SASL"], s.Vars["FEATUREHOST_KAFKA_TLS"], s.Vars["FEATUREHOST_KAFKA_SASL_TLS"]
	if sasl == "" || encrypted == "" || both == "" {
		t.Fatalf("%v", s.Vars)
	}
	client := &config.TLS{CA: ours.path, Cert: cert, Key: key}
	for _, c := range []struct {
		name, broker, mechanism, password string
		tls                               *config.TLS
		code                              fault.Code // 0: let in
	}{
		{name: "PLAIN", broker: sasl, mechanism: "PLAIN", password: password},
		{name: "SCRAM-SHA-256", broker: sasl, mechanism: "SCRAM-SHA-256", password: password},
		{name: "SCRAM-SHA-512", broker: sasl, mechanism: "SCRAM-SHA-512", password: password},
		{name: "wrong password, PLAIN", broker: sasl, mechanism: "PLAIN", password: "wrong-battery", code: kafka.LoginRefused},
		{name: "wrong password, SCRAM", broker: sasl, mechanism: "SCRAM-SHA-512", password: "wrong-battery", code: kafka.LoginRefused},
		{name: "no login", broker: sasl, code: kafka.Unreachable},
		{name: "login where there is none", broker: s.Addr, mechanism: "PLAIN", password: password, code: kafka.LoginRefused},
		{name: "TLS", broker: encrypted, tls: client},
		{name: "TLS and SASL", broker: both, mechanism: "SCRAM-SHA-256", password: password, tls: client},
		{name: "broker's certificate not trusted", broker: encrypted, tls: &config.TLS{CA: strange.path, Cert: cert, Key: key}, code: kafka.BadTLS},
		{name: "our certificate not trusted", broker: encrypted, tls: &config.TLS{CA: ours.path, Cert: badCert, Key: badKey}, code: kafka.BadTLS},
		{name: "no certificate of ours", broker: encrypted, tls: &config.TLS{CA: ours.path}, code: kafka.BadTLS},
		{name: "name not in the certificate", broker: encrypted, tls: &config.TLS{CA: ours.path, Cert: cert, Key: key, ServerName: "elsewhere"}, code: kafka.BadTLS},
		{name: "TLS where there is none", broker: s.Addr, tls: client, code: kafka.Unreachable},
		{name: "none where there is TLS", broker: encrypted, code: kafka.Unreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := settings(c.broker, "events")
			cfg.Kafka.Client.Mechanism, cfg.Kafka.Client.TLS = c.mechanism, c.tls
			if c.mechanism != "" {
				cfg.Kafka.Client.Username, cfg.Kafka.Client.Password = "alice", config.NewSecret(c.password)
			}
			r, _, _ := newReader(t, cfg)
			start := time.Now()
			got, err := read(t, r, flow.Request{Columns: idAndName})
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			if c.code == 0 {
				if err != nil {
					t.Fatal(err)
				}
				same(t, got, ids(0, 10))
				return
			}
			if e := fault.As(err); e == nil || e.Code != c.code || !strings.Contains(err.Error(), c.broker) {
				t.Error(err)
			}
			if err != nil && (strings.Contains(err.Error(), "battery") || strings.Contains(err.Error(), "horse")) {
				t.Error("the password is told")
			}
			found, err := r.(flow.Prober).Probe(context.Background())
			if err != nil || found[0].OK || found[0].Text == "" {
				t.Error(found, err)
			}
		})
	}
	t.Run("stream and sink", func(t *testing.T) {
		way := config.KafkaClient{Brokers: []string{both}, Mechanism: "SCRAM-SHA-512", Username: "alice", Password: config.NewSecret(password), TLS: client}
		cfg := streaming(both, "events", "group")
		cfg.Kafka.Client = way
		same(t, portions(t, openStream(t, cfg), 10, true), ids(0, 10))
		out := sinkSettings(both, "events")
		out.Kafka.Client = way
		sink := newSink(t, out, t.TempDir())
		if p, err := sink.Publish(t.Context(), prepared(t, sink, "run-1")); err != nil || p.Rows != 3 {
			t.Fatal(p, err)
		}
		found, err := sink.(flow.Prober).Probe(t.Context())
		if err != nil || !found[0].OK {
			t.Error(found, err)
		}
	})
}

func TestClient_CertificateFiles_Named(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	env := flow.Env{}
	for _, c := range []*config.TLS{{CA: filepath.Join(dir, "missing.pem")}, {CA: filepath.Join(dir, "empty.pem")}, {Cert: filepath.Join(dir, "empty.pem"), Key: filepath.Join(dir, "empty.pem")}} {
		cfg := settings("b:1", "t")
		cfg.Kafka.Client.TLS = c
		if _, err := kafka.New(cfg, place(), env); !fault.Is(err, kafka.BadTLS) {
			t.Error(err)
		}
	}
}
