package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"

	"github.com/featurehost/featurehost/host/fault"
)

// assigned are the partitions that the group gave us, each with the offset at
// which it goes on.
func (s *Stream) assigned(ctx context.Context, list []partition) ([]*cursor, error) {
	leaders := map[int32]string{}
	for _, p := range list {
		leaders[p.id] = p.leader
	}
	var out []*cursor
	var fresh []int32
	for _, a := range s.gen.Assignments[s.cfg.Kafka.Topic] {
		c := &cursor{id: int32(a.ID), next: a.Offset, end: -1, leader: leaders[int32(a.ID)]}
		if out = append(out, c); c.next < 0 {
			fresh = append(fresh, c.id)
		}
	}
	if len(fresh) == 0 {
		return out, nil
	}
	begin, err := s.starts(ctx, list, fresh)
	if err != nil {
		return nil, err
	}
	for _, c := range out {
		if c.next < 0 {
			c.next = begin[c.id]
		}
	}
	return out, nil
}

// starts settles where the partitions begin of which the group has committed
// nothing, and commits it before anything is read: a start that had to be found
// again would be another one, and skip what came in between (K5).
//
// A group that has committed nothing at all begins as `from` says, in every
// partition at once. One member does that for all, the one with the lowest
// partition, since the others could not tell a group that has just begun from
// one to which a partition was added later. Such a partition begins with its
// first message.
func (s *Stream) starts(ctx context.Context, list []partition, fresh []int32) (map[int32]int64, error) {
	topic := s.cfg.Kafka.Topic
	first := slices.Contains(fresh, list[0].id)
	for end := time.Now().Add(s.patience); ; {
		known, err := s.client.committed(ctx, s.cfg.Kafka.Group, topic, list)
		if err != nil {
			return nil, err
		}
		missing := slices.DeleteFunc(slices.Clone(list), func(p partition) bool {
			_, ok := known[p.id]
			return ok || len(known) > 0 && !slices.Contains(fresh, p.id)
		})
		switch {
		case len(missing) == 0:
			return known, nil
		case len(known) > 0:
			return s.begins(ctx, "first", missing, known)
		case first:
			return s.begins(ctx, s.cfg.Kafka.From, missing, known)
		case s.isLost(), time.Now().After(end):
			return nil, s.unsettled(errors.New("no member has told it"))
		case !sleep(ctx, lookAgain):
			return nil, context.Cause(ctx)
		}
	}
}

// unsettled is the error of a group whose beginning is not committed.
func (s *Stream) unsettled(err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("the connection was closed")
	}
	e := fault.Wrap(err, NotCommitted, "where the group begins could not be settled").At("kafka %s", s.coordinator())
	e.Retry = true
	return e
}

// begins finds the starts of partitions, commits them and adds them to known.
func (s *Stream) begins(ctx context.Context, from string, missing []partition, known map[int32]int64) (map[int32]int64, error) {
	topic := s.cfg.Kafka.Topic
	found, err := s.client.rangeOf(ctx, topic, from, "last", missing)
	if err != nil {
		return nil, err
	}
	offsets := map[int]int64{}
	for id, b := range found {
		if b.from > b.to {
			return nil, fault.New(OffsetGone, "offset %d is not there: the partition ends at %d", b.from, b.to).
				At("kafka topic %q, partition %d", topic, id).WithHint(`write from = "last", or an offset that is held`)
		}
		offsets[int(id)], known[id] = b.from, b.from
	}
	if err := s.gen.CommitOffsets(map[string]map[int]int64{topic: offsets}); err != nil {
		if e := fault.As(s.client.failed(err, s.coordinator())); e != nil && e.Code == NotAllowed {
			return nil, e
		}
		return nil, s.unsettled(err)
	}
	return known, nil
}

// committed asks for the offsets that a group has committed; a partition of
// which it has committed none is not in the answer.
func (c *client) committed(ctx context.Context, group, topic string, list []partition) (map[int32]int64, error) {
	l, err := c.coordinator(ctx, group)
	if err != nil {
		return nil, err
	}
	defer l.close()
	asked := offsetfetch.RequestTopic{Name: topic}
	for _, p := range list {
		asked.PartitionIndexes = append(asked.PartitionIndexes, p.id)
	}
	what := fmt.Sprintf("%s, group %q", l.addr, group)
	res, err := ask[*offsetfetch.Response](ctx, l, &offsetfetch.Request{GroupID: group, Topics: []offsetfetch.RequestTopic{asked}})
	if err != nil {
		return nil, c.failed(err, what)
	}
	if res.ErrorCode != 0 {
		return nil, refused(res.ErrorCode, what)
	}
	out := map[int32]int64{}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return nil, refused(p.ErrorCode, fmt.Sprintf("%s, topic %q, partition %d", what, topic, p.PartitionIndex))
			}
			if p.CommittedOffset >= 0 {
				out[p.PartitionIndex] = p.CommittedOffset
			}
		}
	}
	return out, nil
}

// coordinator connects to the broker that keeps a group.
func (c *client) coordinator(ctx context.Context, group string) (*link, error) {
	l, err := c.any(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	what := fmt.Sprintf("%s, group %q", l.addr, group)
	res, err := ask[*findcoordinator.Response](ctx, l, &findcoordinator.Request{Key: group})
	if err != nil {
		return nil, c.failed(err, what)
	}
	if res.ErrorCode != 0 {
		return nil, refused(res.ErrorCode, what)
	}
	addr := net.JoinHostPort(res.Host, strconv.Itoa(int(res.Port)))
	at, err := c.dial(ctx, addr)
	if err != nil {
		return nil, c.failed(err, addr)
	}
	return at, nil
}
