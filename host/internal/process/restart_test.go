package process

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// keeper gives a supervisor with a clock of its own, and the waits it made.
func keeper() (s *supervisor, now *time.Time, waits *[]time.Duration) {
	s = newSupervisor()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var slept []time.Duration
	s.clock = func() time.Time { return at }
	s.sleep = func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }
	return s, &at, &slept
}

// ABI-P-011: waits double, with some chance in them, until the circuit opens.
func TestSupervisor_Waits_Double(t *testing.T) {
	s, _, waits := keeper()
	why := errors.New("why")
	for range mostRestarts - 1 {
		if err := s.wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.charge(why)
	}
	for i, d := range *waits {
		if most := firstWait << i; d < most/2 || d >= most {
			t.Errorf("wait %d is %v, want %v to %v", i, d, most/2, most)
		}
	}
	if err := s.wait(context.Background()); err != nil { // the last before the circuit opens
		t.Fatal(err)
	}
	s.charge(why)
	if err := s.wait(context.Background()); !fault.Is(err, abi.CodeCircuit) {
		t.Errorf("got %v", err)
	}
}

// ABI-P-011, ABI-W-072: five within ten minutes stop the stage; spread wider
// they do not.
func TestSupervisor_FiveInTenMinutes_Opens(t *testing.T) {
	s, now, _ := keeper()
	for range 20 {
		s.charge(errors.New("spread"))
		*now = now.Add(151 * time.Second)
	}
	if err := s.opened(); err != nil {
		t.Fatalf("four within ten minutes opened the circuit: %v", err)
	}
	for range 5 {
		s.charge(errors.New("a burst"))
	}
	err := s.wait(context.Background())
	if !fault.Is(err, abi.CodeCircuit) || !strings.Contains(err.Error(), "a burst") {
		t.Errorf("got %v", err)
	}
	if a, b := s.opened(), s.opened(); a == b {
		t.Error("two callers share an error, to which each adds its place")
	}
}

// A wait ends with its context.
func TestSupervisor_Wait_Cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := newSupervisor()
	s.charged = []time.Time{time.Now(), time.Now(), time.Now(), time.Now()}
	if err := s.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
