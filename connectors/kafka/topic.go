package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/featurehost/featurehost/host/fault"
)

// partition is a partition of the topic and the broker that leads it.
type partition struct {
	id     int32
	leader string // host:port; "" while there is none
}

// partitions lists a topic's partitions by number.
func (c *client) partitions(ctx context.Context, topic string) ([]partition, error) {
	l, err := c.any(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	res, err := ask[*metadata.Response](ctx, l, &metadata.Request{TopicNames: []string{topic}})
	if err != nil && !silent(err) {
		return nil, unheard(c.failed(err, l.addr))
	}
	if err != nil {
		return nil, c.failed(err, l.addr)
	}
	brokers := map[int32]string{}
	for _, b := range res.Brokers {
		brokers[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
	}
	var out []partition
	for _, t := range res.Topics {
		if t.Name != topic {
			continue
		}
		if t.ErrorCode != 0 {
			return nil, refused(t.ErrorCode, fmt.Sprintf("%s, topic %q", l.addr, topic))
		}
		for _, p := range t.Partitions {
			out = append(out, partition{id: p.PartitionIndex, leader: brokers[p.LeaderID]})
		}
	}
	if len(out) == 0 {
		return nil, fault.New(NoTopic, "the topic has no partitions").At("kafka %s, topic %q", l.addr, topic)
	}
	slices.SortFunc(out, func(a, b partition) int { return int(a.id - b.id) })
	return out, nil
}

// Times that stand for the ends of a partition.
const (
	earliest = int64(-2)
	latest   = int64(-1)
)

// offsets asks the leaders for the offset of a time in each partition: of the
// first message at or after it. With latest it is the end of what is committed,
// and -1 says that no message is as late.
func (c *client) offsets(ctx context.Context, topic string, list []partition, at int64) (map[int32]int64, error) {
	byLeader := map[string][]listoffsets.RequestPartition{}
	for _, p := range list {
		if p.leader == "" {
			e := fault.New(Refused, "the partition has no leader").At("kafka topic %q, partition %d", topic, p.id).WithHint("the cluster may be about to choose one: run again")
			e.Retry = true
			return nil, e
		}
		byLeader[p.leader] = append(byLeader[p.leader], listoffsets.RequestPartition{Partition: p.id, CurrentLeaderEpoch: -1, Timestamp: at})
	}
	out := map[int32]int64{}
	for leader, asked := range byLeader {
		l, err := c.dial(ctx, leader)
		if err != nil {
			return nil, c.failed(err, leader)
		}
		res, err := ask[*listoffsets.Response](ctx, l, &listoffsets.Request{
			ReplicaID: -1, IsolationLevel: readCommitted,
			Topics: []listoffsets.RequestTopic{{Topic: topic, Partitions: asked}},
		})
		l.close()
		if err != nil {
			return nil, c.failed(err, leader)
		}
		for _, t := range res.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 {
					return nil, refused(p.ErrorCode, fmt.Sprintf("%s, topic %q, partition %d", leader, topic, p.Partition))
				}
				out[p.Partition] = p.Offset
			}
		}
	}
	for _, p := range list {
		if _, ok := out[p.id]; !ok {
			return nil, fault.New(Refused, "the broker tells no offset").At("kafka %s, topic %q, partition %d", p.leader, topic, p.id)
		}
	}
	return out, nil
}

// bounds are the first offset of a partition to be read and the one after the
// last.
type bounds struct{ from, to int64 }

// rangeOf fixes what is read of each partition (K1).
func (c *client) rangeOf(ctx context.Context, topic, from, to string, list []partition) (map[int32]bounds, error) {
	first, err := c.offsets(ctx, topic, list, earliest)
	if err != nil {
		return nil, err
	}
	last, err := c.offsets(ctx, topic, list, latest)
	if err != nil {
		return nil, err
	}
	place := func(text string) (func(id int32) int64, bool, error) {
		switch n, fixed := strings.CutPrefix(text, "offset:"); {
		case text == "" || text == "first":
			return func(id int32) int64 { return first[id] }, false, nil
		case text == "last":
			return func(id int32) int64 { return last[id] }, false, nil
		case fixed:
			v, err := strconv.ParseInt(n, 10, 64)
			if err != nil || v < 0 {
				return nil, false, fault.New(BadConfig, "%q is no place in a topic", text)
			}
			return func(int32) int64 { return v }, true, nil
		default:
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return nil, false, fault.New(BadConfig, "%q is no place in a topic", text).WithHint(`write "first", "last", "offset:N" or a time such as "2024-01-31T00:00:00Z"`)
			}
			// The first message whose time is not before: floor the millisecond up.
			ms := at.UnixMilli()
			if at.After(time.UnixMilli(ms)) {
				ms++
			}
			ms = max(ms, 0) // less has another meaning: -1 is the end
			found, err := c.offsets(ctx, topic, list, ms)
			if err != nil {
				return nil, false, err
			}
			return func(id int32) int64 {
				if found[id] < 0 {
					return last[id]
				}
				return min(found[id], last[id])
			}, false, nil
		}
	}
	begin, fixed, err := place(from)
	if err != nil {
		return nil, err
	}
	if to == "" {
		to = "last"
	}
	end, _, err := place(to)
	if err != nil {
		return nil, err
	}
	out := map[int32]bounds{}
	for _, p := range list {
		b := bounds{begin(p.id), min(end(p.id), last[p.id])}
		if fixed && b.from < b.to && b.from < first[p.id] {
			return nil, fault.New(OffsetGone, "offset %d is gone: the partition holds offsets from %d on", b.from, first[p.id]).
				At("kafka topic %q, partition %d", topic, p.id).WithHint(`write from = "first", or an offset that is held`)
		}
		out[p.id] = b
	}
	return out, nil
}

// temporary reports whether an error code of a fetch says that the leader must
// be looked up anew.
func temporary(code int16) bool {
	switch kafkago.Error(code) {
	case kafkago.NotLeaderForPartition, kafkago.LeaderNotAvailable, kafkago.ReplicaNotAvailable, kafkago.FencedLeaderEpoch, kafkago.UnknownLeaderEpoch,
		kafkago.UnknownTopicOrPartition, kafkago.BrokerNotAvailable, kafkago.RequestTimedOut, kafkago.NetworkException, kafkago.KafkaStorageError, kafkago.OffsetNotAvailable:
		return true
	}
	return false
}

// settled repeats what a cluster refuses because it is about to settle, as one
// does that has just been started, and what a broker does not answer, for the
// time that a read has patience. f looks up the leaders each time. Brokers of
// which none takes a connection, or which hang up, end it at once: the address is
// wrong, or nobody is there.
func settled(ctx context.Context, patience time.Duration, f func() error) error {
	for end := time.Now().Add(patience); ; {
		err := f()
		e := fault.As(err)
		if e == nil || !e.Retry || e.Code != Refused && e.Code != Unreachable || errors.Is(err, errNobody) {
			return err
		}
		if time.Now().After(end) || !sleep(ctx, lookAgain) {
			return err
		}
	}
}
