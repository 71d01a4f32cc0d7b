package host

import (
	"context"
	"math"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/ledger"
)

// findStale names the days after a re-run interval whose stored rows may rest
// on what the interval was before (S-1108): those whose look-back reaches into
// it, computed by an older run. Whether they would come out otherwise is not
// looked at.
func (r *running) findStale(ctx context.Context) {
	look := r.session.plan.Set.LookBack()
	reach := flow.Day(math.MaxInt32)
	if !look.All {
		reach = flow.Day(min((look.Micros+flow.MicrosPerDay-1)/flow.MicrosPerDay, math.MaxInt32))
	}
	all, err := r.records(ctx)
	if err != nil {
		// The rows are published: that is not undone for want of a remark.
		r.events.Warn("stale intervals are not known: " + err.Error())
		return
	}
	skip := func(d flow.Day) bool { return r.options.coming != nil && r.options.coming(d) }
	for _, i := range ledger.Rerun(all, r.report.Run, r.options.Interval, reach, skip) {
		r.report.Stale = append(r.report.Stale, i.String())
	}
}
