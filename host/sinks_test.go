package host

import (
	"context"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// holding is a sink that has so many rows when it prepares.
type holding struct {
	flow.Sink
	rows int64
}

func (h holding) Prepare(context.Context) (flow.Pending, error) {
	return flow.Pending{Rows: h.rows}, nil
}

func TestSinksPrepare_CountDiffers_NothingIsPrepared(t *testing.T) {
	for _, c := range []struct {
		holds int64
		ok    bool
	}{{7, true}, {6, false}, {8, false}} {
		s := &sinks{list: []*sink{{name: "historical", sink: holding{rows: c.holds}}}}
		err := s.prepare(t.Context(), map[string]int64{"historical": 7})
		if c.ok != (err == nil) || !c.ok && !fault.Is(err, StageLostRows) {
			t.Errorf("given 7 rows, holds %d: %v", c.holds, err)
		}
		if !c.ok && len(s.pending) > 0 {
			t.Errorf("holds %d: %v is ready to be published", c.holds, s.pending)
		}
	}
}
