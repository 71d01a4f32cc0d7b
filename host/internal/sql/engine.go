//go:build duckdb_arrow

package sql

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Options limit an engine.
type Options struct {
	// MemoryBytes caps each of the engine's databases; beyond it work spills
	// to Scratch. 0 leaves DuckDB's own limit, most of the machine.
	MemoryBytes int64
	// Threads is how many threads a query or a conversion uses; 0 means 1.
	// Expressions always run on the caller's thread alone.
	Threads int
	// Scratch is the folder for spilled data and results; the engine keeps a
	// folder of its own in it and removes that on Close. Empty means the
	// system's folder for temporary files.
	Scratch string
	// Allowed are the files and folders that Register may open. Nil allows
	// any: then the registered files alone are the fence.
	Allowed []string
}

// Engine runs SQL. It is safe for several callers. Its databases start when
// first needed.
type Engine struct {
	opts    Options
	scratch string // our own folder

	// asking is held while a query is bound or run, so that Register does not
	// close its database under it.
	asking sync.RWMutex

	mu        sync.Mutex
	closed    bool
	rows      *database      // expressions: no files
	files     *database      // text files: statements of this package only
	readers   int            // users of files
	converted bool           // files did large work
	query     *database      // the source query
	relations []relation     // registered, in order
	functions *functions     // what DuckDB's functions are like
	views     int            // names given to expression views
	open      sync.WaitGroup // evaluators and calls that use a database
}

var _ flow.SQL = (*Engine)(nil)

// leastMemory is what DuckDB needs to do anything at all.
const leastMemory = 16 << 20

// Open makes an engine. It starts no database yet.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.MemoryBytes < 0 || o.Threads < 0 {
		return nil, fault.New(BadOptions, "memory of %d bytes and %d threads: neither can be negative", o.MemoryBytes, o.Threads)
	}
	if o.MemoryBytes > 0 && o.MemoryBytes < leastMemory {
		o.MemoryBytes = leastMemory
	}
	if o.Threads == 0 {
		o.Threads = 1
	}
	for i, a := range o.Allowed {
		abs, err := filepath.Abs(a)
		if err != nil {
			return nil, fault.Wrap(err, BadOptions, "allowed path %q", a)
		}
		o.Allowed[i] = abs
	}
	dir, err := os.MkdirTemp(o.Scratch, "sql-")
	if err != nil {
		return nil, fault.Wrap(err, FileTrouble, "cannot make a scratch folder").WithHint("name a folder that exists and can be written")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fault.Wrap(err, FileTrouble, "scratch folder")
	}
	return &Engine{opts: o, scratch: dir}, nil
}

// Close ends the engine: it waits for calls under way, releases all memory
// and removes spilled data. Evaluators must be closed before it.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	e.open.Wait()
	for _, d := range []*database{e.rows, e.files, e.query} {
		if d != nil {
			d.close()
		}
	}
	if err := os.RemoveAll(e.scratch); err != nil {
		return fault.Wrap(err, FileTrouble, "cannot remove %s", e.scratch)
	}
	return nil
}

// enter counts a call in, so that Close waits for it.
func (e *Engine) enter() (leave func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, fault.New(EngineClosed, "the sql engine is closed")
	}
	e.open.Add(1)
	return e.open.Done, nil
}

// start opens a database with the settings that all share.
func (e *Engine) start(ctx context.Context, name string, threads int, more ...[2]string) (*database, error) {
	temp := filepath.Join(e.scratch, name)
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return nil, fault.Wrap(err, FileTrouble, "cannot make the scratch folder %s", temp)
	}
	settings := append([][2]string{
		{"threads", strconv.Itoa(threads)},
		{"temp_directory", temp},
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"allow_community_extensions", "false"},
	}, more...)
	if e.opts.MemoryBytes > 0 {
		settings = append(settings, [2]string{"memory_limit", fmt.Sprintf("%dB", e.opts.MemoryBytes)})
	}
	d, err := openDatabase(settings...)
	if err != nil {
		return nil, fault.Wrap(err, EngineFailed, "the sql engine does not start")
	}
	c, err := d.connect()
	if err == nil {
		err = c.exec(ctx, "SET GLOBAL TimeZone='UTC'", "SET GLOBAL ieee_floating_point_ops=false")
		c.close()
	}
	if err != nil {
		d.close()
		return nil, fault.Wrap(err, EngineFailed, "the sql engine does not start")
	}
	return d, nil
}

// rowDatabase is the database of expressions. Its scans keep all columns of
// their view: DuckDB's Arrow scan would otherwise take the n-th column read
// for the n-th column there is.
func (e *Engine) rowDatabase(ctx context.Context) (*database, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rows == nil {
		d, err := e.start(ctx, "rows", 1, [2]string{"disabled_optimizers", "unused_columns"},
			[2]string{"enable_external_access", "false"})
		if err != nil {
			return nil, err
		}
		e.rows = d
	}
	return e.rows, nil
}

// fileDatabase is the database that reads text files. Its user calls done.
func (e *Engine) fileDatabase(ctx context.Context) (d *database, done func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.files == nil {
		d, err := e.start(ctx, "files", e.opts.Threads)
		if err != nil {
			return nil, nil, err
		}
		e.files = d
	}
	e.readers++
	return e.files, e.filesDone, nil
}

// filesDone ends the use of the file database. After a conversion it is closed
// when nobody uses it: DuckDB keeps the memory of its largest work until then.
func (e *Engine) filesDone() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.readers--
	if e.readers == 0 && e.converted && e.files != nil {
		e.files.close()
		e.files, e.converted = nil, false
	}
}

// largeWorkDone says that the file database holds memory worth giving back.
func (e *Engine) largeWorkDone() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.converted = true
}
