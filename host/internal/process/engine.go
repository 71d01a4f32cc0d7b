package process

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/process/launch"
	"github.com/featurehost/featurehost/host/internal/regular"
)

// Options of an Engine. Zero fields take the default.
type Options struct {
	// TempDir is where the private folders of processes are made; default the
	// system's. A path that is too long for a socket falls back to /tmp.
	TempDir string
	// StartTimeout is how long a program may take to its handshake; default 20 s.
	StartTimeout time.Duration
	// BindTimeout is how long it may take to describe itself, and to bind; default
	// 20 s each.
	BindTimeout time.Duration
	// ShutdownTimeout is how long it may take to end when asked to; default 5 s.
	ShutdownTimeout time.Duration
	// Env names further variables of the host's environment that plugins are
	// given, beside PATH, LANG, LC_ALL, LC_CTYPE and TZ.
	Env []string
	// LogLevel tells plugins how much to write to stderr; default "info".
	LogLevel string
}

// Engine starts the programs of plugins and ends them. It is safe for
// concurrent use.
type Engine struct {
	options Options

	mu      sync.Mutex
	starter *launch.Starter // made when it is first needed
	closed  bool
}

// NewEngine makes an engine; it starts nothing yet.
func NewEngine(o Options) *Engine {
	o.StartTimeout = cmp.Or(o.StartTimeout, 20*time.Second)
	o.BindTimeout = cmp.Or(o.BindTimeout, 20*time.Second)
	o.ShutdownTimeout = cmp.Or(o.ShutdownTimeout, 5*time.Second)
	o.LogLevel = cmp.Or(o.LogLevel, "info")
	return &Engine{options: o}
}

// Close ends all processes that are left.
func (e *Engine) Close() error {
	e.mu.Lock()
	starter := e.starter
	e.starter, e.closed = nil, true
	e.mu.Unlock()
	if starter != nil {
		starter.Close()
	}
	return nil
}

// programs gives the thread that starts programs.
func (e *Engine) programs() (*launch.Starter, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errClosed
	}
	if e.starter == nil {
		launch.Sweep(e.options.TempDir)
		e.starter = launch.NewStarter()
	}
	return e.starter, nil
}

// environment is all that a plugin is given of the host's (ABI-P-001).
func (e *Engine) environment() []string {
	env := []string{"FEATUREHOST_LOG_LEVEL=" + e.options.LogLevel}
	for _, name := range append([]string{"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"}, e.options.Env...) {
		if value, there := os.LookupEnv(name); there {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Module is a process plugin that was found fit. It is safe for concurrent use
// and needs no closing; the engine's Close ends its processes.
type Module struct {
	engine   *Engine
	manifest *abi.Manifest
	text     []byte // of the manifest
	program  string
	digest   string
}

// Load reads the manifest of a plugin folder NAME and finds its program NAME.
// It runs nothing. The digest is that of the folder as it was found; it is shown
// in messages, and may be empty.
func (e *Engine) Load(folder, digest string) (*Module, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fault.Wrap(err, abi.CodeManifest, "the plugin folder cannot be found")
	}
	text, err := readManifest(filepath.Join(folder, "manifest.json"))
	if err != nil {
		return nil, fault.Wrap(err, abi.CodeManifest, "the manifest of a process plugin cannot be read")
	}
	m, err := abi.ParseManifest(text)
	if err != nil {
		return nil, contract.FromABI(err)
	}
	program := filepath.Join(folder, m.Name)
	info, err := os.Stat(program)
	switch {
	case err != nil:
		return nil, contract.Refusal(abi.CodeManifest, "the plugin has no program %q", program).
			WithHint("build it; the program of a process plugin has the plugin's name and lies beside manifest.json")
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return nil, contract.Refusal(abi.CodeManifest, "%q cannot be executed: its mode is %v", program, info.Mode()).WithHint("chmod +x it")
	}
	return &Module{engine: e, manifest: m, text: text, program: program, digest: digest}, nil
}

// readManifest reads no more than a manifest may have; one that is larger is
// refused where it is parsed.
func readManifest(path string) ([]byte, error) {
	f, _, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, abi.MaxManifest+1))
}

// Manifest is what the plugin says of itself. It must not be changed.
func (m *Module) Manifest() *abi.Manifest { return m.manifest }

// Digest of the folder, as Load was told.
func (m *Module) Digest() string { return m.digest }
