package builtins

import (
	"github.com/featurehost/featurehost/builtins/featureset"
	"github.com/featurehost/featurehost/builtins/prepare"
	"github.com/featurehost/featurehost/host/parts"
)

// Register adds every built-in stage and the feature set to c.
func Register(c *parts.Catalog) {
	c.AddStage("filter", prepare.NewFilter)
	c.AddStage("replace", prepare.NewReplace)
	c.AddStage("forward_fill", prepare.NewForwardFill)
	c.AddStage("pivot", prepare.NewPivot)
	c.AddStage("explode_json", prepare.NewExplodeJSON)
	c.FeatureSet = featureset.New
}
