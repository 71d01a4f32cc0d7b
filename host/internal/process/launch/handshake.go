package launch

import (
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// versions that a handshake names: of go-plugin's own protocol, and of ours.
const (
	coreVersion     = 1
	protocolVersion = 1
)

// greeted holds a handshake line against the rules (ABI-P-002): which socket
// below dir it names. go-plugin reads the line as well, and would connect
// wherever it points.
func greeted(line, dir string) (socket string, err error) {
	shown := string(printable([]byte(line[:min(len(line), 80)])))
	parts := strings.Split(strings.TrimRight(line, "\r\n"), "|")
	if len(parts) < 5 {
		return "", fault.New(abi.CodeHandshake, "the plugin began with %q, expected a handshake as in \"1|1|unix|/path|grpc|\"", shown).
			WithHint("nothing may be printed before the handshake")
	}
	for i, want := range []int{coreVersion, protocolVersion} {
		got, err := strconv.Atoi(parts[i])
		if err != nil {
			return "", fault.New(abi.CodeHandshake, "the handshake %q begins with no version", shown)
		}
		if got != want {
			return "", fault.New(abi.CodeProtocol, "the plugin speaks version %d of %s, this host %d", got, []string{"go-plugin's protocol", "the process protocol"}[i], want).
				WithHint("rebuild the plugin with an SDK of ABI %s, or use a host that speaks its version", abi.Current())
		}
	}
	switch {
	case parts[2] != "unix":
		return "", fault.New(abi.CodeHandshake, "the handshake names a socket of kind %q, expected \"unix\"", printable([]byte(parts[2])))
	case parts[4] != "grpc":
		return "", fault.New(abi.CodeProtocol, "the handshake names the protocol %q, expected \"grpc\"", printable([]byte(parts[4])))
	}
	socket = filepath.Clean(parts[3])
	if !strings.HasPrefix(socket, dir+string(filepath.Separator)) || len(socket) > maxSocket {
		return "", fault.New(abi.CodeHandshake, "the handshake names the socket %q, expected one in the folder of TMPDIR, of at most %d bytes", printable([]byte(parts[3])), maxSocket).
			WithHint("the plugin must make its socket in $TMPDIR")
	}
	return socket, nil
}

// greet takes the first line of stdout, or why there is none.
func (p *Process) greet(line string, err error) {
	socket := ""
	switch {
	case err == nil:
		socket, err = greeted(line, p.dir)
	case len(line) == maxHandshake:
		err = fault.New(abi.CodeHandshake, "the plugin's first line is longer than %d bytes", maxHandshake)
	case line != "":
		err = fault.New(abi.CodeHandshake, "the plugin ended in the middle of its handshake, after %q", printable([]byte(line[:min(len(line), 80)])))
	default:
		err = fault.New(abi.CodeHandshake, "the plugin ended before its handshake")
	}
	p.mu.Lock()
	if !p.killed {
		p.refusal, p.addr = err, socket
	}
	p.mu.Unlock()
	if err == nil {
		_, _ = p.hand.Write([]byte(line))
	}
	_ = p.hand.Close()
}

// negotiate starts the program by go-plugin, which gives it the variables of
// its handshake and reads its answer.
func (p *Process) negotiate(s *Starter, spec Spec) error {
	var failed error // to start
	r, w := io.Pipe()
	p.hand = w
	defer r.Close() //nolint:errcheck // of a pipe in memory
	config := &plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: protocolVersion, MagicCookieKey: abi.CookieName, MagicCookieValue: abi.CookieValue},
		Plugins:          plugin.PluginSet{},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		SkipHostEnv:      true, // else all that the host's environment holds
		StartTimeout:     spec.Timeout,
		Logger:           hclog.NewNullLogger(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.dir},
		RunnerFunc: func(_ hclog.Logger, given *exec.Cmd, _ string) (runner.Runner, error) {
			p.cmd.Env = append(p.cmd.Env, given.Env...)
			return &run{Process: p, line: r, start: func() error { failed = p.run(s); return failed }}, nil
		},
	}
	_, err := plugin.NewClient(config).Start()
	p.mu.Lock()
	refusal, socket := p.refusal, p.addr
	p.mu.Unlock()
	switch {
	case failed != nil:
		return fault.Wrap(failed, abi.CodeHandshake, "the program cannot be started")
	case refusal != nil:
		return refusal
	case err != nil && socket == "":
		return fault.New(abi.CodeStart, "the plugin gave no handshake within %v", spec.Timeout)
	case err != nil:
		return fault.Wrap(err, abi.CodeHandshake, "the handshake was refused")
	}
	return nil
}

// refused adds to the failure of a start what is known of the program.
func (p *Process) refused(spec Spec, err error) error {
	e := fault.As(err)
	if e == nil {
		return err
	}
	if words := p.tail.words(); words.Text != "" {
		e.Message += words.Last()
		e.Err = words
	}
	if e.Hint == "" {
		e.Hint = notes(spec.Path)
	} else {
		e.Hint += "; " + notes(spec.Path)
	}
	return e
}
