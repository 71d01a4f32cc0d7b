package historical

import (
	"encoding/json"

	"github.com/featurehost/featurehost/host/flow"
)

// pending is what the ledger keeps of a prepared write.
type pending struct {
	Format int       `json:"format"` // pendingFormat
	Run    string    `json:"run"`
	Entity string    `json:"entity"`
	Set    string    `json:"set"`
	Layout string    `json:"layout"`
	Files  []dayFile `json:"files"`
	Clear  []string  `json:"clear,omitempty"` // folders below the table that go
	Full   bool      `json:"full,omitempty"`
	// Columns of the files, for a catalogue. Older versions noted them, and on
	// disk the bytes of files, only where the run itself had one.
	Columns []column `json:"columns,omitempty"`
}

const pendingFormat = 1

// dayFile is one file of a prepared write.
type dayFile struct {
	Path string `json:"path"` // folder below the table; "" when flat
	Rows int64  `json:"rows"`
	// Bytes and ETag of the file as the server has it; Data says that it lies in
	// the data folder of the run, where only a catalogue points.
	Bytes int64  `json:"bytes,omitempty"`
	ETag  string `json:"etag,omitempty"`
	Data  bool   `json:"data,omitempty"`
}

func (p *pending) encode(rows int64) (flow.Pending, error) {
	data, err := json.Marshal(p)
	return flow.Pending{Sink: sinkName, Rows: rows, Data: data}, err
}
