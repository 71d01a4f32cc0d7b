package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/featurehost/featurehost/config"
)

// largestMessage bounds what one value of an answer may say of its own size.
const largestMessage = 256 << 20

// Options say how a server is reached.
type Options struct {
	// SASL is how users are known: "" (plain), "PLAIN" or "GSSAPI".
	SASL     string
	Username string
	Password config.Secret
	Dial     time.Duration // limit of connecting and of the talk about users
}

// ErrBroken is in the tree of the errors of a connection that cannot be used
// any more.
var ErrBroken = errors.New("the connection is lost")

// ErrTimeLimit is in the tree of the error of a call that took longer than its
// limit.
var ErrTimeLimit = errors.New("no answer within the time limit")

// DeniedError is a server's refusal of a user, in its own words.
type DeniedError struct{ Text string }

// Error implements error.
func (e *DeniedError) Error() string {
	if e.Text == "" {
		return "the server refused the user"
	}
	return "the server refused the user: " + e.Text
}

// Conn is a connection, for one caller at a time.
type Conn struct {
	// Client sends calls; only inside Do.
	Client thrift.TClient

	net    net.Conn
	broken bool
}

// Dial connects to host:port and makes the user known.
func Dial(ctx context.Context, address string, o Options) (*Conn, error) {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, o.Dial)
	defer cancel()
	c, err := dial(ctx, address, o)
	if err != nil && ctx.Err() != nil && caller.Err() == nil {
		err = fmt.Errorf("%w of %s", ErrTimeLimit, o.Dial)
	}
	return c, err
}

func dial(ctx context.Context, address string, o Options) (*Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &Conn{net: raw}
	err = c.Do(ctx, o.Dial, func(context.Context) error {
		transport, err := secured(raw, address, o)
		if err != nil {
			return err
		}
		conf := &thrift.TConfiguration{MaxMessageSize: largestMessage, MaxFrameSize: largestMessage}
		p := thrift.NewTBinaryProtocolConf(transport, conf)
		c.Client = thrift.NewTStandardClient(p, p)
		return nil
	})
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return c, nil
}

// secured gives the transport for calls on a fresh connection.
func secured(raw net.Conn, address string, o Options) (thrift.TTransport, error) {
	switch o.SASL {
	case "":
		return thrift.NewStreamTransportRW(raw), nil
	case "PLAIN":
		if err := plain(raw, o.Username, o.Password.Value()); err != nil {
			return nil, err
		}
		return thrift.NewTFramedTransportConf(thrift.NewStreamTransportRW(raw), &thrift.TConfiguration{MaxMessageSize: largestMessage, MaxFrameSize: largestMessage}), nil
	case "GSSAPI":
		return kerberos(raw, address)
	}
	return nil, fmt.Errorf("no way to make a user known by %q", o.SASL)
}

// Do makes one call. What f answers is passed on; when it is no answer of the
// service, or the call ran into its end, the connection is closed.
func (c *Conn) Do(ctx context.Context, limit time.Duration, f func(context.Context) error) (err error) {
	if c.broken {
		return ErrBroken
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.net.SetDeadline(time.Time{}); err != nil {
		_ = c.Close()
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	// Thrift reads again after a time-out as long as its context goes on, so it
	// is given one that ends with the limit.
	call, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	stop := context.AfterFunc(call, func() { _ = c.net.SetDeadline(time.Unix(1, 0)) })
	err = guarded(call, f)
	if !stop() || err != nil && !Answered(err) {
		// The deadline may be in the past by now, or the stream in the middle.
		_ = c.Close()
	}
	if err == nil || Answered(err) {
		return err
	}
	if cerr := ctx.Err(); cerr != nil {
		return cerr
	}
	var denied *DeniedError
	if errors.As(err, &denied) {
		return err
	}
	if call.Err() != nil {
		return fmt.Errorf("%w: %w of %s", ErrBroken, ErrTimeLimit, limit)
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// guarded turns a panic of a decoder, which bytes that are no Thrift can cause,
// into an error.
func guarded(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the answer cannot be decoded: %v", r)
		}
	}()
	return f(ctx)
}

// Answered reports whether an error is the service's own answer, after which
// the connection is as good as before.
func Answered(err error) bool {
	var e thrift.TException
	if !errors.As(err, &e) {
		return false
	}
	switch e.TExceptionType() {
	case thrift.TExceptionTypeCompiled:
		return true
	case thrift.TExceptionTypeApplication:
		return UnknownMethod(err) || applicationType(err) == thrift.INTERNAL_ERROR
	}
	return false
}

// UnknownMethod reports whether the service does not know the call.
func UnknownMethod(err error) bool { return applicationType(err) == thrift.UNKNOWN_METHOD }

func applicationType(err error) int32 {
	var e thrift.TApplicationException
	if errors.As(err, &e) {
		return e.TypeId()
	}
	return -1
}

// Broken reports whether the connection is of no use any more.
func (c *Conn) Broken() bool { return c.broken }

// Close ends the connection. It may be called twice.
func (c *Conn) Close() error {
	if c.broken {
		return nil
	}
	c.broken = true
	return c.net.Close()
}
