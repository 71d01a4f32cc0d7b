package featureset

import (
	"slices"
	"strconv"
	"strings"

	"github.com/featurehost/featurehost/config"
)

// schedule says in which keyed stage the windows of each feature are computed.
// Windows of one partition and order share a stage, and with it an exchange;
// those over the keys in order of time are computed in Fold, whose exchange is
// there anyway, unless windows of another partition need them before. Rows that
// become several pass an exchange before the next windows and before Fold, for
// the copies of equal rows come one after another only there (S-301).
//
// It is made from names alone, since the number of stages is asked for before
// the schema of the rows is known; so what reads what is judged on the side of
// yes.
type schedule struct {
	keyed  int          // stages before Fold, numbered from 1
	of     map[int]int  // feature with windows: its stage
	stacks map[int]bool // stages behind whose windows rows become several
}

// fold is the number of Fold's stage.
func (s schedule) fold() int { return s.keyed + 1 }

// spot is a feature to be scheduled: one with windows, or one that makes
// several rows of each.
type spot struct {
	feature int
	class   string       // partition and order; "" is that of Fold
	stacks  bool         // makes rows, so everything before it comes before
	after   map[int]bool // spots it may build on
}

// newSchedule schedules a plain set.
func (s *Set) newSchedule() schedule {
	spots := s.spots()
	early := map[int]bool{} // spots of Fold's class that others need before
	for _, p := range spots {
		if p.stacks || p.class != "" {
			for a := range p.after {
				early[a] = true
			}
		}
	}
	out := schedule{of: map[int]int{}, stacks: map[int]bool{}}
	var classes []string
	stage := make([]int, len(spots))
	const last = 1 << 30
	for i, p := range spots {
		switch {
		case p.stacks:
			for k := range i {
				stage[i] = max(stage[i], stage[k])
			}
			continue
		case p.class == "" && !early[i]:
			stage[i] = last
			continue
		}
		first := 1
		for a := range p.after {
			at := stage[a]
			if at > 0 && (spots[a].stacks || classes[at-1] != p.class) {
				at++
			}
			first = max(first, at)
		}
		for at := first; at <= len(classes) && stage[i] == 0; at++ {
			if classes[at-1] == p.class {
				stage[i] = at
			}
		}
		if stage[i] == 0 {
			classes = append(classes, p.class)
			stage[i] = len(classes)
		}
	}
	out.keyed = len(classes)
	for i, p := range spots {
		if p.stacks {
			out.stacks[stage[i]] = true
		} else {
			out.of[p.feature] = min(stage[i], out.fold())
		}
	}
	return out
}

// spots finds what is to be scheduled and what each spot may build on.
func (s *Set) spots() []spot {
	var spots []spot
	builds := map[int]map[int]bool{} // feature: spots it may build on
	made := map[string]int{}         // visible column: feature that made it last
	stacked := -1
	for i, f := range s.cfg.Features {
		after := map[int]bool{}
		add := func(feature int) {
			for p := range builds[feature] {
				after[p] = true
			}
		}
		for name, by := range made {
			if mayRead(f, name) {
				add(by)
			}
		}
		if f.Window != nil || f.Stack != nil || f.H3 != nil && f.H3.Stack {
			p := spot{feature: i, stacks: f.Window == nil}
			if p.stacks {
				for k := range spots {
					after[k] = true
				}
			} else {
				p.class = s.class(f, made)
				if stacked >= 0 {
					after[stacked] = true
					for k := range spots[stacked].after {
						after[k] = true
					}
				}
			}
			p.after = after
			after = map[int]bool{len(spots): true}
			for k := range p.after {
				after[k] = true
			}
			if p.stacks {
				stacked = len(spots)
			}
			spots = append(spots, p)
		}
		builds[i] = after
		for _, name := range s.madeNames(f) {
			made[name] = i
		}
	}
	return spots
}

// class tells windows apart by partition and order: "" for the keys in order of
// time. A column counts by the feature that made it.
func (s *Set) class(f config.Feature, made map[string]int) string {
	partition := slices.Clone(f.Window.PartitionBy)
	if f.Window.PartitionBy == nil {
		partition = s.Keys()
	}
	slices.Sort(partition)
	partition = slices.Compact(partition)
	keys := s.Keys()
	slices.Sort(keys)
	order := f.Window.OrderBy
	if s.isTime(order, made) {
		order = ""
	}
	if order == "" && slices.Equal(partition, keys) {
		return ""
	}
	var b strings.Builder
	for _, name := range append([]string{order}, partition...) {
		by, ok := made[name]
		if !ok {
			by = -1
		}
		b.WriteString(strconv.Quote(name) + "@" + strconv.Itoa(by) + " ")
	}
	return b.String()
}

// isTime tells whether windows ordered by a column, "" for none, are in order of
// time: the timestamp's source is as good as the timestamp unless it is read by
// a unit or a mask, or another column has taken its name.
func (s *Set) isTime(order string, made map[string]int) bool {
	if order == "" || order == timestampColumn {
		return true
	}
	_, taken := made[order]
	return order == s.timestampSource() && s.cfg.Timestamp.Unit == "" && s.cfg.Timestamp.Mask == "" && !taken &&
		!slices.Contains(s.Keys(), order)
}

// mayRead tells whether a feature may read a column that a feature before it made.
func mayRead(f config.Feature, name string) bool {
	switch {
	case f.SQL != "":
		return mentionsName(f.SQL, name)
	case f.Use != "", f.Stack != nil:
		return true
	case f.H3 != nil:
		return f.H3.Lat == name || f.H3.Lng == name
	case f.Window != nil && (f.Window.OrderBy == name || slices.Contains(f.Window.PartitionBy, name)):
		return true
	}
	return source(f) == name
}
