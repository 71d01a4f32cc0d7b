package servertest

import (
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
	"testing"
	"time"
)

// Certificates are PEM files made for one test: an authority, a server of
// 127.0.0.1 and localhost, and a client, both signed by the authority.
type Certificates struct {
	// CA is the certificate of the authority.
	CA string
	// OtherCA is the certificate of an authority that signed nothing here.
	OtherCA string
	// ServerKeystore holds the server's key and certificates, as the options
	// KAFKA_TLS_KEYSTORE and CASSANDRA_TLS_KEYSTORE take them.
	ServerKeystore string
	// ClientCert and ClientKey are the client's certificate and key.
	ClientCert, ClientKey string
}

// TLS makes certificates in a folder of the test.
func TLS(t testing.TB) Certificates {
	t.Helper()
	dir := t.TempDir()
	ca, other := newAuthority(t), newAuthority(t)
	server := ca.issue(t, x509.ExtKeyUsageServerAuth)
	client := ca.issue(t, x509.ExtKeyUsageClientAuth)
	write := func(name string, blocks ...*pem.Block) string {
		path := filepath.Join(dir, name)
		var out []byte
		for _, b := range blocks {
			out = append(out, pem.EncodeToMemory(b)...)
		}
		if err := os.WriteFile(path, out, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return Certificates{
		CA:             write("ca.pem", ca.certificate()),
		OtherCA:        write("other_ca.pem", other.certificate()),
		ServerKeystore: write("server.pem", server.private(t), server.certificate(), ca.certificate()),
		ClientCert:     write("client.pem", client.certificate()),
		ClientKey:      write("client_key.pem", client.private(t)),
	}
}

// holder is a key with its certificate.
type holder struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) holder {
	t.Helper()
	return newHolder(t, &x509.Certificate{
		Subject:               pkix.Name{CommonName: "featurehost test authority"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil)
}

func (h holder) issue(t testing.TB, usage x509.ExtKeyUsage) holder {
	t.Helper()
	return newHolder(t, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost"},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}, &h)
}

// newHolder signs the template by the given authority, or by itself.
func newHolder(t testing.TB, template *x509.Certificate, by *holder) holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(24 * time.Hour)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return holder{key: key, cert: cert}
}

func (h holder) certificate() *pem.Block {
	return &pem.Block{Type: "CERTIFICATE", Bytes: h.cert.Raw}
}

func (h holder) private(t testing.TB) *pem.Block {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(h.key)
	if err != nil {
		t.Fatal(err)
	}
	return &pem.Block{Type: "PRIVATE KEY", Bytes: der}
}
