package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/catalog"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
	"github.com/featurehost/featurehost/host/internal/spill"
	"github.com/featurehost/featurehost/host/internal/sql"
	"github.com/featurehost/featurehost/host/parts"
)

// Host runs one pipeline file. It is for one caller at a time.
type Host struct {
	file    *config.File
	options Options
	memory  budget
	state   string // absolute
	plugins *catalog.Catalog
	locks   locks
	engines engines

	mu      sync.Mutex
	scratch string
	unspill func() error // removes scratch
}

// New makes a host for a pipeline file. It looks for plugins and reads their
// manifests; nothing is compiled or written yet.
func New(file *config.File, o Options) (*Host, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	memory := o.Memory
	if memory == 0 {
		memory = int64(file.Pipeline.Memory)
	}
	share, err := split(memory, usesSQL(file), guests(file, func(use string) bool { _, is := o.Catalog.Stages[use]; return is }))
	if err != nil {
		return nil, err
	}
	state, err := stateDir(file.Dir, file.Pipeline.State)
	if err != nil {
		return nil, fault.Wrap(err, NoState, "the state folder %q", file.Pipeline.State)
	}
	dirs := o.PluginDirs
	for _, d := range dirs { // named by a person: it had better be there
		if err := isFolder(d); err != nil {
			return nil, err
		}
	}
	if len(dirs) == 0 {
		dirs = PluginDirs(file.Dir)
	}
	h := &Host{file: file, options: o, memory: share, state: state, engines: engines{cacheDir: cacheDir(state)}}
	// A broken plugin harms nobody who does not name it: Find tells of it then.
	h.plugins, _ = catalog.Discover(dirs...)
	if h.locks, err = readLocks(file.Dir, dirs); err != nil {
		return nil, err
	}
	return h, nil
}

// isFolder refuses a plugin folder that is none.
func isFolder(dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fault.Wrap(err, NoPluginDir, "the plugin folder %q is no folder that can be read", dir)
	}
	return nil
}

// PluginDirs gives the folders that are searched for plugins when none is
// named: plugins/ beside the pipeline file, else plugins/ in the working
// directory.
func PluginDirs(dir string) []string {
	beside := filepath.Join(dir, "plugins")
	if info, err := os.Stat(beside); err == nil && info.IsDir() {
		return []string{beside}
	}
	return []string{"plugins"}
}

// Close ends engines and removes the scratch folder.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	errs := []error{h.engines.Close()}
	if h.scratch != "" {
		errs = append(errs, h.unspill())
		h.scratch = ""
	}
	return errors.Join(errs...)
}

// Plan binds the pipeline file and tells how it would run. Everything that a
// run would refuse before its first row is refused here.
func (h *Host) Plan(ctx context.Context, interval flow.Interval) (report *PlanReport, err error) {
	if streaming(h.file) >= 0 {
		if err := streamable(h.file); err != nil {
			return nil, err
		}
	}
	err = h.bound(ctx, interval, false, func(_ *session, p *plan.Plan) error {
		report = planReport(p, h.memory.total)
		return nil
	})
	return report, err
}

// bound binds the pipeline to be looked at, and closes it after use.
func (h *Host) bound(ctx context.Context, interval flow.Interval, writes bool, use func(*session, *plan.Plan) error) (err error) {
	s, err := h.session(ctx, &observe.Events{}, nil, writes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p, err := s.bind(ctx, interval, false)
	if err != nil {
		return err
	}
	return use(s, p)
}

// session is what one binding or run of the pipeline holds open.
type session struct {
	host    *Host
	events  *observe.Events
	rejects flow.Rejects
	sql     *sql.Engine
	plan    *plan.Plan
}

// session opens what a plan needs; writes tells a run that loads stores from
// one that leaves nothing behind.
func (h *Host) session(ctx context.Context, events *observe.Events, rejects flow.Rejects, writes bool) (*session, error) {
	scratch, err := h.scratchDir(writes)
	if err != nil {
		return nil, err
	}
	engine, err := sql.Open(ctx, sql.Options{
		MemoryBytes: h.memory.sql, Threads: h.file.Pipeline.Workers, Scratch: scratch,
	})
	if err != nil {
		return nil, err
	}
	return &session{host: h, events: events, rejects: rejects, sql: engine}, nil
}

// close ends the plan before the engine that its expressions use.
func (s *session) close() error {
	var errs []error
	if s.plan != nil {
		errs = append(errs, s.plan.Close())
	}
	return errors.Join(append(errs, s.sql.Close())...)
}

// bind binds the pipeline file to an interval, in place of what was bound
// before. whole has the readers asked for all rows before it.
func (s *session) bind(ctx context.Context, interval flow.Interval, whole bool) (*plan.Plan, error) {
	if s.plan != nil {
		if err := s.plan.Close(); err != nil {
			return nil, err
		}
	}
	parts := s.parts()
	parts.Whole = whole
	var err error
	s.plan, err = plan.Bind(ctx, s.host.file, interval, parts)
	return s.plan, err
}

// scratchDir is a folder for spilled data: under the state folder, where there
// is room for it. So that a dry run or a check leaves nothing behind, theirs is
// in the system's place for temporary files while there is no state folder;
// that place may be the machine's memory.
func (h *Host) scratchDir(writes bool) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.scratch != "" {
		return h.scratch, nil
	}
	parent := filepath.Join(h.state, "scratch")
	// A name for each user: the folder of one is closed to all others.
	elsewhere := filepath.Join(os.TempDir(), "featurehost-scratch-"+strconv.Itoa(os.Getuid()))
	if _, err := os.Stat(h.state); !writes && errors.Is(err, os.ErrNotExist) {
		parent = elsewhere
	}
	dir, remove, err := spill.Folder(parent)
	if err != nil && !writes && parent != elsewhere {
		// Whoever may read but not write here can still look.
		dir, remove, err = spill.Folder(elsewhere)
	}
	h.scratch, h.unspill = dir, remove
	return dir, err
}

// env lends the host's services to a part.
func (s *session) env(string) flow.Env {
	return flow.Env{
		SQL: s.sql, Rejects: s.rejects, Counter: s.events, Log: s.host.options.Log,
		Scratch: s.host.scratch, MemoryBytes: s.host.memory.part, Workers: s.host.file.Pipeline.Workers,
	}
}

func (s *session) place() parts.Place { return parts.Place{Dir: s.host.file.Dir, State: s.host.state} }

func (s *session) parts() plan.Parts {
	return plan.Parts{
		Catalog: s.host.options.Catalog, Place: s.place(), Env: s.env, Plugin: s.plugin, Known: s.known,
		Queries: func(context.Context, []*plan.Source) (plan.Queries, error) { return s.sql, nil },
		Spill:   s.spill, Aside: s.aside, Rows: s.rows,
	}
}

func (s *session) spill(ctx context.Context, name string, schema *flow.Schema, next func(context.Context) (flow.Batch, error)) (string, error) {
	return spill.Write(ctx, s.host.scratch, name, schema, next)
}
