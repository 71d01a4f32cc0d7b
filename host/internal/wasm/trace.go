package wasm

import (
	"strings"

	"github.com/featurehost/featurehost/host/internal/contract"
)

// traceFrames is how many frames of a trap's stack a message shows.
const traceFrames = 3

// splitTrace parts the engine's text of a trap into what happened and the
// innermost functions: "score < transform < fh_process".
func splitTrace(err error) (what, frames string) {
	head, tail, _ := strings.Cut(err.Error(), "\nwasm stack trace:")
	what = strings.TrimSuffix(strings.TrimPrefix(head, "wasm error: "), " (recovered by wazero)")
	var names []string
	for _, line := range strings.Split(tail, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "0x") { // source positions
			continue
		}
		name, _, ok := strings.Cut(line, "(")
		if !ok {
			continue
		}
		if names = append(names, strings.TrimPrefix(name, ".")); len(names) == traceFrames {
			break
		}
	}
	return contract.Printable([]byte(what)), contract.Printable([]byte(strings.Join(names, " < ")))
}
