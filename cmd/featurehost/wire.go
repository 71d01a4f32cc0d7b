package main

import (
	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/parts"
	"github.com/featurehost/featurehost/host/pipelinetest"
)

// catalog holds everything that a pipeline file may name in this build.
func catalog() *parts.Catalog {
	c := &parts.Catalog{}
	builtins.Register(c)
	connectors.Register(c)
	return c
}

// codeLists gathers the error codes of every room.
func codeLists() [][]fault.Doc {
	return [][]fault.Doc{codes(), config.Codes(), host.Codes(), pipelinetest.Codes(), builtins.Codes(), connectors.Codes()}
}
