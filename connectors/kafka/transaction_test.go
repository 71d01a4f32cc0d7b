package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// transact writes the ids of one transaction to partition 0 and ends it as told;
// an open one is not ended. It gives the function that ends it.
func transact(t *testing.T, c *kafkago.Client, topic string, commit bool, values ...int) (end func()) {
	t.Helper()
	ctx := t.Context()
	id := fmt.Sprintf("%s-%d", topic, values[0])
	var p *kafkago.InitProducerIDResponse
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) { // the coordinator may be new
		var err error
		if p, err = c.InitProducerID(ctx, &kafkago.InitProducerIDRequest{TransactionalID: id, TransactionTimeoutMs: 60_000}); err == nil && p.Error == nil {
			break
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatal(err, p)
		}
	}
	added, err := c.AddPartitionsToTxn(ctx, &kafkago.AddPartitionsToTxnRequest{TransactionalID: id, ProducerID: p.Producer.ProducerID, ProducerEpoch: p.Producer.ProducerEpoch,
		Topics: map[string][]kafkago.AddPartitionToTxn{topic: {{Partition: 0}}}})
	if err != nil || added.Topics[topic][0].Error != nil {
		t.Fatal(err, added)
	}
	var body []byte
	for i, v := range values {
		body = append(body, one(int64(i), fmt.Sprintf(`{"id": %d}`, v))...)
	}
	b := sealed(0, attrTransactional, int32(len(values)-1), int32(len(values)), int64(p.Producer.ProducerID), body)
	binary.BigEndian.PutUint32(b[12:], ^uint32(0)) // leader epoch
	binary.BigEndian.PutUint16(b[51:], uint16(p.Producer.ProducerEpoch))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	sent, err := c.RawProduce(ctx, &kafkago.RawProduceRequest{Topic: topic, Partition: 0, RequiredAcks: kafkago.RequireAll, TransactionalID: id,
		RawRecords: protocol.RawRecordSet{Reader: strings.NewReader(string(binary.BigEndian.AppendUint32(nil, uint32(len(b)))) + string(b))}})
	if err != nil || sent.Error != nil {
		t.Fatal(err, sent)
	}
	return func() {
		done, err := c.EndTxn(ctx, &kafkago.EndTxnRequest{TransactionalID: id, ProducerID: p.Producer.ProducerID, ProducerEpoch: p.Producer.ProducerEpoch, Committed: commit})
		if err != nil || done.Error != nil {
			t.Fatal(err, done)
		}
	}
}

// Rule: K1, K2. Transactions that were given up, and one that is open, with the
// real broker's marks between them.
func TestReader_Transactions_CommittedOnly(t *testing.T) {
	broker := servertest.Kafka(t)
	topic := servertest.Name(t)
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	c := &kafkago.Client{Addr: kafkago.TCP(broker), Timeout: 10 * time.Second, Transport: transport}
	res, err := c.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}}})
	if err != nil || res.Errors[topic] != nil {
		t.Fatal(err, res)
	}
	time.Sleep(500 * time.Millisecond) // until the leader leads
	givenUp := transact(t, c, topic, false, 1, 2)
	committed := transact(t, c, topic, true, 3, 4)
	givenUp()
	committed()
	time.Sleep(200 * time.Millisecond) // until the broker has marked both ends
	open := transact(t, c, topic, true, 5)
	transact(t, c, topic, true, 6)() // behind the open one
	env, _, _ := hosttest.Env(t)
	r, err := New(config.Reader{ID: "r", Type: "kafka", Format: "json", Schema: []config.Column{{Name: "id", Type: "bigint"}},
		Kafka: &config.Kafka{Client: config.KafkaClient{Brokers: []string{broker}}, Topic: topic}}, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := func() []string {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := r.Open(ctx, flow.Request{Columns: []string{"id"}}); err != nil {
			t.Fatal(err)
		}
		var out []string
		for {
			b, err := r.Next(ctx)
			if flow.Ended(err) {
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, strings.Fields(hosttest.Text(b.Record))...)
			b.Release()
		}
	}
	if got := read(); !slices.Equal(got, []string{"3", "4"}) {
		t.Errorf("with an open transaction %v", got)
	}
	open()
	var got []string // the broker marks the end a little later
	for end := time.Now().Add(20 * time.Second); len(got) < 4 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		got = read()
	}
	if !slices.Equal(got, []string{"3", "4", "5", "6"}) {
		t.Errorf("%v", got)
	}
}
