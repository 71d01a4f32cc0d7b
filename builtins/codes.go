package builtins

import (
	"github.com/featurehost/featurehost/builtins/featureset"
	"github.com/featurehost/featurehost/builtins/prepare"
	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
)

// Codes explains the codes of every room below this one.
func Codes() []fault.Doc {
	var docs []fault.Doc
	for _, room := range [][]fault.Doc{prepare.Codes(), featureset.Codes(), window.Codes()} {
		docs = append(docs, room...)
	}
	return docs
}
