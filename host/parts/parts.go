package parts

import (
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/flow"
)

// Place tells a part where its relative paths start.
type Place struct {
	Dir   string // folder of the pipeline file
	State string // folder for the embedded store, dead letters, caches; absolute
}

// StageFactory makes a built-in stage from its table.
type StageFactory func(config.Stage, Place, flow.Env) (flow.Stage, error)

// ReaderFactory makes a reader from its table, without its prepare steps.
type ReaderFactory func(config.Reader, Place, flow.Env) (flow.Reader, error)

// SinkFactory makes a sink from its table.
type SinkFactory func(config.Sink, Place, flow.Env) (flow.Sink, error)

// VectorsFactory opens the store that a sink fills, for reading.
type VectorsFactory func(config.Sink, Place) (flow.Vectors, error)

// FeatureSetFactory makes a feature set for a run over an interval.
type FeatureSetFactory func(config.FeatureSet, flow.Interval, flow.Env) (flow.FeatureSet, error)

// BlobFactory opens a store of objects in a folder of this machine or at
// s3://bucket/prefix. It asks no server.
type BlobFactory func(path string, s3 config.S3) (blob.Store, error)

// Catalog holds the factories by name. The zero value is empty and ready.
type Catalog struct {
	Stages     map[string]StageFactory
	Readers    map[string]ReaderFactory
	Sinks      map[string]SinkFactory
	Vectors    map[string]VectorsFactory // by sink type
	FeatureSet FeatureSetFactory
	Blob       BlobFactory // nil: folders of this machine alone
}

// AddStage names a stage; a later one of the same name replaces it.
func (c *Catalog) AddStage(name string, f StageFactory) {
	if c.Stages == nil {
		c.Stages = map[string]StageFactory{}
	}
	c.Stages[name] = f
}

// AddReader names a reader type.
func (c *Catalog) AddReader(name string, f ReaderFactory) {
	if c.Readers == nil {
		c.Readers = map[string]ReaderFactory{}
	}
	c.Readers[name] = f
}

// AddSink names a sink type.
func (c *Catalog) AddSink(name string, f SinkFactory) {
	if c.Sinks == nil {
		c.Sinks = map[string]SinkFactory{}
	}
	c.Sinks[name] = f
}

// AddVectors says how the store of a sink type is read.
func (c *Catalog) AddVectors(name string, f VectorsFactory) {
	if c.Vectors == nil {
		c.Vectors = map[string]VectorsFactory{}
	}
	c.Vectors[name] = f
}
