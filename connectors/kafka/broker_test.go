package kafka

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// broker answers as one with a topic "t" of one partition, which holds three
// messages, but for what a test would have it do.
type broker struct {
	addr string
	// leader names the leader in the n-th answer about the topic; nil for itself.
	leader func(n int) string
	// fetched changes the n-th answer to a fetch; nil for none.
	fetched func(n int, answer []byte) []byte

	mu             sync.Mutex
	asked, fetches int
	conns          []net.Conn
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{addr: l.Addr().String()}
	var all sync.WaitGroup
	all.Add(1)
	go func() {
		defer all.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns = append(b.conns, c)
			b.mu.Unlock()
			all.Add(1)
			go func() {
				defer all.Done()
				defer c.Close()
				for b.answer(c) == nil {
				}
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		b.mu.Lock()
		for _, c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		all.Wait()
	})
	return b
}

func (b *broker) answer(c net.Conn) error {
	version, number, _, req, err := protocol.ReadRequest(c)
	if err != nil {
		return err
	}
	var res protocol.Message
	switch x := req.(type) {
	case *apiversions.Request:
		res = &apiversions.Response{ApiKeys: []apiversions.ApiKeyResponse{
			{ApiKey: int16(protocol.ApiVersions)}, {ApiKey: int16(protocol.Metadata), MaxVersion: 1},
			{ApiKey: int16(protocol.ListOffsets), MinVersion: 2, MaxVersion: 2}, {ApiKey: int16(protocol.Fetch), MinVersion: 4, MaxVersion: 4},
		}}
	case *metadata.Request:
		b.mu.Lock()
		b.asked++
		addr := b.addr
		if b.leader != nil {
			addr = b.leader(b.asked)
		}
		b.mu.Unlock()
		host, port, _ := net.SplitHostPort(addr)
		n, _ := strconv.Atoi(port)
		res = &metadata.Response{Brokers: []metadata.ResponseBroker{{NodeID: 1, Host: host, Port: int32(n)}},
			Topics: []metadata.ResponseTopic{{Name: "t", Partitions: []metadata.ResponsePartition{{LeaderID: 1}}}}}
	case *listoffsets.Request:
		offset := int64(0)
		if x.Topics[0].Partitions[0].Timestamp == latest {
			offset = 3
		}
		res = &listoffsets.Response{Topics: []listoffsets.ResponseTopic{{Topic: "t", Partitions: []listoffsets.ResponsePartition{{Offset: offset}}}}}
	default:
		b.mu.Lock()
		b.fetches++
		a := fetchAnswer(number)
		if b.fetched != nil {
			a = b.fetched(b.fetches, a)
		}
		b.mu.Unlock()
		_, err := c.Write(a)
		return err
	}
	return protocol.WriteResponse(c, version, number, res)
}

// fetchAnswer answers a fetch with the three messages, in version 4.
func fetchAnswer(number int32) []byte {
	be := binary.BigEndian
	records := recordBatch(3, `{"id": 1}`)
	b := be.AppendUint32(make([]byte, 4), uint32(number))
	b = be.AppendUint32(b, 0) // throttled for
	b = be.AppendUint32(b, 1)
	b = appendString(b, "t")
	b = be.AppendUint32(b, 1)
	b = be.AppendUint32(b, 0) // partition
	b = be.AppendUint16(b, 0)
	b = be.AppendUint64(b, 3)
	b = be.AppendUint64(b, 3)
	b = be.AppendUint32(b, 0) // nothing aborted
	b = append(be.AppendUint32(b, uint32(len(records))), records...)
	be.PutUint32(b, uint32(len(b)-4))
	return b
}

// readAll reads the topic and counts its rows.
func readAll(t *testing.T, b *broker, from string) (rows int, err error) {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	r, err := New(config.Reader{ID: "r", Type: "kafka", Format: "json", Schema: []config.Column{{Name: "id", Type: "bigint"}},
		Kafka: &config.Kafka{Client: config.KafkaClient{Brokers: []string{b.addr}}, Topic: "t", From: from}}, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Open(t.Context(), flow.Request{Columns: []string{"id"}}); err != nil {
		return 0, err
	}
	for {
		x, err := r.Next(t.Context())
		if flow.Ended(err) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += int(x.Rows())
		x.Release()
	}
}

// Answers that are none of the protocol are told as such, when another
// connection brings no better one.
func TestReader_GarbledAnswers_Corrupt(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
	}{
		{"for another request", func(a []byte) []byte { a[7]++; return a }},
		{"cut inside", func(a []byte) []byte { a = a[:len(a)-30]; binary.BigEndian.PutUint32(a, uint32(len(a)-4)); return a }},
		{"no size", func([]byte) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }},
		{"too many topics", func(a []byte) []byte { a[12] = 0x7f; return a }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startBroker(t)
			b.fetched = func(n int, a []byte) []byte {
				if n > 1 {
					return a
				}
				return c.change(a)
			}
			if n, err := readAll(t, b, "first"); err != nil || n != 3 {
				t.Errorf("once: %d rows, %v", n, err)
			}
			b.fetched = func(_ int, a []byte) []byte { return c.change(a) }
			start := time.Now()
			_, err := readAll(t, b, "first")
			if e := fault.As(err); e == nil || e.Code != Corrupt || e.Retry || !strings.Contains(err.Error(), b.addr) || errors.Is(err, io.EOF) || time.Since(start) > 10*time.Second {
				t.Errorf("each time, after %s: %v", time.Since(start), err)
			}
		})
	}
}

// A leader that has just gone is looked up anew when a read begins.
func TestReader_LeaderGoneWhenItBegins_LookedUpAgain(t *testing.T) {
	b := startBroker(t)
	b.leader = func(n int) string {
		if n < 4 {
			return "127.0.0.1:1"
		}
		return b.addr
	}
	if n, err := readAll(t, b, "first"); err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// A time before 1970 is no other thing: -1 ms would stand for the end.
func TestReader_FromBefore1970_FirstMessage(t *testing.T) {
	b := startBroker(t)
	for _, from := range []string{"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.998Z", "1960-01-01T00:00:00Z", "1970-01-01T00:00:00Z"} {
		if n, err := readAll(t, b, from); err != nil || n != 3 {
			t.Errorf("%s: %d rows, %v", from, n, err)
		}
	}
}
