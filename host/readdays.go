package host

import (
	"strings"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// daysOf names what tells the day of a reader's rows, when that is not the
// feature set's timestamp: that rows left unread by it do not matter is then
// the pipeline file's word (S-508). It is "" otherwise.
func daysOf(set *config.FeatureSet, i *config.Incremental) string {
	from := set.Timestamp.From
	if from == "" {
		from = "timestamp"
	}
	switch {
	case i == nil || i.Column == from:
		return ""
	case i.Column != "":
		return i.Column
	}
	return strings.Join(i.Partitions, ", ")
}

// tellDays says in the report which days were read, and of what.
func (r *running) tellDays(p *plan.Plan) {
	r.report.ReadFrom = ""
	if !p.Partial() {
		return
	}
	r.report.ReadFrom = p.Read.Start.String()
	for id, read := range r.report.Readers {
		for _, s := range p.Sources {
			if s.Config.ID == id {
				read.DaysOf = daysOf(p.File.FeatureSet, s.Config.Incremental)
			}
		}
		r.report.Readers[id] = read
	}
}
