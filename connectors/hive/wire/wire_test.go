package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	"go.uber.org/goleak"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering is a server that sends these bytes to whoever comes and then
// listens until it is left.
func answering(t testing.TB, answer []byte, hangUp bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(5 * time.Second))
			c.Write(answer)
			if !hangUp {
				io.Copy(io.Discard, c)
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

func databases(ctx context.Context, c *Conn, limit time.Duration) error {
	return c.Do(ctx, limit, func(ctx context.Context) error {
		_, err := hm.NewThriftHiveMetastoreClient(c.Client).GetAllDatabases(ctx)
		return err
	})
}

func TestDo_NoAnswer_EndsWithLimitOrContext(t *testing.T) {
	address := answering(t, nil, false)
	for name, c := range map[string]struct {
		limit, deadline, cancel time.Duration
		want                    error
	}{
		"limit":    {50 * time.Millisecond, time.Minute, time.Minute, ErrTimeLimit},
		"deadline": {time.Minute, 50 * time.Millisecond, time.Minute, context.DeadlineExceeded},
		"cancel":   {time.Minute, time.Minute, 50 * time.Millisecond, context.Canceled},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
		timer := time.AfterFunc(c.cancel, cancel)
		conn, err := Dial(ctx, address, Options{Dial: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := databases(ctx, conn, c.limit); !errors.Is(err, c.want) || time.Since(start) > 2*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(start))
		}
		if !conn.Broken() {
			t.Errorf("%s: the connection is still used", name)
		}
		if err := databases(t.Context(), conn, time.Second); !errors.Is(err, ErrBroken) {
			t.Errorf("%s, again: %v", name, err)
		}
		timer.Stop()
		cancel()
	}
}

func TestDial_ServerThatKnowsNoSASL_SaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		answer []byte
		hangUp bool
	}{
		"silent": {nil, false}, "gone": {nil, true}, "thrift": {[]byte{0x80, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0}, false},
		"too long": {[]byte{saslComplete, 0xff, 0xff, 0xff, 0xff}, false}, "refused": {[]byte{saslBad, 0, 0, 0, 2, 'n', 'o'}, false}, "endless": {bytes.Repeat([]byte{saslOK, 0, 0, 0, 0}, 100), false},
	} {
		start := time.Now()
		_, err := Dial(t.Context(), answering(t, c.answer, c.hangUp), Options{SASL: "PLAIN", Username: "alice", Password: config.NewSecret("x"), Dial: 300 * time.Millisecond})
		var denied *DeniedError
		if err == nil || time.Since(start) > 2*time.Second || errors.As(err, &denied) != (name == "refused") || name == "refused" && denied.Text != "no" {
			t.Errorf("%s: %v after %s", name, err, time.Since(start))
		}
	}
	if _, err := Dial(t.Context(), answering(t, nil, true), Options{SASL: "GSSAPI", Dial: time.Second}); err == nil && !HasKerberos {
		t.Error("Kerberos without Kerberos")
	}
	if _, err := Dial(t.Context(), answering(t, nil, true), Options{SASL: "X", Dial: time.Second}); err == nil {
		t.Error("an unknown way")
	}
}

// Whatever a server answers, a call ends with an error or an answer: no panic,
// and no memory for what was only announced.
func FuzzDo(f *testing.F) {
	f.Add([]byte{0x80, 1, 0, 2, 0, 0, 0, 17, 'g', 'e', 't', '_', 'a', 'l', 'l', '_', 'd', 'a', 't', 'a', 'b', 'a', 's', 'e', 's', 0, 0, 0, 1, 15, 0, 0, 11, 0, 0, 0, 1, 0, 0, 0, 1, 'x', 0})
	f.Add([]byte{0x80, 1, 0, 3, 0, 0, 0, 0})
	f.Add(bytes.Repeat([]byte{12, 0, 1}, 1000))
	f.Fuzz(func(t *testing.T, answer []byte) {
		client, server := net.Pipe()
		defer client.Close()
		go func() {
			go io.Copy(io.Discard, server)
			server.SetDeadline(time.Now().Add(2 * time.Second))
			server.Write(answer)
			server.Close()
		}()
		p := thrift.NewTBinaryProtocolConf(thrift.NewStreamTransportRW(client), &thrift.TConfiguration{MaxMessageSize: 1 << 20})
		c := &Conn{net: client, Client: thrift.NewTStandardClient(p, p)}
		err := databases(t.Context(), c, 2*time.Second)
		if err != nil && !Answered(err) && !c.Broken() {
			t.Errorf("%v, and the connection is still used", err)
		}
	})
}
