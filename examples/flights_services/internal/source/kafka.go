package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // reads the Parquet file
	"github.com/segmentio/kafka-go"
)

// partitions of the topic: an aircraft's departures are all in one.
const partitions = 2

// Publish writes the departures of a Parquet file as JSON messages, keyed by
// aircraft, to a topic that it makes. A topic that is there is left as it is.
func Publish(ctx context.Context, broker, topic, parquet string) (messages int, err error) {
	there, err := makeTopic(ctx, broker, topic)
	if err != nil || there {
		return 0, err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, "SELECT coalesce(tailnum, ''), to_json(f)::VARCHAR FROM read_parquet($1) AS f", parquet)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(broker), Transport: transport, Topic: topic, Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll,
		BatchSize: 5000, BatchBytes: 900 << 10, BatchTimeout: 5 * time.Millisecond, Compression: kafka.Snappy,
	}
	defer func() { err = errors.Join(err, writer.Close()) }()
	batch := make([]kafka.Message, 0, 20_000)
	flush := func() error {
		messages += len(batch)
		err := writer.WriteMessages(ctx, batch...)
		batch = batch[:0]
		return err
	}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return messages, err
		}
		batch = append(batch, kafka.Message{Key: []byte(key), Value: []byte(value)})
		if len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return messages, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return messages, err
	}
	return messages, flush()
}

// makeTopic says whether the topic was there.
func makeTopic(ctx context.Context, broker, topic string) (there bool, err error) {
	client := &kafka.Client{Addr: kafka.TCP(broker), Timeout: 10 * time.Second, Transport: &kafka.Transport{Dial: (&net.Dialer{}).DialContext}}
	out, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}}})
	if err != nil {
		return false, fmt.Errorf("topic %s at %s: %w", topic, broker, err)
	}
	err = out.Errors[topic]
	if errors.Is(err, kafka.TopicAlreadyExists) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, waitForLeaders(ctx, client, topic)
}

// waitForLeaders returns when the broker takes messages for a topic just made.
func waitForLeaders(ctx context.Context, client *kafka.Client, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
		if err == nil && len(meta.Topics) == 1 && len(meta.Topics[0].Partitions) == partitions &&
			!slices.ContainsFunc(meta.Topics[0].Partitions, func(p kafka.Partition) bool { return p.Error != nil || p.Leader.Host == "" }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("topic %s has no leaders: %w", topic, errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
