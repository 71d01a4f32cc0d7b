package s3store

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
)

// Options of a Pool. The zero value is right but for tests.
type Options struct {
	// Attempts is how often a request is tried; 0 means 10, which with the
	// pauses between them bridges about 30 seconds.
	Attempts int
	// Pause is the longest pause between two tries; 0 means 5 seconds.
	Pause time.Duration
	// Silence is how long a server may take to send or take the next bytes; 0
	// means a minute.
	Silence time.Duration
	// Hook is told of every request that changes something, before it is made.
	Hook blob.Hook
	// CopyLimit is the size from which on an object is copied in parts; 0 means
	// 5 GiB, the greatest that S3 copies at once. PartSize is the size of the
	// parts that are copied; 0 means 512 MiB.
	CopyLimit, PartSize int64
	// PutLimit is the size from which on a file is sent in parts; 0 means 64 MiB.
	PutLimit int64
}

// Pool holds one client per server, made when it is first needed. It is safe
// for use by several goroutines.
type Pool struct {
	options Options
	mu      sync.Mutex
	clients map[config.S3]*client
}

// NewPool makes an empty pool.
func NewPool(o Options) *Pool {
	or := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	or(&o.CopyLimit, 5<<30)
	or(&o.PartSize, 512<<20)
	or(&o.PutLimit, 64<<20)
	if o.Attempts == 0 {
		o.Attempts = 10
	}
	if o.Pause == 0 {
		o.Pause = 5 * time.Second
	}
	if o.Silence == 0 {
		o.Silence = time.Minute
	}
	return &Pool{options: o, clients: map[config.S3]*client{}}
}

// Open gives the store below a path such as s3://bucket/prefix. It asks no
// server.
func (p *Pool) Open(path string, cfg config.S3) (*Store, error) {
	bucket, prefix, err := Split(path)
	if err != nil {
		return nil, err
	}
	if prefix != "" {
		prefix += "/"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.clients[cfg]
	if c == nil {
		c = &client{cfg: cfg, options: p.options}
		p.clients[cfg] = c
	}
	c.hold(1)
	return &Store{client: c, bucket: bucket, prefix: prefix}, nil
}

// client is the connection to one server.
type client struct {
	cfg     config.S3
	options Options

	mu        sync.Mutex
	users     int
	transport *http.Transport
	api       *s3.Client
	creds     *remembered
}

// hold counts those who use the client. Without any, no connection stays open.
func (c *client) hold(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users += n
	if c.users == 0 && c.transport != nil {
		c.transport.CloseIdleConnections()
	}
}

// service gives the SDK's client.
func (c *client) service(ctx context.Context) (*s3.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.api != nil {
		return c.api, nil
	}
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithLogger(logging.Nop{}),
		awsconfig.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = c.options.Attempts, c.options.Pause
				// The bucket of tokens would end the tries of many requests that wait
				// for the same server; their number is bounded by us.
				o.RateLimiter = unlimited{}
			})
		}),
	}
	if c.cfg.Region != "" {
		options = append(options, awsconfig.WithRegion(c.cfg.Region))
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fault.Wrap(err, Credentials, "the settings of AWS cannot be loaded")
	}
	if loaded.Region == "" {
		if c.cfg.Endpoint == "" {
			return nil, fault.New(WrongRegion, "no region is known").WithHint("set s3 = { region = \"...\" } or AWS_REGION")
		}
		loaded.Region = "us-east-1" // servers of one region do not care
	}
	c.creds = &remembered{from: loaded.Credentials}
	loaded.Credentials = c.creds
	c.transport = c.newTransport()
	if b, ok := loaded.HTTPClient.(*awshttp.BuildableClient); ok {
		c.transport.TLSClientConfig = b.GetTransport().TLSClientConfig // of AWS_CA_BUNDLE
	}
	loaded.HTTPClient = &sender{c.transport}
	c.api = s3.NewFromConfig(loaded, func(o *s3.Options) {
		if c.cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.cfg.Endpoint)
		}
		o.UsePathStyle = c.cfg.PathStyle
		// Ranges have no checksum of their own; the files say what they hold.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return c.api, nil
}

func (c *client) newTransport() *http.Transport {
	silence := c.options.Silence
	dialer := &net.Dialer{Timeout: min(silence, 10*time.Second), KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &impatient{Conn: conn, silence: silence}, nil
		},
		TLSHandshakeTimeout:   min(silence, 10*time.Second),
		ResponseHeaderTimeout: silence,
		ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       30 * time.Second,
		DisableCompression:    true,
		ReadBufferSize:        64 << 10,
	}
}

// sender sends requests.
type sender struct{ transport *http.Transport }

// Do implements aws.HTTPClient. A redirect is an answer: it means another
// region, for which the signature would not fit.
func (s *sender) Do(r *http.Request) (*http.Response, error) { return s.transport.RoundTrip(r) }

// impatient is a connection that fails when nothing moves for too long.
type impatient struct {
	net.Conn
	silence time.Duration
}

func (i *impatient) Read(p []byte) (int, error) {
	if err := i.SetReadDeadline(time.Now().Add(i.silence)); err != nil {
		return 0, err
	}
	return i.Conn.Read(p)
}

func (i *impatient) Write(p []byte) (int, error) {
	// Whoever waits for the answer waits from the last byte sent on.
	if err := i.SetDeadline(time.Now().Add(i.silence)); err != nil {
		return 0, err
	}
	return i.Conn.Write(p)
}

// unlimited is a rate limiter that never refuses.
type unlimited struct{}

func (unlimited) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (unlimited) AddTokens(uint) error { return nil }

// remembered keeps the credentials last used, so that no message holds them.
type remembered struct {
	from aws.CredentialsProvider
	mu   sync.Mutex
	last aws.Credentials
}

// Retrieve implements aws.CredentialsProvider.
func (r *remembered) Retrieve(ctx context.Context) (aws.Credentials, error) {
	v, err := r.from.Retrieve(ctx)
	if err == nil {
		r.mu.Lock()
		r.last = v
		r.mu.Unlock()
	}
	return v, err
}

// secrets are the texts that must not be printed.
func (r *remembered) secrets() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []string{r.last.AccessKeyID, r.last.SecretAccessKey, r.last.SessionToken}
}
