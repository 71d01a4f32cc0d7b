package servertest

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/beltran/gohive/gohivemeta/fb303"
	hm "github.com/beltran/gohive/hive_metastore"
)

// SilentMetastore is there and answers nothing else. A test embeds it and adds
// the answers that no real metastore can be made to give.
type SilentMetastore struct{ hm.ThriftHiveMetastore }

// GetStatus says that it is there.
func (SilentMetastore) GetStatus(context.Context) (fb303.FbStatus, error) {
	return fb303.FbStatus_ALIVE, nil
}

// ServeMetastore gives the address, host:port, of a metastore that answers so
// until the test ends.
func ServeMetastore(t testing.TB, answers hm.ThriftHiveMetastore) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		wait.Wait()
	})
	processor := hm.NewThriftHiveMetastoreProcessor(answers)
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer func() { _ = c.Close() }() // the client may be gone already
				p := thrift.NewTBinaryProtocolConf(thrift.NewStreamTransportRW(c), nil)
				for {
					if ok, err := processor.Process(context.Background(), p, p); !ok || err != nil {
						return
					}
				}
			})
		}
	})
	return l.Addr().String()
}
