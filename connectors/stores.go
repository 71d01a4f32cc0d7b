package connectors

import (
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/cassandra"
	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/online"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// onlineSink makes the sink of the store that a [[sink]] of type "online" names.
func onlineSink(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
	switch cfg.Store {
	case "cassandra":
		return cassandra.New(cfg, at, env)
	case "kafka":
		return kafka.NewSink(cfg, at, env)
	default:
		return online.New(cfg, at, env)
	}
}

// onlineVectors opens that store for reading.
func onlineVectors(cfg config.Sink, at parts.Place) (flow.Vectors, error) {
	switch cfg.Store {
	case "cassandra":
		return cassandra.OpenVectors(cfg, at)
	case "kafka":
		return kafka.OpenVectors(cfg, at)
	default:
		return online.OpenVectors(cfg, at)
	}
}
