package kafka

import (
	"context"

	"github.com/featurehost/featurehost/host/flow"
)

var _ flow.Estimator = (*Reader)(nil)

// Estimate implements flow.Estimator. It asks for the range alone: each offset
// counts as a row, so that what a topic has compacted away, or a transaction
// took back, is counted too. Of the bytes nothing can be told.
func (r *Reader) Estimate(ctx context.Context, _ flow.Request) (flow.ReadStats, error) {
	var st flow.ReadStats
	list, ranges, err := r.bounds(ctx)
	if err != nil {
		return st, err
	}
	st.Objects = int64(len(list))
	for _, b := range ranges {
		st.Rows += max(0, b.to-b.from)
	}
	return st, nil
}

// bounds fixes the range of a read (K1).
func (r *Reader) bounds(ctx context.Context) (list []partition, ranges map[int32]bounds, err error) {
	k := r.cfg.Kafka
	err = settled(ctx, r.patience, func() (err error) {
		if list, err = r.client.partitions(ctx, k.Topic); err == nil {
			ranges, err = r.client.rangeOf(ctx, k.Topic, k.From, k.To, list)
		}
		return err
	})
	if err != nil {
		return nil, nil, placed(err, r.cfg.ID)
	}
	return list, ranges, nil
}
