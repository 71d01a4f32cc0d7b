package kafka

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Limits of a portion, and of what surrounds it.
const (
	// portionRows and portionTime end a portion, whichever comes first.
	portionRows = 100_000
	portionTime = time.Second
	// joinBackoff is the pause after a join that failed; the library's own is
	// five seconds.
	joinBackoff = 200 * time.Millisecond
	// sessionTimeout is how soon the partitions of a member that died go to
	// another.
	sessionTimeout = 10 * time.Second
	// handover is how long a group waits for us to commit what we have in
	// hand before another member takes the partitions.
	handover = 8 * time.Second
)

// Stream reads a topic without end, portion by portion, as a member of a
// consumer group. It is a flow.Stream for one caller at a time.
//
// A portion that failed is read again by Close and Open: the group remembers
// what was committed, and nothing else.
type Stream struct {
	*Reader
	group *kafkago.ConsumerGroup
	gen   *kafkago.Generation
	lost  chan struct{} // closed when the group takes the partitions away
	free  chan struct{} // closed by us when we let them go

	shape *shape
	rows  int // of a batch

	until time.Time
	given int64           // rows of the portion
	over  bool            // the portion has ended
	now   map[int32]int64 // offsets behind what the portion gave
	ready map[int32]int64 // likewise of ended portions, not yet committed
}

var _ flow.Stream = (*Stream)(nil)

func newStream(r *Reader) *Stream {
	if r.cfg.Kafka.Group == "" {
		// The caller names the pipeline's; a stream without any is one of its topic.
		r.cfg.Kafka.Group = "featurehost-" + r.cfg.Kafka.Topic
	}
	return &Stream{Reader: r, now: map[int32]int64{}, ready: map[int32]int64{}}
}

// Open implements flow.Stream: the next portion begins.
func (s *Stream) Open(ctx context.Context, q flow.Request) (*flow.Schema, error) {
	shape, err := s.shaped(ctx, q)
	if err != nil {
		return nil, err
	}
	same := s.shape != nil && slices.Equal(columnNames(shape.out), columnNames(s.shape.out)) && s.rows == q.BatchRows
	switch {
	case s.gen == nil:
	case !same || !s.over:
		s.leave() // what was read and not committed is read again
	case s.isLost():
		s.drop() // and dealt out anew
	}
	s.shape, s.rows = shape, q.BatchRows
	s.stats = flow.ReadStats{}
	if s.gen == nil {
		if err := s.join(ctx); err != nil {
			return nil, placed(err, s.cfg.ID)
		}
	}
	s.stats.Objects = 1
	s.until, s.given, s.over = time.Now().Add(portionTime), 0, false
	clear(s.now)
	return shape.out, nil
}

func (s *Stream) isLost() bool {
	select {
	case <-s.lost:
		return true
	default:
		return false
	}
}

// join becomes a member of the group and starts to read what it is given.
func (s *Stream) join(ctx context.Context) error {
	k := s.cfg.Kafka
	// The library waits in silence for a topic that is not there.
	var list []partition
	look := func() (err error) {
		list, err = s.client.partitions(ctx, k.Topic)
		return err
	}
	err := settled(ctx, s.patience, look)
	if err != nil {
		return err
	}
	if s.group == nil {
		s.group, err = kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
			ID: k.Group, Brokers: k.Client.Brokers, Topics: []string{k.Topic}, Dialer: s.client.dialer(),
			JoinGroupBackoff: joinBackoff, StartOffset: kafkago.FirstOffset, WatchPartitionChanges: true,
			SessionTimeout: sessionTimeout, RebalanceTimeout: 30 * time.Second,
		})
		if err != nil {
			return fault.Wrap(err, BadConfig, "group %q cannot be joined", k.Group)
		}
	}
	gen, err := s.generation(ctx)
	if err != nil {
		return err
	}
	s.gen, s.lost, s.free = gen, make(chan struct{}), make(chan struct{})
	lost, free := s.lost, s.free
	gen.Start(func(ctx context.Context) {
		<-ctx.Done()
		close(lost)
		t := time.NewTimer(handover)
		defer t.Stop()
		select { // what is in hand may still be committed
		case <-free:
		case <-t.C:
		}
	})
	var cursors []*cursor
	err = settled(ctx, s.patience, func() (err error) {
		if err = look(); err == nil {
			cursors, err = s.assigned(ctx, list)
		}
		return err
	})
	if err == nil {
		s.open, err = s.begin(ctx, s.shape, cursors, s.rows)
	}
	if err != nil {
		s.leave()
	}
	return err
}

// generation waits for the group to deal out its partitions.
func (s *Stream) generation(ctx context.Context) (*kafkago.Generation, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var last error
	for {
		gen, err := s.group.Next(ctx)
		if err == nil {
			return gen, nil
		}
		if ctx.Err() == nil {
			// Whatever a coordinator says of members and generations passes.
			last = err
			failed := s.client.failed(err, s.coordinator())
			switch e := fault.As(failed); {
			case e == nil, e.Code == LoginRefused, e.Code == NotAllowed, e.Code == BadTLS:
				return nil, failed
			}
			continue
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			if last == nil {
				last = errors.New("nothing was heard of the group")
			}
			failed := s.client.failed(last, s.coordinator())
			if e := fault.As(failed); e != nil {
				e.Retry = true
			}
			return nil, failed
		}
		return nil, context.Cause(ctx)
	}
}

func (s *Stream) coordinator() string {
	return strings.Join(s.cfg.Kafka.Client.Brokers, ",") + ", group " + s.cfg.Kafka.Group
}

// Next implements flow.Stream. The portion ends at its limits, and early when
// the group takes the partitions away.
func (s *Stream) Next(ctx context.Context) (flow.Batch, error) {
	for !s.over && s.open != nil {
		left := time.Until(s.until)
		if left <= 0 || s.given >= portionRows || s.isLost() {
			s.end()
			break
		}
		t := time.NewTimer(left)
		select {
		case <-ctx.Done():
			t.Stop()
			return flow.Batch{}, context.Cause(ctx)
		case <-t.C:
		case <-s.lost:
			t.Stop()
		case it, ok := <-s.open.items:
			t.Stop()
			if !ok {
				if len(s.gen.Assignments[s.cfg.Kafka.Topic]) == 0 { // more members than partitions
					s.idle(ctx)
					continue
				}
				err := s.open.failed
				if err == nil {
					err = errClosed
				}
				return flow.Batch{}, placed(err, s.cfg.ID)
			}
			for _, m := range it.marks {
				s.now[m.partition] = m.next
			}
			s.given += it.rows
			b, err := s.account(ctx, it)
			if err != nil {
				return flow.Batch{}, err
			}
			if b.Record != nil {
				return b, nil
			}
		}
	}
	return flow.Batch{}, io.EOF
}

// idle waits for the end of the portion or of the assignment.
func (s *Stream) idle(ctx context.Context) {
	t := time.NewTimer(time.Until(s.until))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-s.lost:
	}
}

// end ends the portion: what it gave may be committed from now on (K5).
func (s *Stream) end() {
	s.over = true
	maps.Copy(s.ready, s.now)
	clear(s.now)
}

// Commit implements flow.Stream.
func (s *Stream) Commit(ctx context.Context) error {
	if len(s.ready) == 0 {
		return nil
	}
	if s.gen == nil {
		return s.notCommitted(errors.New("the group is not joined"))
	}
	offsets := map[int]int64{}
	for p, next := range s.ready {
		offsets[int(p)] = next
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := s.gen.CommitOffsets(map[string]map[int]int64{s.cfg.Kafka.Topic: offsets}); err != nil {
		return s.notCommitted(err)
	}
	clear(s.ready)
	return nil
}

func (s *Stream) notCommitted(err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("the connection was closed")
	}
	e := fault.Wrap(err, NotCommitted, "the offsets of what is in the stores already were not taken").At("kafka %s", s.coordinator()).
		WithHint("the messages are read again")
	e.Retry = true
	return e
}

// drop lets the partitions go.
func (s *Stream) drop() {
	s.stop()
	if s.gen != nil {
		close(s.free)
		s.gen = nil
	}
	clear(s.now)
	clear(s.ready)
	s.over = false
}

// leave ends the membership; the next join starts anew.
func (s *Stream) leave() {
	s.drop()
	if s.group != nil {
		_ = s.group.Close() // a coordinator that is away notices by itself
		s.group = nil
	}
}

// Close implements flow.Stream: it leaves the group.
func (s *Stream) Close() error {
	s.leave()
	return nil
}

// dialer reaches brokers as the client does, for the library's own parts.
func (c *client) dialer() *kafkago.Dialer {
	return &kafkago.Dialer{ClientID: clientID, Timeout: dialTimeout, TLS: c.tls, SASLMechanism: c.sasl}
}
