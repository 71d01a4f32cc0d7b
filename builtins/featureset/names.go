package featureset

import (
	"fmt"
	"strings"

	"github.com/featurehost/featurehost/config"
)

// outputNames gives the columns that a feature makes, in order: function, then
// window.
func (s *Set) outputNames(f config.Feature) []string {
	if len(f.Aggregate) == 0 {
		return []string{f.Name}
	}
	var names []string
	for _, fn := range f.Aggregate {
		if s.cfg.Windows == nil {
			names = append(names, aggregateName(f.Name, fn.Name))
			continue
		}
		for _, w := range s.cfg.Windows.Rolling {
			names = append(names, rollingName(f.Name, fn.Name, w))
		}
	}
	return names
}

// aggregateName names an aggregate without windows (S-902).
func aggregateName(feature, function string) string {
	return feature + "__" + strings.ToLower(function)
}

// rollingName names an aggregate over a rolling window (S-919): function, n
// and unit as written.
func rollingName(feature, function string, w config.TimeSpan) string {
	return fmt.Sprintf("%s__%s_over_%s_rolling_windows", feature, function, windowName(w))
}

func windowName(w config.TimeSpan) string { return fmt.Sprintf("%d_%s", w.N, w.Unit) }

// source is the column a feature is made from.
func source(f config.Feature) string {
	if f.From != "" {
		return f.From
	}
	return f.Name
}
