package flight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/featurehost/featurehost/abi"
)

const manifest = `{"abi":"1.0","name":"p","version":"1.2.0","kind":"map","doc":"Doubles.","input":{"columns":[]},"output":{"mode":"init"},
	"config_schema":{"type":"object"},"stateful":false,"deterministic":true}`

// A program that no host has started says what it is and what to do; one with
// a broken manifest says what is wrong with it. What a host sees is tested where
// the host is.
func TestServe_ByHand_Explains(t *testing.T) {
	t.Setenv(abi.CookieName, "")
	err := serve([]byte(manifest), nil)
	for _, says := range []string{"p 1.2.0", "Doubles.", `use = "p"`} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q in it", err, says)
		}
	}
	if err := serve([]byte(`{"abi":"1.0"}`), nil); err == nil || !strings.Contains(err.Error(), "manifest.json: ") {
		t.Errorf("got %v", err)
	}
}

// ABI-P-008: which status an error of Process becomes.
func TestRefusal_Statuses(t *testing.T) {
	panics := guarded(context.Background(), "Process", func(context.Context) error { panic("no") })
	for _, c := range []struct {
		err  error
		code codes.Code
	}{
		{DataError("row %d", 3), codes.InvalidArgument},
		{errors.New("any other"), codes.InvalidArgument},
		{fmt.Errorf("rows: %w", ErrMemory), codes.ResourceExhausted},
		{status.Error(codes.Aborted, "poison"), codes.Aborted},
		{panics, codes.Internal},
	} {
		if got := status.Code(refusal(c.err)); got != c.code {
			t.Errorf("%v: got %v, want %v", c.err, got, c.code)
		}
	}
}
