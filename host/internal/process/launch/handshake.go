package launch

import (
	"crypto/x509"
	"encoding/base64"
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
	"github.com/featurehost/featurehost/host/internal/contract"
)

// versions that a handshake names: of go-plugin's own protocol, and of ours.
const (
	coreVersion     = 1
	protocolVersion = 1
)

// certificatePart is the field of a handshake that holds the plugin's
// certificate.
const certificatePart = 5

// greeted holds a handshake line against the rules (ABI-P-002): which socket
// below dir it names. known is what go-plugin, which reads the line as well, is
// shown of it: nothing but what was looked at, for it would connect wherever a
// line points, and breaks down on a certificate that nobody asked for.
func greeted(line, dir string, mtls bool) (socket, known string, err error) {
	shown := contract.Printable([]byte(line[:min(len(line), 80)]))
	parts := strings.Split(strings.TrimRight(line, "\r\n"), "|")
	if len(parts) < certificatePart {
		return "", "", fault.New(abi.CodeHandshake, "the plugin began with %q, expected a handshake as in \"1|1|unix|/path|grpc|\"", shown).
			WithHint("nothing may be printed before the handshake")
	}
	for i, want := range []int{coreVersion, protocolVersion} {
		got, err := strconv.Atoi(parts[i])
		if err != nil {
			return "", "", fault.New(abi.CodeHandshake, "the handshake %q begins with no version", shown)
		}
		if got != want {
			return "", "", fault.New(abi.CodeProtocol, "the plugin speaks version %d of %s, this host %d", got, []string{"go-plugin's protocol", "the process protocol"}[i], want).
				WithHint("rebuild the plugin with an SDK of ABI %s, or use a host that speaks its version", abi.Current())
		}
	}
	switch {
	case parts[2] != "unix":
		return "", "", fault.New(abi.CodeHandshake, "the handshake names a socket of kind %q, expected \"unix\"", contract.Printable([]byte(parts[2])))
	case parts[4] != "grpc":
		return "", "", fault.New(abi.CodeProtocol, "the handshake names the protocol %q, expected \"grpc\"", contract.Printable([]byte(parts[4])))
	}
	socket = filepath.Clean(parts[3])
	if !strings.HasPrefix(socket, dir+string(filepath.Separator)) || len(socket) > maxSocket {
		return "", "", fault.New(abi.CodeHandshake, "the handshake names the socket %q, expected one in the folder of TMPDIR, of at most %d bytes", contract.Printable([]byte(parts[3])), maxSocket).
			WithHint("the plugin must make its socket in $TMPDIR")
	}
	known = strings.Join(parts[:certificatePart], "|") + "|"
	if mtls {
		if err := certified(parts); err != nil {
			return "", "", err
		}
		known += parts[certificatePart]
	}
	return socket, known + "\n", nil
}

// certified refuses a handshake without a certificate.
func certified(parts []string) error {
	why := "names none"
	if len(parts) > certificatePart && parts[certificatePart] != "" {
		der, err := base64.RawStdEncoding.DecodeString(parts[certificatePart])
		if err == nil {
			_, err = x509.ParseCertificate(der)
		}
		if err == nil {
			return nil
		}
		why = "holds what is none: " + err.Error()
	}
	return fault.New(abi.CodeHandshake, "the stage asks for mtls, and the handshake must end in the plugin's certificate; it %s", why).
		WithHint("build the plugin with an SDK that knows mutual TLS, as that for Go, or leave mtls out")
}

// greet takes the first line of stdout, or why there is none.
func (p *Process) greet(line string, err error) {
	var socket, known string
	switch {
	case err == nil:
		socket, known, err = greeted(line, p.dir, p.mtls)
	case len(line) == maxHandshake:
		err = fault.New(abi.CodeHandshake, "the plugin's first line is longer than %d bytes", maxHandshake)
	case line != "":
		err = fault.New(abi.CodeHandshake, "the plugin ended in the middle of its handshake, after %q", contract.Printable([]byte(line[:min(len(line), 80)])))
	default:
		err = fault.New(abi.CodeHandshake, "the plugin ended before its handshake")
	}
	p.mu.Lock()
	if !p.killed {
		p.refusal, p.addr = err, socket
	}
	p.mu.Unlock()
	if err == nil {
		_, _ = p.hand.Write([]byte(known))
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
		AutoMTLS:         spec.MTLS,
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
	p.tls = config.TLSConfig
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
