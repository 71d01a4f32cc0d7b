package kafka

import (
	"context"
	"fmt"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Probe implements flow.Prober: the brokers, the topic, and the registry where
// there is one.
func (r *Reader) Probe(ctx context.Context) ([]flow.Finding, error) {
	out := []flow.Finding{r.client.probe(ctx, r.cfg.Kafka.Topic)}
	if f, ok := r.format.(*avroFormat); ok {
		out = append(out, probeRegistry(ctx, f.registry, f.subject))
	}
	return out, nil
}

// probe asks the brokers for a topic.
func (c *client) probe(ctx context.Context, topic string) flow.Finding {
	out := flow.Finding{Server: fmt.Sprintf("kafka %s, topic %q", c.cfg.Brokers[0], topic)}
	list, err := c.partitions(ctx, topic)
	if err == nil {
		_, err = c.offsets(ctx, topic, list, latest)
	}
	if err != nil {
		return found(out, err)
	}
	out.OK, out.Text = true, fmt.Sprintf("the topic has %d partitions and its leaders answer", len(list))
	return out
}

func probeRegistry(ctx context.Context, r *registry, subject string) flow.Finding {
	out := flow.Finding{Server: r.name()}
	s, err := r.newest(ctx, subject)
	if err != nil {
		return found(out, err)
	}
	out.OK, out.Text = true, fmt.Sprintf("subject %q has a schema of %d fields", subject, len(s.Fields()))
	return out
}

// found tells an error as a finding.
func found(out flow.Finding, err error) flow.Finding {
	out.Text = err.Error()
	if e := fault.As(err); e != nil {
		out.Hint = e.Hint
	}
	return out
}
