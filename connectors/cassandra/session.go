package cassandra

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gocql/gocql"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/parts"
)

// Limits of the connection. A coordinator gives up after 2 s (writes) or 5 s
// (reads), so a client that hears nothing for longer talks to a dead process.
const (
	requestTimeout = 10 * time.Second
	connectTimeout = 10 * time.Second
	// defaultPatience is how long a request is repeated before a run gives up:
	// longer than a node takes to start.
	defaultPatience = 90 * time.Second
	firstPause      = 50 * time.Millisecond
	longestPause    = 2 * time.Second
	pageSize        = 1000
)

// cell is a value in the form of Cassandra's protocol; nil is null.
type cell []byte

// MarshalCQL implements gocql.Marshaler: the bytes are those of the column's
// type already.
func (c *cell) MarshalCQL(gocql.TypeInfo) ([]byte, error) { return *c, nil }

// UnmarshalCQL implements gocql.Unmarshaler. The driver reuses data.
func (c *cell) UnmarshalCQL(_ gocql.TypeInfo, data []byte) error {
	if data == nil {
		*c = nil
		return nil
	}
	*c = append(make(cell, 0, len(data)), data...)
	return nil
}

// client is all that this room needs of a driver.
type client interface {
	// exec runs a statement that changes the schema, once, and waits until all
	// nodes have it.
	exec(ctx context.Context, cql string) error
	// execAgain is exec for a statement that may be repeated.
	execAgain(ctx context.Context, cql string) error
	// read calls f with every row of a query; the cells are f's to keep until
	// it returns.
	read(ctx context.Context, cql string, args []any, f func(row []cell) error) error
	// insert writes a row, again and again until it is there or patience ends;
	// routing is the bytes of the partition key. Args are pointers to cells.
	insert(ctx context.Context, cql string, routing []byte, args []any) error
	close()
}

// session is a connection to a cluster: the one place that knows gocql.
type session struct {
	driver   *gocql.Session
	where    string // the cluster, for messages
	read1    gocql.Consistency
	patience time.Duration
}

var _ client = (*session)(nil)

// connect opens a session. Each has a host selection policy of its own, which
// gocql does not share between sessions.
func connect(ctx context.Context, cfg *config.Cassandra, at parts.Place, patience time.Duration) (*session, error) {
	s, cause := dialCluster(ctx, cfg, at, cfg.Keyspace)
	if cause == nil {
		s.patience = patience
		return s, nil
	}
	if !errors.Is(cause, errNoReason) {
		return nil, cause
	}
	// All went well until the driver asked for the keyspace.
	if plain, err := dialCluster(ctx, cfg, at, ""); err == nil {
		defer plain.close()
		known, err := plain.hasKeyspace(ctx, cfg.Keyspace)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, unknownKeyspace(cfg, plain.where)
		}
	}
	return nil, cause
}

// dialCluster makes a session, in a keyspace or in none.
func dialCluster(ctx context.Context, cfg *config.Cassandra, at parts.Place, keyspace string) (*session, error) {
	where := "cassandra " + strings.Join(cfg.Hosts, ",")
	level, err := gocql.ParseConsistencyWrapper(cfg.Consistency)
	if err != nil {
		return nil, badConfig(err, "consistency %q is unknown", cfg.Consistency)
	}
	secure, err := tlsConfig(cfg.TLS, at)
	if err != nil {
		return nil, err
	}
	watch := &watcher{ctx: ctx, tls: secure}
	defer watch.opened()
	c := gocql.NewCluster(cfg.Hosts...)
	c.ProtoVersion = 4 // the highest that this driver speaks
	c.Keyspace = keyspace
	c.Consistency = level
	c.Timeout, c.ConnectTimeout, c.WriteTimeout = requestTimeout, connectTimeout, requestTimeout
	c.PageSize = pageSize
	// Nodes that are down are tried every second; a shorter pause in between
	// lets the driver's goroutines end soon after close.
	c.ReconnectInterval = time.Second
	c.ReconnectionPolicy = &gocql.ConstantReconnectionPolicy{MaxRetries: 2, Interval: 100 * time.Millisecond}
	c.MaxWaitSchemaAgreement = 30 * time.Second
	c.DefaultTimestamp = false // every write names its own
	c.DefaultIdempotence = true
	c.RetryPolicy = otherHost{}
	c.HostDialer = watch
	c.ConnectObserver = watch
	c.Logger = silent{}
	if cfg.Username != "" {
		c.Authenticator = gocql.PasswordAuthenticator{Username: cfg.Username, Password: cfg.Password.Value()}
	}
	fallback := gocql.RoundRobinHostPolicy()
	if cfg.Datacenter != "" {
		fallback = gocql.DCAwareRoundRobinPolicy(cfg.Datacenter)
	}
	c.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(fallback, gocql.ShuffleReplicas())
	driver, err := c.CreateSession()
	if err != nil {
		return nil, watch.failed(err, cfg, where)
	}
	s := &session{driver: driver, where: where, read1: level, patience: defaultPatience}
	if level == gocql.Any {
		s.read1 = gocql.One // ANY is for writes alone
	}
	return s, nil
}

func (s *session) close() { s.driver.Close() }

func (s *session) exec(ctx context.Context, cql string) error {
	// The driver waits for the nodes to agree before it returns.
	return s.failed(ctx, s.driver.Query(cql).WithContext(ctx).RetryPolicy(nil).Exec(), cql)
}

func (s *session) execAgain(ctx context.Context, cql string) error {
	return s.patiently(ctx, cql, func() error { return s.driver.Query(cql).WithContext(ctx).RetryPolicy(nil).Exec() })
}

func (s *session) insert(ctx context.Context, cql string, routing []byte, args []any) error {
	return s.patiently(ctx, cql, func() error {
		return s.driver.Query(cql, args...).WithContext(ctx).RoutingKey(routing).Exec()
	})
}

func (s *session) read(ctx context.Context, cql string, args []any, f func([]cell) error) error {
	var page []byte
	for {
		var rows [][]cell
		var next []byte
		err := s.patiently(ctx, cql, func() error {
			rows = rows[:0]
			iter := s.driver.Query(cql, args...).WithContext(ctx).Consistency(s.read1).PageState(page).Iter()
			next = append([]byte(nil), iter.PageState()...)
			for {
				row := make([]cell, len(iter.Columns()))
				into := make([]any, len(row))
				for i := range row {
					into[i] = &row[i]
				}
				if !iter.Scan(into...) {
					return iter.Close()
				}
				rows = append(rows, row)
			}
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := f(row); err != nil {
				return err
			}
		}
		if len(next) == 0 {
			return nil
		}
		page = next
	}
}

// patiently repeats a request that does no harm when it is done twice, with
// growing pauses.
func (s *session) patiently(ctx context.Context, cql string, request func() error) error {
	err := request()
	if err == nil {
		return nil
	}
	end := time.Now().Add(s.patience)
	for pause := firstPause; passing(err) && ctx.Err() == nil; pause = min(2*pause, longestPause) {
		wait := pause/2 + rand.N(pause) // so that the writers do not come back as one
		if time.Now().Add(wait).After(end) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		if err = request(); err == nil {
			return nil
		}
	}
	return s.failed(ctx, err, cql)
}

// hasKeyspace asks the server, whose answer is exact where the driver's is not.
func (s *session) hasKeyspace(ctx context.Context, name string) (found bool, err error) {
	err = s.read(ctx, "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?", []any{text(name)}, func([]cell) error {
		found = true
		return nil
	})
	return found, err
}

// text makes an argument of a text.
func text(s string) *cell {
	c := cell(s)
	if c == nil {
		c = cell{}
	}
	return &c
}

// otherHost sends a request that failed for a passing reason to the next
// replica at once; pauses are made when all had their turn.
type otherHost struct{}

// Attempt implements gocql.RetryPolicy.
func (otherHost) Attempt(q gocql.RetryableQuery) bool {
	return q.Context().Err() == nil && q.Attempts() <= 3
}

// GetRetryType implements gocql.RetryPolicy.
func (otherHost) GetRetryType(err error) gocql.RetryType {
	if passing(err) {
		return gocql.RetryNextHost
	}
	return gocql.Rethrow
}

// silent keeps the driver from writing to the standard error: what matters
// comes back as an error.
type silent struct{}

// Print implements gocql.StdLogger.
func (silent) Print(...any) {}

// Printf implements gocql.StdLogger.
func (silent) Printf(string, ...any) {}

// Println implements gocql.StdLogger.
func (silent) Println(...any) {}
