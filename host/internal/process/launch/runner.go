package launch

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/hashicorp/go-plugin/runner"
)

// run is a Process as go-plugin sees one: it is shown the handshake and
// nothing else, for its own way of reading the streams can be stopped by a long
// line, and its own way of ending a program leaves the program's children.
type run struct {
	*Process
	line  io.ReadCloser
	start func() error
}

var _ runner.Runner = (*run)(nil)

// Start implements runner.Runner.
func (r *run) Start(context.Context) error { return r.start() }

// Stdout implements runner.Runner.
func (r *run) Stdout() io.ReadCloser { return r.line }

// Stderr implements runner.Runner.
func (r *run) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Wait implements runner.Runner.
func (r *run) Wait(context.Context) error { <-r.done; return nil }

// Kill implements runner.Runner.
func (r *run) Kill(context.Context) error { r.end(); return nil }

// ID implements runner.Runner.
func (r *run) ID() string { return strconv.Itoa(r.PID()) }

// Name implements runner.Runner.
func (r *run) Name() string { return r.cmd.Path }

// Diagnose implements runner.Runner.
func (r *run) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.AddrTranslator.
func (r *run) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin implements runner.AddrTranslator.
func (r *run) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
