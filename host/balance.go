package host

import (
	"maps"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// Names of the counts that parts report.
const (
	countRejected   = "rejected"
	countDropped    = "dropped_null_timestamp"
	countDuplicates = "duplicates_dropped"
	countOutside    = "outside_interval"
	countCast       = "cast_failures"
)

// balance holds the rows of the run against each other: what came in is what
// was filtered, rejected, dropped or used (S-1608). It runs before anything is
// published.
func (r *running) balance() error {
	var read int64
	if p := r.session.plan; p.Query != nil {
		read = r.result.Query
	} else {
		st := r.result.Read[p.Sources[0].Config.ID]
		read = st.Rows - st.OutOfSpan - st.BadRows
	}
	var filtered int64
	for _, s := range r.afterSource() {
		filtered += s.RowsIn - s.RowsOut
	}
	rejected, dropped := r.events.Total(countRejected), r.events.Total(countDropped)
	if used := r.result.Input; read != filtered+rejected+dropped+used {
		return fault.New(StageLostRows, "%d rows read, but %d filtered + %d rejected + %d dropped + %d used", read, filtered, rejected, dropped, used)
	}
	return nil
}

// given counts the rows that each sink was handed, by its name.
func (r *running) given() map[string]int64 {
	out := map[string]int64{}
	for _, s := range r.events.Stages() {
		if s.Kind == observe.KindSink {
			out[s.Name] = s.RowsIn
		}
	}
	return out
}

// afterSource gives the filters that stand behind what read counted: all of
// them, or with [query] those behind it.
func (r *running) afterSource() []observe.StageStats {
	var out []observe.StageStats
	for _, s := range r.events.Stages() {
		switch s.Kind {
		case observe.KindQuery:
			out = nil
		case observe.KindFilter:
			out = append(out, s)
		}
	}
	return out
}

// filtered counts the rows that filters left out, by stage. A stage that is no
// filter hands on as many rows as it got: the pipeline would notice.
func (r *running) filtered() map[string]int64 {
	out := map[string]int64{}
	for _, s := range r.events.Stages() {
		if s.Kind == observe.KindFilter && s.RowsIn != s.RowsOut {
			out[s.Name] += s.RowsIn - s.RowsOut
		}
	}
	return out
}

// fill completes the report from the counts.
func (r *running) fill() {
	out, e := r.report, r.events
	out.Readers = map[string]Read{}
	for id, s := range r.result.Read {
		out.Readers[id] = Read{
			Rows: s.Rows, OutOfInterval: s.OutOfSpan, Objects: s.Objects, Bytes: s.Bytes,
			RowGroups: s.RowGroups, RowGroupsSkipped: s.RowGroupsSkipped, BadRows: s.BadRows,
		}
	}
	out.Query = r.result.Query
	out.Filtered = r.filtered()
	out.Rejected = e.Labels(countRejected)
	out.Dropped = map[string]int64{}
	if n := e.Total(countDropped); n > 0 {
		out.Dropped["null_timestamp"] = n
	}
	out.CastFailures = e.Labels(countCast)
	out.Used = r.result.Input
	out.Features = Features{
		Rows: r.result.Features, Duplicates: e.Total(countDuplicates), OutsideInterval: e.Total(countOutside),
	}
	out.Features.Made = out.Features.Rows + out.Features.Duplicates + out.Features.OutsideInterval
	if r.result.Dated && r.host.file.FeatureSet.Windows != nil {
		out.LastLabel = time.UnixMicro(r.result.Last).UTC().Format(time.RFC3339Nano)
	}
	out.Spilled = r.result.Exchange.Spilled
	out.Warnings = append(out.Warnings, e.Warnings()...)
	out.Stages = e.Stages()
	out.Seconds = time.Since(r.start).Seconds()
	if out.Plugins == nil {
		out.Plugins = map[string]string{}
	}
	out.Plugins = maps.Clone(out.Plugins)
}
