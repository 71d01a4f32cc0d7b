package cassandra

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gocql/gocql"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/parts"
)

// watcher dials for the driver, within bounds that the driver lacks, and
// remembers why connections failed, of which the driver keeps the text alone.
type watcher struct {
	ctx context.Context // while the session is being opened
	tls *tls.Config

	mu      sync.Mutex
	done    bool
	dialled bool // a connection was made, whatever came of it
	last    error
	undo    []func() bool
}

// DialHost implements gocql.HostDialer.
func (w *watcher) DialHost(ctx context.Context, host *gocql.HostInfo) (*gocql.DialedHost, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if w.opening() {
		stop := context.AfterFunc(w.ctx, cancel)
		defer stop()
	}
	d := net.Dialer{KeepAlive: 15 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", host.ConnectAddressAndPort())
	if err != nil {
		return nil, err
	}
	out, err := gocql.WrapTLS(ctx, conn, host.HostnameAndPort(), w.tls)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialled = true
	if !w.done {
		// A server that takes connections and says nothing must not outlast
		// the caller's context.
		w.undo = append(w.undo, context.AfterFunc(w.ctx, func() { _ = conn.Close() }))
	}
	return out, nil
}

func (w *watcher) opening() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.done
}

// opened ends the hold of the caller's context over the connections.
func (w *watcher) opened() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	for _, stop := range w.undo {
		stop()
	}
	w.undo = nil
}

// ObserveConnect implements gocql.ConnectObserver.
func (w *watcher) ObserveConnect(o gocql.ObservedConnect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.Err != nil && !w.done {
		w.last = o.Err
	}
}

// tlsConfig reads the files of a TLS table; nil where there is none.
func tlsConfig(t *config.TLS, at parts.Place) (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(inDir(at, t.CA))
		if err != nil {
			return nil, badConfig(err, "the authorities of tls cannot be read")
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, badConfig(nil, "%s holds no certificate in PEM form", inDir(at, t.CA))
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(inDir(at, t.Cert), inDir(at, t.Key))
		if err != nil {
			return nil, badConfig(err, "the own certificate of tls cannot be used")
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

func inDir(at parts.Place, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(at.Dir, path)
}
