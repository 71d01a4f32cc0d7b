package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// Time-outs of one exchange with a broker.
const (
	dialTimeout    = 8 * time.Second
	requestTimeout = 12 * time.Second
	clientID       = "featurehost"
)

// client is how brokers are reached.
type client struct {
	cfg  config.KafkaClient
	tls  *tls.Config // nil without TLS
	sasl sasl.Mechanism
}

// newClient reads the certificates. dir is where relative paths start.
func newClient(cfg config.KafkaClient, dir string) (*client, error) {
	c := &client{cfg: cfg}
	if len(cfg.Brokers) == 0 {
		return nil, fault.New(BadConfig, `no brokers are named`).WithHint(`write brokers = ["host:port"]`)
	}
	var err error
	if c.tls, err = tlsConfig(cfg.TLS, dir); err != nil {
		return nil, err
	}
	switch cfg.Mechanism {
	case "":
	case "PLAIN":
		c.sasl = plain.Mechanism{Username: cfg.Username, Password: cfg.Password.Value()}
	case "SCRAM-SHA-256", "SCRAM-SHA-512":
		algorithm := scram.SHA256
		if cfg.Mechanism == "SCRAM-SHA-512" {
			algorithm = scram.SHA512
		}
		if c.sasl, err = scram.Mechanism(algorithm, cfg.Username, cfg.Password.Value()); err != nil {
			// The cause may hold the user's text: it is about characters that
			// names and passwords cannot have.
			return nil, fault.New(BadConfig, "username or password holds characters that %s does not allow", cfg.Mechanism)
		}
	default:
		return nil, fault.New(BadConfig, "mechanism %q is not known: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are", cfg.Mechanism)
	}
	return c, nil
}

// tlsConfig reads the files of [tls].
func tlsConfig(t *config.TLS, dir string) (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	at := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	out := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(at(t.CA))
		if err != nil {
			return nil, fault.Wrap(err, BadTLS, "the authorities' file cannot be read").At("tls.ca")
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.New(BadTLS, "%s holds no certificate in PEM", t.CA).At("tls.ca")
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(at(t.Cert), at(t.Key))
		if err != nil {
			return nil, fault.Wrap(err, BadTLS, "certificate and key cannot be used together").At("tls.cert")
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// link is a connection to a broker, let in. It is for one caller at a time.
type link struct {
	addr     string
	conn     net.Conn
	pc       *protocol.Conn
	versions map[protocol.ApiKey]int16
	fetches  int32 // correlation number of the next fetch
	buf      []byte
}

func (l *link) close() {
	if l != nil {
		_ = l.conn.Close() // nothing waits for it
	}
}

// dial connects to a broker and proves the user.
func (c *client) dial(ctx context.Context, addr string) (_ *link, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := net.Dialer{}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close() // the first error is the one to tell
		}
	}()
	if c.tls != nil {
		cfg := c.tls
		if cfg.ServerName == "" {
			host, _, _ := net.SplitHostPort(addr)
			cfg = cfg.Clone()
			cfg.ServerName = host
		}
		t := tls.Client(conn, cfg)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = t
	}
	l := &link{addr: addr, conn: conn, pc: protocol.NewConn(conn, clientID), versions: map[protocol.ApiKey]int16{}}
	res, err := ask[*apiversions.Response](ctx, l, &apiversions.Request{})
	if err != nil {
		return nil, err
	}
	for _, k := range res.ApiKeys {
		key := protocol.ApiKey(k.ApiKey)
		l.versions[key] = key.SelectVersion(k.MinVersion, k.MaxVersion)
	}
	l.pc.SetVersions(l.versions)
	if c.sasl != nil {
		return l, l.login(ctx, c.sasl)
	}
	return l, nil
}

// errLogin marks a refusal of the user.
var errLogin = errors.New("the user is not let in")

// login runs the exchange of a mechanism.
func (l *link) login(ctx context.Context, m sasl.Mechanism) error {
	hs, err := ask[*saslhandshake.Response](ctx, l, &saslhandshake.Request{Mechanism: m.Name()})
	if err != nil {
		return err
	}
	if hs.ErrorCode != 0 {
		return fmt.Errorf("%w: the broker does not take %s, it takes %s", errLogin, m.Name(), strings.Join(hs.Mechanisms, ", "))
	}
	host, port, _ := net.SplitHostPort(l.addr)
	n, _ := strconv.Atoi(port)
	session, state, err := m.Start(sasl.WithMetadata(ctx, &sasl.Metadata{Host: host, Port: n}))
	if err != nil {
		return fmt.Errorf("%w: %w", errLogin, err)
	}
	for done := false; !done; {
		res, err := ask[*saslauthenticate.Response](ctx, l, &saslauthenticate.Request{AuthBytes: state})
		if err != nil {
			return err
		}
		if res.ErrorCode != 0 {
			return fmt.Errorf("%w: %s", errLogin, res.ErrorMessage)
		}
		if done, state, err = session.Next(ctx, res.AuthBytes); err != nil {
			return fmt.Errorf("%w: %w", errLogin, err)
		}
	}
	return nil
}

// ask sends a request and waits for the answer. When ctx ends the connection is
// of no use any more.
func ask[R protocol.Message](ctx context.Context, l *link, req protocol.Message) (out R, err error) {
	done := l.watch(ctx, requestTimeout)
	defer func() { err = done(err) }()
	res, err := l.pc.RoundTrip(req)
	if err != nil {
		return out, err
	}
	out, ok := res.(R)
	if !ok {
		return out, fmt.Errorf("an answer of type %T", res)
	}
	return out, nil
}

// watch bounds an exchange; what it gives is called with its error.
func (l *link) watch(ctx context.Context, most time.Duration) func(error) error {
	deadline := time.Now().Add(most)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	l.conn.SetDeadline(deadline)                                                   //nolint:errcheck // a connection that cannot take it fails at once
	stop := context.AfterFunc(ctx, func() { l.conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // likewise
	return func(err error) error {
		stop()
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
}

// errNobody is in the tree of the error when no broker named takes a connection,
// or the one that did hung up on the first question, as ports do that want a
// login.
var errNobody = errors.New("nobody is there")

// nobody is the cause of that error. It reads as what it wraps.
type nobody struct{ error }

func (n nobody) Unwrap() []error { return []error{n.error, errNobody} }

// silent reports whether err is of a broker that is there, or may be, and says
// nothing: one that is frozen, or behind a network that is away.
func silent(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// any connects to the first broker named that answers.
func (c *client) any(ctx context.Context) (*link, error) {
	var errs []error
	waited := false
	for _, addr := range c.cfg.Brokers {
		l, err := c.dial(ctx, addr)
		if err == nil {
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		waited = waited || silent(err)
		errs = append(errs, c.failed(err, addr))
	}
	for _, err := range errs { // a refusal tells more than silence
		if !fault.Is(err, Unreachable) {
			return nil, err
		}
	}
	if !waited {
		return nil, unheard(errs[0])
	}
	return nil, errs[0]
}

// unheard adds errNobody to an error.
func unheard(err error) error {
	if e := fault.As(err); e != nil && e.Err != nil {
		e.Err = nobody{e.Err}
	}
	return err
}
