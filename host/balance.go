package host

import (
	"slices"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/crash"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/wasm"
)

// Names of the counts that parts report.
const (
	countRejected   = "rejected"
	countDropped    = "dropped_null_timestamp"
	countDuplicates = "duplicates_dropped"
	countOutside    = "outside_interval"
	countCast       = "cast_failures"
	countBadJSON    = "bad_json"
	countEmpty      = "empty_interval"
	countStacked    = "stacked_rows"
)

// balance holds the rows of the run against each other: what came in, and what
// stacking and plugins added, is what was filtered, rejected, skipped, dropped,
// folded or used (S-1608). It runs before anything is published.
func (r *running) balance() error {
	x := &Balance{
		Stacked: r.events.Total(countStacked), Rejected: r.events.Total(countRejected), Dropped: r.events.Total(countDropped),
		Skipped: r.events.Total(crash.CountSkipped), Used: r.result.Input,
	}
	if p := r.session.plan; p.Query != nil {
		x.Read = r.result.Query
	} else {
		st := r.result.Read[p.Sources[0].Config.ID]
		x.Read = st.Rows - st.OutOfSpan - st.BadRows
	}
	for _, s := range r.afterSource() {
		switch less := s.RowsIn - s.RowsOut; {
		case s.Kind != observe.KindFold:
			x.Filtered += less - s.Rejected - s.Skipped
		case less < 0:
			x.Made -= less
		default:
			x.Folded += less
		}
	}
	for _, s := range r.elsewhere() {
		x.Rejected, x.Skipped = x.Rejected-s.Rejected, x.Skipped-s.Skipped
	}
	for _, st := range r.result.Read { // malformed rows never came in
		x.Rejected -= st.BadRows
	}
	if x.Read+x.Stacked+x.Made != x.Filtered+x.Rejected+x.Skipped+x.Dropped+x.Folded+x.Used {
		return fault.New(StageLostRows, "%d rows read, %d stacked and %d made by plugins, but %d filtered + %d rejected + %d skipped + %d dropped + %d folded + %d used",
			x.Read, x.Stacked, x.Made, x.Filtered, x.Rejected, x.Skipped, x.Dropped, x.Folded, x.Used)
	}
	if made := r.made(); r.plain() && made != r.result.Input {
		return fault.New(StageLostRows, "%d rows entered the feature set, which makes one row of each, but %d were made", r.result.Input, made)
	}
	r.report.Balance = x
	return nil
}

// made counts the rows of the feature table before duplicates and days outside
// the interval were left out.
func (r *running) made() int64 {
	return r.result.Features + r.events.Total(countDuplicates) + r.events.Total(countOutside)
}

// plain reports whether each row that is used makes one row.
func (r *running) plain() bool {
	return !slices.ContainsFunc(r.host.file.FeatureSet.Features, func(f config.Feature) bool { return len(f.Aggregate) > 0 })
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

// afterSource gives the filters and folds that stand behind what read counted:
// all of them, or with [query] those behind it.
func (r *running) afterSource() []observe.StageStats {
	var out []observe.StageStats
	for _, s := range r.stages() {
		switch s.Kind {
		case observe.KindQuery:
			out = nil
		case observe.KindFilter, observe.KindFold:
			out = append(out, s)
		}
	}
	return out
}

// stages reads all meters, with what plugins did to their rows.
func (r *running) stages() []StageStats {
	all := r.events.Stages()
	rejected, skipped := r.events.Labels(crash.CountRejected), r.events.Labels(crash.CountSkipped)
	retried, fuel := r.events.Labels(crash.CountRetried), r.events.Labels(wasm.CountFuel)
	for i := range all {
		s := &all[i]
		s.Rejected, s.Skipped, s.Retried, s.Fuel = rejected[s.Name], skipped[s.Name], retried[s.Name], fuel[s.Name]
	}
	return all
}

// elsewhere gives the stages whose rows are not held against what was read:
// those of single readers before a query, and those of single sinks.
func (r *running) elsewhere() []StageStats {
	var out, seen []StageStats
	for _, s := range r.stages() {
		switch s.Kind {
		case observe.KindQuery:
			out = append(out, seen...)
		case observe.KindSinkStage:
			out = append(out, s)
		default:
			seen = append(seen, s)
		}
	}
	return out
}

// lessened counts the rows that stages of a kind handed on fewer than they got,
// by stage. A stage that is neither filter nor fold hands on as many: the
// pipeline would notice.
func (r *running) lessened(kind string) map[string]int64 {
	out := map[string]int64{}
	for _, s := range r.stages() {
		if n := s.RowsIn - s.RowsOut - s.Rejected - s.Skipped; s.Kind == kind && n != 0 {
			out[s.Name] += n
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
	for _, c := range r.host.file.Readers {
		if x, ok := out.Readers[c.ID]; ok {
			x.Type = c.Type
			out.Readers[c.ID] = x
		}
	}
	out.Query = r.result.Query
	out.Filtered, out.Folded = r.lessened(observe.KindFilter), r.lessened(observe.KindFold)
	out.Stacked = e.Total(countStacked)
	out.Rejected = e.Labels(countRejected)
	out.Dropped = map[string]int64{}
	if n := e.Total(countDropped); n > 0 {
		out.Dropped["null_timestamp"] = n
	}
	out.CastFailures = e.Labels(countCast)
	out.BadJSON = e.Labels(countBadJSON)
	out.Used = r.result.Input
	out.Features = Features{
		Rows: r.result.Features, Duplicates: e.Total(countDuplicates), OutsideInterval: e.Total(countOutside),
	}
	out.Features.Made = r.made()
	out.Plugged = e.Names("plugin_")
	if e.Total(countEmpty) > 0 {
		e.Warn("empty_interval: no rows in the interval; its days are cleared")
	}
	if r.result.Dated && r.host.file.FeatureSet.Windows != nil {
		out.LastLabel = time.UnixMicro(r.result.Last).UTC().Format(time.RFC3339Nano)
	}
	out.Spilled = r.result.Exchange.Spilled
	out.Warnings = e.Warnings()
	out.Stages = r.stages()
	out.Skipped = e.Labels(crash.CountSkipped)
	out.Seconds = time.Since(r.start).Seconds()
	if out.Plugins == nil { // the run ended before its plan was bound
		out.Plugins = map[string]string{}
	}
}
