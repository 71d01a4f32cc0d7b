package connectors

import (
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/connectors/online"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/parts"
)

// Register adds the readers and sinks to a catalog.
func Register(c *parts.Catalog) {
	c.AddReader("file", file.New)
	c.AddSink("historical", historical.New)
	c.AddSink("online", online.New)
	c.AddVectors("online", online.OpenVectors)
}

// Codes explains the error codes of all connectors.
func Codes() []fault.Doc {
	var out []fault.Doc
	for _, list := range [][]fault.Doc{blob.Codes(), file.Codes(), historical.Codes(), online.Codes()} {
		out = append(out, list...)
	}
	return out
}
