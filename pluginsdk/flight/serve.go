package flight

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/featurehost/featurehost/abi"
)

// Serve runs the plugin until the host ends it or is gone. It does not return:
// it exits the program, with status 1 after a failure.
func Serve(manifest []byte, open Open) {
	if err := serve(manifest, open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// parentWatch is how often the program looks whether the host is still there,
// where the kernel does not tell.
const parentWatch = 2 * time.Second

func serve(manifest []byte, open Open) error {
	m, err := abi.ParseManifest(manifest)
	if err != nil {
		return fmt.Errorf("manifest.json: %w", err)
	}
	if os.Getenv(abi.CookieName) != abi.CookieValue {
		return fmt.Errorf("%s %s is a plugin for featurehost, which starts it itself.\n%s\nPut its folder, with manifest.json beside the program, into plugins/ and name it in a stage: use = %q",
			m.Name, m.Version, m.Doc, m.Name)
	}
	socket := filepath.Join(os.TempDir(), "flight.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	// Sends are the SDK's to bound; the host bounds what it sends.
	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window)}
	certificate := ""
	if host := os.Getenv(hostCertificate); host != "" {
		var creds credentials.TransportCredentials
		if creds, certificate, err = trust(host); err != nil {
			return err
		}
		options = append(options, grpc.Creds(creds))
	}
	server := grpc.NewServer(options...)
	p := &plugin{manifest: manifest, name: m.Name, kind: m.Kind, most: m.MaxMessageBytes, open: open, handles: map[string]*bound{}}
	p.stop = func() { go quit(server) }
	if p.most == 0 {
		p.most = defaultMessage
	}
	flight.RegisterFlightServiceServer(server, p)
	parent := os.Getppid()
	go func() {
		for os.Getppid() == parent {
			time.Sleep(parentWatch)
		}
		os.Exit(1)
	}()
	if _, err := fmt.Fprintf(os.Stdout, "1|1|unix|%s|grpc|%s\n", socket, certificate); err != nil {
		return err
	}
	if err := quiet(); err != nil {
		return err
	}
	return server.Serve(listener)
}

const (
	// window is what may be under way unread: a message and more.
	window = 4 << 20
	// defaultMessage is the largest message where the manifest says nothing.
	defaultMessage = 3 << 20
	// lastCalls is how long calls under way have when the host wants the end.
	lastCalls = 2 * time.Second
)

// quit ends the server in good order, or soon.
func quit(server *grpc.Server) {
	time.AfterFunc(lastCalls, server.Stop)
	server.GracefulStop()
}

// compact compacts a manifest for an answer.
func compact(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return b
	}
	return out.Bytes()
}

// guarded runs what calls the plugin's own code and turns a panic into a status.
func guarded(ctx context.Context, what string, f func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked(what, r)
		}
	}()
	return f(ctx)
}
