package kafka

import (
	"context"
	"fmt"

	"github.com/featurehost/featurehost/host/fault"
)

// gone tells of an offset that a partition does not hold: what it does hold,
// and the way out. A run that ends fixes its range anew; a group stays where it
// is until somebody moves it.
func (g *gatherer) gone(ctx context.Context, c *cursor, leader string) error {
	place := fmt.Sprintf("kafka %s, topic %q, partition %d", leader, g.topic, c.id)
	held := g.held(ctx, c, leader)
	if g.group == "" {
		return fault.New(OffsetGone, "offset %d is gone%s", c.next, held).At("%s", place).
			WithHint("the topic's retention removed messages that were to be read: run again")
	}
	return fault.New(OffsetGone, "group %q is at offset %d, which is gone%s", g.group, c.next, held).At("%s", place).
		WithHint("stop the stream and move the group, as with kafka-consumer-groups.sh --bootstrap-server %s --group %s --topic %s --reset-offsets --to-earliest --execute, or give the stream a new group",
			leader, g.group, g.topic)
}

// held says which offsets a partition has; nothing when it cannot be asked.
func (g *gatherer) held(ctx context.Context, c *cursor, leader string) string {
	one := []partition{{c.id, leader}}
	first, err := g.client.offsets(ctx, g.topic, one, earliest)
	if err != nil {
		return ""
	}
	end, err := g.client.offsets(ctx, g.topic, one, latest)
	if err != nil {
		return ""
	}
	if first[c.id] >= end[c.id] {
		return fmt.Sprintf(": the partition is empty and goes on at %d", end[c.id])
	}
	return fmt.Sprintf(": the partition holds offsets from %d to %d", first[c.id], end[c.id]-1)
}
