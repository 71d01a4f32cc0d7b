package cassandra

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/gocql/gocql"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// passing tells whether the same request may succeed later without a change.
func passing(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var r gocql.RequestError
	if errors.As(err, &r) {
		switch r.Code() {
		case gocql.ErrCodeServer, gocql.ErrCodeUnavailable, gocql.ErrCodeOverloaded, gocql.ErrCodeBootstrapping, gocql.ErrCodeTruncate,
			gocql.ErrCodeWriteTimeout, gocql.ErrCodeReadTimeout, gocql.ErrCodeWriteFailure, gocql.ErrCodeReadFailure, gocql.ErrCodeUnprepared:
			return true
		}
		return false
	}
	for _, one := range []error{
		gocql.ErrTimeoutNoResponse, gocql.ErrConnectionClosed, gocql.ErrNoConnections, gocql.ErrNoStreams, gocql.ErrUnavailable,
		gocql.ErrTooManyTimeouts, gocql.ErrHostQueryFailed, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	} {
		if errors.Is(err, one) {
			return true
		}
	}
	var n net.Error
	return errors.As(err, &n) || strings.Contains(err.Error(), tooLate)
}

// tooLate is what Cassandra 5 says of requests that waited too long for their
// turn, as after a pause. It says so of no request in particular, upon which the
// driver closes the connection, and has no better sign for it than the text.
const tooLate = "timed out before it could start"

// failed gives the error of a request its code.
func (s *session) failed(ctx context.Context, err error, cql string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.As(err) != nil:
		return err
	case passing(err):
		e := fault.Wrap(err, NoAnswer, "the cluster did not do what it was asked, however often").At("%s", s.where).
			WithHint("see that enough nodes are up, then run again")
		e.Retry = true
		return e
	}
	var r gocql.RequestError
	if errors.As(err, &r) && (r.Code() == gocql.ErrCodeUnauthorized || r.Code() == gocql.ErrCodeCredentials) {
		return fault.Wrap(err, NotAllowed, "the user may not do this: %s", verb(cql)).At("%s", s.where).WithHint("grant the permission, or use another user")
	}
	return fault.Wrap(err, Refused, "the server refused a statement: %s", verb(cql)).At("%s", s.where)
}

// invalid tells whether the server found a statement to be at odds with the
// schema.
func invalid(err error) bool {
	var r gocql.RequestError
	return errors.As(err, &r) && (r.Code() == gocql.ErrCodeInvalid || r.Code() == gocql.ErrCodeConfig || r.Code() == gocql.ErrCodeAlreadyExists)
}

// verb gives the beginning of a statement, enough to know it by.
func verb(cql string) string {
	head, _, _ := strings.Cut(cql, "(")
	const most = 80
	if len(head) > most {
		head = head[:most] + "..."
	}
	return strings.TrimSpace(head)
}

// errNoReason is in the tree of the error of a session for which all connections
// were made, and that could not be opened all the same.
var errNoReason = errors.New("connections are made and not kept")

// failed says why a session could not be opened.
func (w *watcher) failed(err error, cfg *config.Cassandra, where string) error {
	if w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	w.mu.Lock()
	cause, dialled := w.last, w.dialled
	w.mu.Unlock()
	switch {
	case cause == nil && dialled:
		cause = fmt.Errorf("%w: %w", errNoReason, err)
	case cause == nil:
		cause = err
	}
	var (
		r         gocql.RequestError
		unknown   x509.UnknownAuthorityError
		name      x509.HostnameError
		bad       x509.CertificateInvalidError
		notTLS    tls.RecordHeaderError
		alert     tls.AlertError
		verifying *tls.CertificateVerificationError
	)
	switch {
	case errors.As(cause, &r) && r.Code() == gocql.ErrCodeCredentials:
		return fault.Wrap(cause, NotAllowed, "user %q or its password is not right", cfg.Username).At("%s", where).WithHint("check username and password")
	case cfg.Username == "" && strings.Contains(cause.Error(), "authentication required"): // the driver has no better sign
		return fault.Wrap(cause, NotAllowed, "the cluster wants a user and a password").At("%s", where).WithHint("write username and password")
	case errors.As(cause, &r) && r.Code() == gocql.ErrCodeUnauthorized:
		return fault.Wrap(cause, NotAllowed, "user %q may not use keyspace %q", cfg.Username, cfg.Keyspace).At("%s", where)
	case errors.As(cause, &unknown), errors.As(cause, &name), errors.As(cause, &bad), errors.As(cause, &verifying), errors.As(cause, &notTLS), errors.As(cause, &alert):
		return fault.Wrap(cause, BadTLS, "the connection could not be encrypted").At("%s", where).WithHint("check tls: ca, cert, key and server_name")
	}
	// A server that wants a certificate and gets none, or an unknown one, tells
	// it by an alert after the handshake, within a net.OpError.
	var op *net.OpError
	if errors.As(cause, &op) && op.Op == "remote error" {
		return fault.Wrap(cause, BadTLS, "the server did not take the own certificate").At("%s", where).WithHint("check tls: cert and key")
	}
	hint := "check hosts and the network"
	if dialled && cfg.TLS == nil {
		hint = "the port is open: see whether it is Cassandra's, is up to answer, and whether it wants [sink.tls]"
	}
	e := fault.Wrap(cause, Unreachable, "no connection could be made").At("%s", where).WithHint("%s", hint)
	e.Retry = true
	return e
}

func badConfig(err error, message string, args ...any) error {
	if err == nil {
		return fault.New(BadConfig, message, args...).At("[[sink]] cassandra")
	}
	return fault.Wrap(err, BadConfig, message, args...).At("[[sink]] cassandra")
}

func unknownKeyspace(cfg *config.Cassandra, where string) error {
	hint := `make it with CREATE KEYSPACE, or write replication = "{...}" and run "featurehost migrate --apply"`
	if cfg.Replication != "" {
		hint = `run "featurehost migrate --apply"`
	}
	return fault.New(UnknownKeyspace, "there is no keyspace %q", cfg.Keyspace).At("%s", where).WithHint("%s", hint)
}
