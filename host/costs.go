package host

import (
	"context"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// ReaderToRead is what a run would read of one reader, as far as paths and
// footers tell.
type ReaderToRead struct {
	ID               string `json:"id"`
	Type             string `json:"type"`  // of the reader
	Files            int64  `json:"files"` // or partitions of a topic
	Bytes            int64  `json:"bytes"` // 0 where only reading tells
	RowGroups        int64  `json:"row_groups,omitempty"`
	RowGroupsSkipped int64  `json:"row_groups_skipped,omitempty"`
	// Rows in the row groups to be read; nil where only reading tells.
	Rows *int64 `json:"rows,omitempty"`
	// From and To are the days asked for, where the reader has an incremental
	// strategy; "" is open. DaysOf is as in Read.
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	DaysOf string `json:"days_of,omitempty"`
}

// Estimate is Plan with what a run would read, told by paths and footers
// without reading rows.
func (h *Host) Estimate(ctx context.Context, interval flow.Interval) (report *PlanReport, err error) {
	if err := ordered(interval); err != nil {
		return nil, err
	}
	err = h.bound(ctx, interval, false, func(_ *session, p *plan.Plan) (err error) {
		report = planReport(p, h.memory.total)
		report.ToRead, err = toRead(ctx, p)
		return err
	})
	return report, err
}

// EstimateMissing is Missing with what the run over each chunk would read.
func (h *Host) EstimateMissing(ctx context.Context, interval flow.Interval) (report *MissingReport, err error) {
	err = h.bound(ctx, flow.Interval{}, false, func(s *session, p *plan.Plan) (err error) {
		if report, err = h.missing(ctx, interval, p.Plugins()); err != nil {
			return err
		}
		for i := range report.Chunks {
			c := &report.Chunks[i]
			if p, err = s.bind(ctx, c.interval, false); err != nil {
				return err
			}
			if c.Readers, err = toRead(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return report, nil
}

// toRead asks each reader of a plan what it would read.
func toRead(ctx context.Context, p *plan.Plan) ([]ReaderToRead, error) {
	out := []ReaderToRead{}
	for _, s := range p.Sources {
		one := ReaderToRead{ID: s.Config.ID, Type: s.Config.Type}
		if s.Config.Incremental != nil {
			if d := s.Request.Interval.Start; d != nil {
				one.From = d.String()
				one.DaysOf = daysOf(p.File.FeatureSet, s.Config.Incremental)
			}
			if d := s.Request.Interval.End; d != nil {
				one.To = d.String()
			}
		}
		e, ok := s.Reader.(flow.Estimator)
		if !ok {
			continue // nothing can be told of it
		}
		st, err := e.Estimate(ctx, s.Request)
		if err != nil {
			return nil, err
		}
		one.Files, one.Bytes, one.RowGroups, one.RowGroupsSkipped = st.Objects, st.Bytes, st.RowGroups, st.RowGroupsSkipped
		if st.Rows >= 0 {
			one.Rows = &st.Rows
		}
		out = append(out, one)
	}
	return out, nil
}
