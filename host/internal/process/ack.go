package process

import (
	"encoding/json"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// maxMetadata is the most that app_metadata may have (ABI-P-006).
const maxMetadata = 4 << 10

// given is what the host says with a batch.
type given struct {
	Seq       int64 `json:"seq"`
	AsOf      int64 `json:"as_of"` // microseconds
	Watermark int64 `json:"wm"`    // microseconds; the least number: there is none
	Commit    bool  `json:"commit"`
}

// answer is what the plugin says with its last message about a batch.
type answer struct {
	Ack     *int64             `json:"ack"`
	Rejects []json.RawMessage  `json:"rejects"`
	Metrics map[string]float64 `json:"metrics"`
}

// readAnswer reads app_metadata; its error is FH-5009.
func readAnswer(b []byte) (answer, error) {
	var a answer
	switch {
	case len(b) > maxMetadata:
		return a, contract.Refusal(abi.CodeAck, "the plugin's app_metadata has %d bytes, at most %d are allowed", len(b), maxMetadata)
	case len(b) == 0:
		return a, nil
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fault.Wrap(err, abi.CodeAck, "the plugin's app_metadata is not what the protocol says")
	}
	if len(a.Rejects) > 0 {
		return a, contract.Refusal(abi.CodeMisuse, "the plugin rejects %d rows one by one, which its manifest does not declare and this host cannot do yet", len(a.Rejects))
	}
	return a, nil
}
