package server2

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	hs "github.com/beltran/gohive/hiveserver"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/hive/wire"
	"github.com/featurehost/featurehost/host/fault"
)

// Limits are the times that a HiveServer2 is given.
type Limits struct {
	Dial time.Duration // to connect and to make the user known
	Call time.Duration // to answer one call; statements run as long as they need
}

// DefaultLimits let a server compile a statement for two minutes.
func DefaultLimits() Limits { return Limits{Dial: 10 * time.Second, Call: 2 * time.Minute} }

const (
	partingLimit = 5 * time.Second // for what is said to a server that is left
	firstPause   = 20 * time.Millisecond
	longestPause = time.Second
)

// Session is a session with a HiveServer2, for one caller at a time.
type Session struct {
	address string
	config  config.Hive
	limits  Limits
	conn    *wire.Conn
	handle  *hs.TSessionHandle
}

// Open connects and opens a session in the database of the configuration.
func Open(ctx context.Context, h config.Hive, l Limits) (*Session, error) {
	s := &Session{address: h.Server, config: h, limits: l}
	o := wire.Options{Username: h.Username, Password: h.Password, Dial: l.Dial}
	switch h.Auth {
	case "", "NOSASL":
	case "NONE":
		o.SASL = "PLAIN"
		if o.Username == "" {
			o.Username = "anonymous"
		}
		if o.Password.IsZero() { // any will do, but none is refused
			o.Password = config.NewSecret("anonymous")
		}
	case "LDAP":
		o.SASL = "PLAIN"
	case "KERBEROS":
		if err := hive.CheckKerberos(); err != nil {
			return nil, err
		}
		o.SASL = "GSSAPI"
	default:
		return nil, fault.New(hive.AuthRefused, "auth %q is not known: NOSASL, NONE, LDAP and KERBEROS are", h.Auth)
	}
	conn, err := wire.Dial(ctx, h.Server, o)
	if err != nil {
		return nil, s.told(ctx, err, "it cannot be reached")
	}
	s.conn = conn
	in := hs.NewTOpenSessionReq()
	in.ClientProtocol = hs.TProtocolVersion_HIVE_CLI_SERVICE_PROTOCOL_V6
	in.Configuration = map[string]string{}
	if h.Database != "" {
		in.Configuration["use:database"] = h.Database
	}
	if o.Username != "" {
		in.Username = &o.Username
	}
	var out *hs.TOpenSessionResp
	err = s.do(ctx, "no session was opened", func(ctx context.Context, c *hs.TCLIServiceClient) (status *hs.TStatus, err error) {
		out, err = c.OpenSession(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Status, nil
	})
	if err == nil && out.SessionHandle == nil {
		err = fault.New(hive.ServerUnreachable, "the server opens no session").At("%s", s.Name())
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	s.handle = out.SessionHandle
	return s, nil
}

// Name says which server this is, for messages.
func (s *Session) Name() string { return "hiveserver2 " + s.address }

// do makes one call and looks at the status of its answer.
func (s *Session) do(ctx context.Context, about string, f func(context.Context, *hs.TCLIServiceClient) (*hs.TStatus, error)) error {
	var status *hs.TStatus
	err := s.conn.Do(ctx, s.limits.Call, func(ctx context.Context) (err error) {
		status, err = f(ctx, hs.NewTCLIServiceClient(s.conn.Client))
		return err
	})
	if err != nil {
		return s.told(ctx, err, about)
	}
	if status == nil {
		return s.refused(about, "")
	}
	switch status.StatusCode {
	case hs.TStatusCode_SUCCESS_STATUS, hs.TStatusCode_SUCCESS_WITH_INFO_STATUS, hs.TStatusCode_STILL_EXECUTING_STATUS:
		return nil
	}
	return s.refused(about, status.GetErrorMessage())
}

// refused is the server's own word on a statement.
func (s *Session) refused(about, text string) error {
	if text = strings.TrimSpace(text); text == "" {
		text = "the server gives no reason"
	}
	return fault.New(hive.SQLRefused, "%s: %s", about, text).At("%s", s.Name())
}

// told gives an error of a call in the words of this room.
func (s *Session) told(ctx context.Context, err error, about string) error {
	if fault.As(err) != nil {
		return err
	}
	cerr := ctx.Err()
	if cerr != nil && !errors.Is(cerr, context.DeadlineExceeded) {
		return cerr
	}
	var denied *wire.DeniedError
	if errors.As(err, &denied) {
		return fault.New(hive.AuthRefused, "user %q is not accepted: %s", s.config.Username, denied.Text).At("%s", s.Name()).
			WithHint("check auth, username and password")
	}
	if cerr != nil {
		err = cerr
	}
	e := fault.Wrap(err, hive.ServerUnreachable, "%s", about).At("%s", s.Name()).
		WithHint("check that it runs, and that auth = %q is how it knows its users", cmp.Or(s.config.Auth, "NOSASL"))
	e.Retry = true
	return e
}

// Close ends the session. It may be called twice.
func (s *Session) Close() error {
	if s.handle != nil && !s.conn.Broken() {
		// The run's context may be over.
		_ = s.conn.Do(context.Background(), partingLimit, func(ctx context.Context) error {
			_, err := hs.NewTCLIServiceClient(s.conn.Client).CloseSession(ctx, &hs.TCloseSessionReq{SessionHandle: s.handle})
			return err
		})
	}
	s.handle = nil
	return s.conn.Close()
}
