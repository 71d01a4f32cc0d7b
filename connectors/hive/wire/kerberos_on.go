//go:build kerberos

package wire

import (
	"net"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/beltran/gohive"
)

// HasKerberos tells whether this build can make users known by Kerberos.
const HasKerberos = true

// kerberos makes the user of the ticket cache known to the service "hive".
func kerberos(raw net.Conn, address string) (thrift.TTransport, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	t, err := gohive.NewTSaslTransport(&opened{thrift.NewStreamTransportRW(raw)}, host, "GSSAPI", map[string]string{"service": "hive"}, largestMessage)
	if err != nil {
		return nil, err
	}
	return t, t.Open()
}

// opened is a transport that is open already.
type opened struct{ *thrift.StreamTransport }

// IsOpen implements thrift.TTransport.
func (*opened) IsOpen() bool { return true }
