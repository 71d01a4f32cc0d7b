package flights_services_test

import (
	"context"
	"sync"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// points is how many points of a run a server fails at.
const points = 5

// The points, in the order in which a run comes to them.
const (
	reading            = "reading"              // a batch of departures has been read from Kafka
	writing            = "writing"              // a batch of features has gone to the historical sink
	preparing          = "preparing"            // all features are in the sinks, none is durable
	publishingHistory  = "publishing history"   // both sinks are prepared, nothing is visible
	publishingVectors  = "publishing vectors"   // history is visible, Cassandra holds the rows of before
	historical, online = "historical", "online" // the types of the sinks
)

// point is the i-th point of a run.
func point(i int) string {
	return [points]string{reading, writing, preparing, publishingHistory, publishingVectors}[i]
}

// gate holds a run up at a point, once, until a server has failed.
type gate struct {
	point  string
	there  func()          // told when the run has come to the point, or cannot any more
	failed <-chan struct{} // closed when the server is away
	once   sync.Once
	came   bool
}

// at holds the run up if this is the point.
func (g *gate) at(point string) {
	if point != g.point {
		return
	}
	g.once.Do(func() {
		g.came = true
		g.there()
		<-g.failed
	})
}

// passed reports, of a run that has ended, whether it came to the point.
func (g *gate) passed() bool {
	g.once.Do(g.there)
	return g.came
}

// build sets the gate into the parts of a pipeline.
func (g *gate) build(catalog *parts.Catalog) {
	kafka := catalog.Readers["kafka"]
	catalog.Readers["kafka"] = func(c config.Reader, p parts.Place, e flow.Env) (flow.Reader, error) {
		r, err := kafka(c, p, e)
		return &gatedReader{Reader: r, gate: g}, err
	}
	for _, typ := range []string{historical, online} {
		inner := catalog.Sinks[typ]
		catalog.Sinks[typ] = func(c config.Sink, p parts.Place, e flow.Env) (flow.Sink, error) {
			s, err := inner(c, p, e)
			return &gatedSink{Sink: s, gate: g, history: typ == historical}, err
		}
	}
}

type gatedReader struct {
	flow.Reader
	gate *gate
}

func (r *gatedReader) Next(ctx context.Context) (flow.Batch, error) {
	b, err := r.Reader.Next(ctx)
	if err == nil {
		r.gate.at(reading)
	}
	return b, err
}

type gatedSink struct {
	flow.Sink
	gate    *gate
	history bool
}

func (s *gatedSink) CheckColumns(in *flow.Schema) error {
	if c, ok := s.Sink.(flow.ColumnChecker); ok {
		return c.CheckColumns(in)
	}
	return nil
}

func (s *gatedSink) Write(ctx context.Context, b flow.Batch) error {
	err := s.Sink.Write(ctx, b)
	if s.history {
		s.gate.at(writing)
	}
	return err
}

func (s *gatedSink) Prepare(ctx context.Context) (flow.Pending, error) {
	if s.history {
		s.gate.at(preparing)
	}
	return s.Sink.Prepare(ctx)
}

func (s *gatedSink) Publish(ctx context.Context, p flow.Pending) (flow.Published, error) {
	if s.history {
		s.gate.at(publishingHistory)
	} else {
		s.gate.at(publishingVectors)
	}
	return s.Sink.Publish(ctx, p)
}
