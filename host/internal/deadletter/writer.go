package deadletter

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"syscall"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Options of a Writer; the zero value names no plugin.
type Options struct {
	// Plugins of the run, by the name of the stage that runs them.
	Plugins map[string]Plugin
	// Prefix begins the names of the files, where several writers share a folder.
	Prefix string
	// Redact takes secrets out of messages before they are written; nil leaves them
	// as they are. What a plugin says may hold its config.
	Redact func(string) string
}

// Plugin is what a letter tells of the plugin that turned a row down.
type Plugin struct {
	Name   string // name@version
	Digest string
}

// Writer keeps rejected rows. It is safe for several goroutines.
type Writer struct {
	dir     string
	options Options

	mu     sync.Mutex
	files  map[string]*letters // by stage
	counts map[string]int64    // by reason
	failed error               // the first failure: later rows meet it again
	closed bool
}

var _ flow.Rejects = (*Writer)(nil)

// Open gives a writer into dir, which is made at the first rejection.
func Open(dir string, o Options) (*Writer, error) {
	if dir == "" {
		return nil, fault.New(NotKept, "the dead letter has no folder")
	}
	o.Plugins = maps.Clone(o.Plugins)
	if o.Redact == nil {
		o.Redact = func(message string) string { return message }
	}
	return &Writer{dir: dir, options: o, files: map[string]*letters{}, counts: map[string]int64{}}, nil
}

// Reject implements flow.Rejects. Rows count once they are kept. After an
// error the writer keeps nothing more, for the run must fail.
func (w *Writer) Reject(_ context.Context, r flow.Rejection) error {
	if len(r.Rows) == 0 {
		return nil
	}
	if r.Stage == "" || r.Reason == "" || r.Batch.Record == nil {
		return fault.New(BadRejection, "stage %q rejected rows for reason %q: both and a batch are needed", r.Stage, r.Reason)
	}
	for _, i := range r.Rows {
		if i < 0 || int64(i) >= r.Batch.Rows() {
			return fault.New(BadRejection, "stage %q rejected row %d of a batch of %d", r.Stage, i, r.Batch.Rows())
		}
	}
	plugin, message := w.options.Plugins[r.Stage], w.options.Redact(r.Message)
	for _, i := range r.Rows {
		// Encoding is the costly part and needs no lock.
		row, err := encodeRow(r.Batch.Record, i)
		if err != nil {
			return fault.Wrap(err, NotKept, "row %d of a batch of stage %q cannot be written", i, r.Stage)
		}
		l := letter{row: row, Letter: Letter{
			Reason: r.Reason, Message: message, Stage: r.Stage, Plugin: plugin.Name, Digest: plugin.Digest,
			Object: r.Batch.Position.Object, SourceRow: r.Batch.Position.Row + int64(i),
		}}
		if err := w.add(l); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) add(l letter) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fault.New(BadRejection, "stage %q rejected a row after the end", l.Stage)
	}
	if w.failed != nil {
		return w.failed
	}
	f := w.files[l.Stage]
	if f == nil {
		if f, err = create(w.dir, w.options.Prefix, l.Stage); err != nil {
			w.failed = notKept(err, w.dir)
			return w.failed
		}
		w.files[l.Stage] = f
	}
	if err := f.add(l); err != nil {
		w.failed = notKept(err, f.path)
		return w.failed
	}
	w.counts[l.Reason]++
	return nil
}

// Counts tells how many rows were kept, by reason.
func (w *Writer) Counts() map[string]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.counts)
}

// Close makes the files durable and gives them their names. A file that could
// not be written to its end is removed. It may be called twice.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	var errs []error
	for _, stage := range slices.Sorted(maps.Keys(w.files)) {
		f := w.files[stage]
		if err := f.finish(); err != nil {
			errs = append(errs, notKept(err, f.path))
		}
	}
	if len(w.files) > 0 && len(errs) == 0 {
		if err := blob.SyncFolder(w.dir); err != nil {
			errs = append(errs, notKept(err, w.dir))
		}
	}
	w.files = nil
	return errors.Join(errs...)
}

// Drop is Close for rows that come again: nothing is kept of them.
func (w *Writer) Drop() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	var errs []error
	for _, f := range w.files {
		if err := f.drop(); err != nil {
			errs = append(errs, notKept(err, f.path))
		}
	}
	w.files = nil
	return errors.Join(errs...)
}

// notKept gives an error of the disk the code of this room.
func notKept(err error, path string) error {
	code, text := NotKept, "a rejected row could not be kept"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		code, text = DiskFull, "no space left for rejected rows"
	}
	e := fault.Wrap(err, code, "%s", text).At("%s", path)
	e.Retry = code == DiskFull
	return e
}
