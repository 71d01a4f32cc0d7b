package process

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/stats"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// What a plugin may send in answer to one message: an HTTP/2 frame costs the host
// some 30 bytes beside what it holds, so frames of a byte or two would take many
// times what limits.output_ratio and max_message_bytes allow. gRPC's servers fill
// theirs with 16 KiB.
const (
	mostFrames = 10_000
	leastFrame = 64 // bytes of each beyond those, on average
)

// line is the connection to a process. Its zero value has none.
type line struct {
	mu     sync.Mutex
	conn   net.Conn
	closed bool
	frames atomic.Int64 // that came beyond what their bytes explain, in units of a byte
	crumbs atomic.Bool  // it was ended for them
	came   atomic.Int64 // bytes of messages in all frames
	taken  atomic.Int64 // bytes of the messages that the host has received
}

// take keeps a connection so that close can end it.
func (l *line) take(c net.Conn) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	l.conn = c
	return c, nil
}

// close ends the connection at once, whatever is still to be written.
func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.conn != nil {
		_ = l.conn.Close()
	}
}

// expect starts the count of frames anew: the host asks for something.
func (l *line) expect() { l.frames.Store(0) }

// pending tells whether something has come that was not received yet. Of each
// exchange all is received before another begins.
func (l *line) pending() bool { return l.came.Load() != l.taken.Load() }

// taking notes what gRPC has received of messages.
type taking struct{ line *line }

// TagRPC implements stats.Handler.
func (*taking) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (t *taking) HandleRPC(_ context.Context, s stats.RPCStats) {
	if in, ok := s.(*stats.InPayload); ok {
		t.line.taken.Add(int64(in.WireLength))
	}
}

// TagConn implements stats.Handler.
func (*taking) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (*taking) HandleConn(context.Context, stats.ConnStats) {}

// frame counts one, and tells whether it may be one more.
func (l *line) frame(kind, flags byte, size int) bool {
	if kind == dataFrame {
		l.came.Add(int64(size))
	}
	if kind == dataFrame && flags&padded != 0 { // nobody pads on a socket of one machine
		l.crumbs.Store(true)
	}
	if l.frames.Add(int64(leastFrame-size)) > mostFrames*leastFrame {
		l.crumbs.Store(true)
	}
	return !l.crumbs.Load()
}

// broke gives the error of a connection that was ended for what came on it.
func (l *line) broke() error {
	if !l.crumbs.Load() {
		return nil
	}
	return contract.Refusal(abi.CodeStream, "the plugin sent more than %d HTTP/2 frames of less than %d bytes at once, or padded ones, and its connection was ended", mostFrames, leastFrame).
		WithHint("put more into each message: rows, or words")
}

// counting are credentials whose connections have their frames counted, where
// they can be read.
type counting struct {
	credentials.TransportCredentials
	line *line
}

// ClientHandshake implements credentials.TransportCredentials.
func (c *counting) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	return &counted{Conn: conn, line: c.line}, info, nil
}

// Clone implements credentials.TransportCredentials.
func (c *counting) Clone() credentials.TransportCredentials {
	return &counting{c.TransportCredentials.Clone(), c.line}
}

// headBytes of an HTTP/2 frame: its size in three, then its kind, flags and stream
// (https://www.rfc-editor.org/rfc/rfc9113#name-frame-format).
const (
	headBytes = 9
	dataFrame = 0 // kind
	padded    = 8 // flag
)

// counted counts the frames that are read from a connection.
type counted struct {
	net.Conn
	line *line
	head [headBytes]byte
	have int // bytes of head
	rest int // bytes of the frame under way
}

var errCrumbs = errors.New("too many small frames")

// Read implements net.Conn.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.count(b[:n]) {
		_ = c.Close()
		return 0, errCrumbs
	}
	return n, err
}

// count follows the frames through what was read, and tells whether they may go
// on.
func (c *counted) count(b []byte) bool {
	for len(b) > 0 {
		if c.rest > 0 {
			n := min(c.rest, len(b))
			c.rest, b = c.rest-n, b[n:]
			continue
		}
		n := copy(c.head[c.have:], b)
		c.have, b = c.have+n, b[n:]
		if c.have == headBytes {
			c.have = 0
			c.rest = int(c.head[0])<<16 | int(c.head[1])<<8 | int(c.head[2])
			if !c.line.frame(c.head[3], c.head[4], c.rest) {
				return false
			}
		}
	}
	return true
}
