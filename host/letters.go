package host

import (
	"context"
	"sync"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/deadletter"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// stagePlugins tells which plugin each stage of a plan runs, for the letters of
// its rows.
func stagePlugins(p *plan.Plan) map[string]deadletter.Plugin {
	out := map[string]deadletter.Plugin{}
	for _, s := range rowSteps(p) {
		if s.Plugin != nil {
			out[s.Name] = deadletter.Plugin{Name: s.Plugin.Name + "@" + s.Plugin.Version, Digest: s.Plugin.Digest}
		}
	}
	return out
}

// rowSteps lists the stages of a plan but for those of the feature set.
func rowSteps(p *plan.Plan) []*plan.Step {
	var out []*plan.Step
	for _, s := range p.Sources {
		out = append(out, s.Prepare...)
	}
	out = append(out, p.Steps...)
	for _, s := range p.Sinks {
		out = append(out, s.Steps...)
	}
	return out
}

// letters is the dead letter of a run as parts see it: it counts every
// rejected row, and in a real run keeps it in a file. Parts may call it from
// several goroutines.
type letters struct {
	events *observe.Events

	mu     sync.Mutex
	open   func() (*deadletter.Writer, error) // nil in a dry run
	writer *deadletter.Writer
	closed bool
}

// Reject implements flow.Rejects.
func (l *letters) Reject(ctx context.Context, r flow.Rejection) error {
	if len(r.Rows) == 0 {
		return nil
	}
	l.events.Add("rejected", r.Reason, int64(len(r.Rows)))
	w, err := l.file()
	if w == nil || err != nil {
		return err
	}
	return w.Reject(ctx, r)
}

// file opens the dead letter at the first rejected row.
func (l *letters) file() (*deadletter.Writer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fault.New(LateReject, "a row was rejected after the run had ended")
	}
	if l.writer == nil && l.open != nil {
		w, err := l.open()
		if err != nil {
			return nil, err
		}
		l.writer = w
	}
	return l.writer, nil
}

// close ends the files; they stay, also after a failed run, whose failure they
// may explain.
func (l *letters) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.writer == nil {
		return nil
	}
	return l.writer.Close()
}

// drop ends the files and leaves nothing of them: the rows come again.
func (l *letters) drop() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.writer == nil {
		return nil
	}
	return l.writer.Drop()
}

// again ends the files and begins anew, for rows that are computed once more.
func (l *letters) again() error {
	err := l.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writer, l.closed = nil, false
	return err
}
