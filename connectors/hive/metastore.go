package hive

import (
	"context"
	"errors"
	"time"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive/wire"
	"github.com/featurehost/featurehost/host/fault"
)

// Limits are the times that a metastore is given.
type Limits struct {
	Dial time.Duration // to connect and to make the user known
	Call time.Duration // to answer one call
	Each time.Duration // on top, for each partition that a call changes
}

// DefaultLimits let a metastore stand still for a minute. A changed partition
// may cost it a look at S3.
func DefaultLimits() Limits {
	return Limits{Dial: 10 * time.Second, Call: time.Minute, Each: 200 * time.Millisecond}
}

// Metastore is a client of one metastore. It is safe for use by several
// goroutines, whose calls come one after the other.
type Metastore struct {
	address string
	config  config.Hive
	limits  Limits

	turn    chan struct{} // holds one token: whose turn it is
	conn    *wire.Conn
	sasl    string // how users are made known; found out on the first connection
	settled bool   // sasl has worked
	oldest  bool   // the server does not know get_table_req
	calls   map[string]int
}

// NewMetastore makes a client; it connects with the first call.
func NewMetastore(h config.Hive, l Limits) (*Metastore, error) {
	m := &Metastore{address: h.Metastore, config: h, limits: l, turn: make(chan struct{}, 1), calls: map[string]int{}}
	m.turn <- struct{}{}
	switch h.Auth {
	case "", "NOSASL", "NONE", "LDAP":
	case "KERBEROS":
		if err := CheckKerberos(); err != nil {
			return nil, err
		}
		m.sasl, m.settled = "GSSAPI", true
	default:
		return nil, fault.New(AuthRefused, "auth %q is not known: NOSASL, NONE, LDAP and KERBEROS are", h.Auth)
	}
	return m, nil
}

// CheckKerberos refuses Kerberos where this build has none.
func CheckKerberos() error {
	if wire.HasKerberos {
		return nil
	}
	return fault.New(AuthRefused, `auth = "KERBEROS" is not in this build`).WithHint("build featurehost with -tags kerberos (cgo and the GSSAPI headers are needed), or use another way")
}

// Name says which server this is, for messages.
func (m *Metastore) Name() string { return "metastore " + m.address }

// Close ends the connection.
func (m *Metastore) Close() error {
	<-m.turn
	defer func() { m.turn <- struct{}{} }()
	if m.conn == nil {
		return nil
	}
	err := m.conn.Close()
	m.conn = nil
	return err
}

// Calls tells how often each call was made, for tests and for who counts.
func (m *Metastore) Calls() map[string]int {
	<-m.turn
	defer func() { m.turn <- struct{}{} }()
	out := map[string]int{}
	for k, v := range m.calls {
		out[k] = v
	}
	return out
}

// call makes one call, which must be one that may be made twice, and gives its
// error in the words of this room; about says what was asked for. size is the
// number of partitions that it changes.
func (m *Metastore) call(ctx context.Context, name, about string, size int, f func(context.Context, *hm.ThriftHiveMetastoreClient) error) error {
	select {
	case <-m.turn:
		defer func() { m.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := m.try(ctx, name, size, f)
	if errors.Is(err, wire.ErrBroken) && !errors.Is(err, wire.ErrTimeLimit) && ctx.Err() == nil {
		err = m.try(ctx, name, size, f)
	}
	for wait := 100 * time.Millisecond; troubled(err) && wait < time.Second && pause(ctx, wait); wait *= 3 {
		err = m.try(ctx, name, size, f)
	}
	return m.told(ctx, err, about)
}

// troubled tells whether the metastore says no for a reason that may be gone a
// moment later: in a MetaException it passes on what its database says, such as
// that two transactions waited for each other.
func troubled(err error) bool {
	var e *hm.MetaException
	return errors.As(err, &e)
}

// pause waits, and tells whether there is time left.
func pause(ctx context.Context, wait time.Duration) bool {
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// try makes the call on the connection there is, or on a fresh one.
func (m *Metastore) try(ctx context.Context, name string, size int, f func(context.Context, *hm.ThriftHiveMetastoreClient) error) error {
	if m.conn != nil && m.conn.Broken() {
		m.conn = nil
	}
	if m.conn == nil {
		if err := m.connect(ctx); err != nil {
			return err
		}
	}
	m.calls[name]++
	limit := m.limits.Call + time.Duration(size)*m.limits.Each
	return m.conn.Do(ctx, limit, func(ctx context.Context) error {
		return f(ctx, hm.NewThriftHiveMetastoreClient(m.conn.Client))
	})
}

// connect opens a connection and makes the user known. A metastore hardly ever
// asks for a password, even beside a HiveServer2 that does: it is spoken to
// plainly first, and by user and password when it does not understand that.
func (m *Metastore) connect(ctx context.Context) error {
	err := m.open(ctx)
	if err == nil || m.settled || ctx.Err() != nil || !errors.Is(err, wire.ErrBroken) || errors.Is(err, wire.ErrTimeLimit) || m.config.Auth == "" || m.config.Auth == "NOSASL" {
		return err
	}
	m.sasl = "PLAIN"
	if serr := m.open(ctx); serr != nil {
		m.sasl = ""
		var denied *wire.DeniedError
		if errors.As(serr, &denied) {
			return serr
		}
		return err
	}
	return nil
}

func (m *Metastore) open(ctx context.Context) error {
	conn, err := wire.Dial(ctx, m.address, wire.Options{SASL: m.sasl, Username: m.config.Username, Password: m.config.Password, Dial: m.limits.Dial})
	if err != nil {
		return &unreachableError{err}
	}
	// The first call shows whether the two understand each other.
	err = conn.Do(ctx, m.limits.Call, func(ctx context.Context) error {
		c := hm.NewThriftHiveMetastoreClient(conn.Client)
		if m.config.Username != "" && m.sasl == "" {
			_, err := c.SetUgi(ctx, m.config.Username, []string{m.config.Username})
			return err
		}
		_, err := c.GetStatus(ctx)
		return err
	})
	if err != nil && !wire.Answered(err) {
		_ = conn.Close()
		return err
	}
	m.conn, m.settled = conn, true
	return nil
}
