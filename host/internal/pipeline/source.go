package pipeline

import (
	"context"
	"time"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// source is an open reader with its meter.
type source struct {
	reader flow.Reader
	meter  *observe.Meter
	done   func(flow.ReadStats)
}

func (r *run) open(ctx context.Context, s *plan.Source) (*source, error) {
	if _, err := s.Reader.Open(ctx, s.Request); err != nil {
		return nil, err
	}
	return &source{
		reader: s.Reader,
		meter:  r.settings.Events.Meter(s.Config.ID, observe.KindReader),
		done:   func(st flow.ReadStats) { r.result.Read[s.Config.ID] = st },
	}, nil
}

// Next reads a batch and times it.
func (s *source) Next(ctx context.Context) (flow.Batch, error) {
	start := time.Now()
	b, err := s.reader.Next(ctx)
	s.meter.Busy(time.Since(start))
	if err == nil {
		s.meter.In(b.Rows())
		s.meter.Out(b.Rows())
	}
	return b, err
}

// Close ends the reader and keeps its counts.
func (s *source) Close() error {
	s.done(s.reader.Stats())
	return s.reader.Close()
}
