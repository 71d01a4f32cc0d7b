package process

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// ABI-P-003: with mtls a plugin gives the same rows, to its host and nobody else.
func TestStage_MTLS_SameRowsForTheHostAlone(t *testing.T) {
	in := flights(t, 5000)
	defer in.Release()
	m := load(t, newEngine(t), delayScores()["delay_score_flight"](t))
	plain, _ := open(t, m, Use{}, in.Record.Schema())
	want := run(t, plain, in)
	s, _ := open(t, m, Use{MTLS: true}, in.Record.Schema())
	if got := run(t, s, in); got != want {
		t.Error("other rows come out")
	}
	inside := s.shared.pool.pop()
	defer s.shared.pool.put(inside)
	for name, trust := range map[string]credentials.TransportCredentials{
		"plain":               insecure.NewCredentials(),
		"without certificate": credentials.NewTLS(&tls.Config{ServerName: "localhost", RootCAs: inside.proc.TLS().RootCAs, MinVersion: tls.VersionTLS13}),
		"other certificate":   credentials.NewTLS(&tls.Config{ServerName: "localhost", RootCAs: inside.proc.TLS().RootCAs, Certificates: foreign(t, m, in.Record.Schema()), MinVersion: tls.VersionTLS13}),
	} {
		if err := call(t, inside.proc.Socket(), trust); err == nil {
			t.Errorf("%s: a stranger was served", name)
		}
	}
	if err := call(t, inside.proc.Socket(), credentials.NewTLS(inside.proc.TLS())); err != nil {
		t.Errorf("the host: %v", err)
	}
}

// foreign gives the certificate of another start.
func foreign(t *testing.T, m *Module, in *flow.Schema) []tls.Certificate {
	s, _ := open(t, m, Use{MTLS: true}, in)
	other := s.shared.pool.pop()
	defer s.shared.pool.put(other)
	return other.proc.TLS().Certificates
}

// call asks a plugin for its health.
func call(t *testing.T, socket string, trust credentials.TransportCredentials) error {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(trust), grpc.WithNoProxy())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	stream, err := flight.NewFlightServiceClient(conn).DoAction(ctx, &flight.Action{Type: "featurehost.health"})
	if err == nil {
		_, err = stream.Recv()
	}
	return err
}

// An SDK that knows no certificates says so.
func TestStage_MTLS_PythonRefuses(t *testing.T) {
	in := flights(t, 1)
	defer in.Release()
	s := impatient(load(t, newEngine(t), delayScores()["delay_score_py"](t)).Stage(Use{MTLS: true}, hosttestEnv(t)))
	defer s.Close()
	if _, err := s.Open(t.Context(), in.Record.Schema()); !fault.Is(err, abi.CodeHandshake) || !strings.Contains(err.Error(), "knows no mutual TLS") {
		t.Errorf("got %v", err)
	}
}
