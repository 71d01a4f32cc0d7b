package kafka

import (
	"time"

	"github.com/featurehost/featurehost/host/flow"
)

// StopAt has a sink panic at a point of Publish, as a killed process would end.
func StopAt(s flow.Sink, point string) {
	s.(*Sink).reached = func(at string) {
		if at == point {
			panic(point)
		}
	}
}

// SetPatience makes a reader give up sooner.
func SetPatience(r flow.Reader, d time.Duration) { r.(*Reader).patience = d }
