package wasm

import (
	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
)

// Codes of this room beside those of the ABI.
const (
	CacheUnusable fault.Code = 8090
)

// Codes explains every code of the plugin ABI that this host raises.
func Codes() []fault.Doc {
	var out []fault.Doc
	for _, d := range abi.Codes() {
		out = append(out, fault.Doc{Code: fault.Code(d.Code), Title: d.Title, Explain: d.Explain})
	}
	out = append(out, cdata.Codes()...)
	return append(out, fault.Doc{Code: CacheUnusable, Title: "compile cache cannot be used",
		Explain: "The folder that keeps compiled plugins cannot be made, or cannot be closed to other users. It holds native code, so it must belong to the user who runs featurehost, with mode 0700. Correct its owner, or point the pipeline's state elsewhere."})
}

// CountFuel is what the guests of a stage have burnt on batches and on the memory
// for them, by stage; their start is not in it.
const CountFuel = "stage_fuel"
