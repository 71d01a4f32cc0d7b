package launch

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// certificate gives one as it stands in a handshake.
func certificate(t testing.TB) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawStdEncoding.EncodeToString(der)
}

// go-plugin breaks down on a certificate where it asked for none.
func TestStart_CertificateNobodyAskedFor_Ignored(t *testing.T) {
	s, spec := starter(t)
	spec.Path = script(t, `echo "1|1|unix|$TMPDIR/s|grpc|`+certificate(t)+`"
exec sleep 1000
`)
	p, err := s.Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if p.TLS() != nil {
		t.Error("the connection is to be encrypted, which nobody asked for")
	}
}

// With MTLS the program is given a certificate and must answer with one.
func TestStart_MTLS_CertificateNeeded(t *testing.T) {
	for _, c := range []struct{ name, certificate, says string }{
		{"none", "", "it names none"},
		{"no base64", "§§", "what is none"},
		{"no certificate", "aGVsbG8", "what is none"},
		{"padded", certificate(t) + "=", "what is none"},
		{"good", certificate(t), ""},
	} {
		s, spec := starter(t)
		spec.MTLS = true
		spec.Path = script(t, `case $PLUGIN_CLIENT_CERT in "-----BEGIN CERTIFICATE"*) ;; *) exit 9;; esac
echo "1|1|unix|$TMPDIR/s|grpc|`+c.certificate+`"
exec sleep 1000
`)
		p, err := s.Start(context.Background(), spec)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.says == "" && (p.TLS() == nil || p.TLS().RootCAs == nil || len(p.TLS().Certificates) != 1):
			t.Errorf("%s: connections by %+v", c.name, p.TLS())
		case c.says != "" && (!fault.Is(err, abi.CodeHandshake) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}
