package featureset

import (
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
)

// LookBack tells which earlier rows an interval needs (S-512): as many as its
// windows reach, and all of them where a row may depend on one of any age. That
// is so where duplicates are looked for in rows that are not made anew for every
// label, where every label is a row, and where a window counts rows or ranges
// over another column than the timestamp.
func (s *Set) LookBack() flow.LookBack {
	if s.aggregated {
		return s.aggregatedLookBack()
	}
	if s.cfg.DeduplicateRows {
		return flow.LookBack{All: true}
	}
	var longest int64
	spots := s.spots()
	reach := make([]int64, len(spots))
	for i, p := range spots {
		for a := range p.after {
			reach[i] = max(reach[i], reach[a])
		}
		if !p.stacks {
			own, ok := s.reach(s.cfg.Features[p.feature].Window)
			if !ok {
				return flow.LookBack{All: true}
			}
			// What the rows of a window were made of reaches further back.
			reach[i] += own
		}
		longest = max(longest, reach[i])
	}
	return flow.LookBack{Micros: longest}
}

// reach is how far the windows of a feature reach back in time; false when
// there is no telling.
func (s *Set) reach(w *config.FeatureWindow) (int64, bool) {
	made := map[string]int{}
	for i, f := range s.cfg.Features {
		for _, name := range s.madeNames(f) {
			made[name] = i
		}
	}
	if len(w.Rows) > 0 || !s.isTime(w.OrderBy, made) {
		return 0, false
	}
	var longest int64
	for _, span := range w.Fixed {
		micros := atMost(span)
		if s.profile.WholeSeconds {
			if length, err := s.fixedLength(span, ""); err == nil {
				micros = length.Micros
			}
			micros += secondMicros
		}
		longest = max(longest, micros)
	}
	return longest, true
}

const secondMicros = 1_000_000

// atMost is the greatest length of a span in microseconds.
func atMost(s config.TimeSpan) int64 { return s.Micros + s.Months()*31*flow.MicrosPerDay }

func (s *Set) aggregatedLookBack() flow.LookBack {
	w, dedup := s.cfg.Windows, s.cfg.DeduplicateRows
	if w == nil {
		return flow.LookBack{All: dedup && !s.profile.CutBeforeDedup}
	}
	var longest int64
	for _, r := range w.Rolling {
		longest = max(longest, atMost(r))
	}
	if s.profile.CutBeforeDedup {
		return flow.LookBack{Micros: (longest/flow.MicrosPerDay + 1) * flow.MicrosPerDay}
	}
	// Labels with data stand anywhere before the one that is compared with; and
	// all labels of a key begin with its first row.
	if (w.Rows == "with_data") == dedup {
		return flow.LookBack{All: true}
	}
	longest += atMost(w.Slide)
	if w.Zone != "" {
		// A calendar length has an hour more where clocks go back, and a day where
		// a country crosses the date line; so has the slide.
		longest += 2 * flow.MicrosPerDay
	}
	return flow.LookBack{Micros: longest}
}
