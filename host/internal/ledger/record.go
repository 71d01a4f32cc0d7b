package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// formatVersion is the rung of the record's format.
//
//	1  the first: a record per run, markers of recovery beside it
const formatVersion = 1

// State of a run.
type State string

// The states; see L3.
const (
	Claimed    State = "claimed"    // rows are computed and staged
	Prepared   State = "prepared"   // all rows are durable, aside
	Published  State = "published"  // all rows are visible
	Incomplete State = "incomplete" // some store could not be loaded
	Undone     State = "undone"     // nothing of it is visible
	Superseded State = "superseded" // its rows were lost; a later run computed its days again
)

// Done reports whether nothing is left to finish or undo.
func (s State) Done() bool { return s == Published || s == Undone || s == Superseded }

// counts reports whether a run of this state made values that readers may have
// seen: such runs count for the revision of their days.
func (s State) counts() bool { return s != Claimed && s != Undone }

// Record is what the ledger keeps of a run.
type Record struct {
	Version  int                       `json:"version"`
	Number   int64                     `json:"number"`
	ID       string                    `json:"id"`
	State    State                     `json:"state"`
	Start    string                    `json:"start,omitempty"`     // first day; none in a full run
	End      string                    `json:"end,omitempty"`       // last day
	FirstDay string                    `json:"first_day,omitempty"` // of the events, in a run that read all of them
	LastDay  string                    `json:"last_day,omitempty"`  // of the rows, in a run without an end
	Entity   string                    `json:"entity"`
	Set      string                    `json:"feature_set"`
	Pipeline string                    `json:"pipeline_digest"`
	Plugins  map[string]string         `json:"plugins"`
	Inputs   map[string]Input          `json:"inputs,omitempty"`
	Holder   Holder                    `json:"holder"`
	Lease    time.Time                 `json:"lease"` // until when the holder need not be doubted
	Claimed  time.Time                 `json:"claimed_at"`
	Changed  time.Time                 `json:"changed_at"`
	Pending  []flow.Pending            `json:"pending,omitempty"`
	Results  map[string]flow.Published `json:"published,omitempty"` // by sink
	Error    string                    `json:"error,omitempty"`
	By       string                    `json:"recovered_by,omitempty"` // the process that took it over, from then on
	Swept    bool                      `json:"swept,omitempty"`        // superseded, and what it left aside is removed
}

// Input tells what a reader gave.
type Input struct {
	Rows    int64 `json:"rows"`
	Bytes   int64 `json:"bytes"`
	Objects int64 `json:"objects"`
}

// Interval of the run.
func (r Record) Interval() (flow.Interval, error) { return flow.ParseInterval(r.Start, r.End) }

// key is where a record lies.
func key(number int64) string { return fmt.Sprintf("runs/%06d.json", number) }

func encode(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // only of types that this package defines
		panic(err)
	}
	return append(b, '\n')
}

// decode reads a record and refuses what it does not understand.
func decode(where string, data []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fault.Wrap(err, Unreadable, "the record is no JSON object").At("%s", where)
	}
	if r.Version != formatVersion {
		return r, fault.New(Unreadable, "the record has format %d, this build reads %d", r.Version, formatVersion).At("%s", where)
	}
	switch r.State {
	case Claimed, Prepared, Published, Incomplete, Undone, Superseded:
	default:
		return r, fault.New(Unreadable, "unknown state %q", r.State).At("%s", where)
	}
	if _, err := r.Interval(); err != nil || r.Number < 1 || where != key(r.Number) {
		return r, fault.Wrap(err, Unreadable, "number %d, interval %s..%s", r.Number, r.Start, r.End).At("%s", where)
	}
	return r, nil
}
