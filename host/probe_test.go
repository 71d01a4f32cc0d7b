package host_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host/flow"
)

// probing is a sink that can be asked about its servers.
type probing struct {
	flow.Sink
	probe func(context.Context) ([]flow.Finding, error)
}

func (p probing) Probe(ctx context.Context) ([]flow.Finding, error) { return p.probe(ctx) }

// All servers are asked at once, each within its time, whatever the others
// answer; the answers are in the order of the file.
func TestProbe_OneHangsOneFails_AllAnswered(t *testing.T) {
	s := newServers()
	hang := make(chan struct{})
	defer close(hang)
	fine := []flow.Finding{{Server: "kafka b:9092", OK: true, Text: "the topic t is there"}}
	text := several + "[[sink]]\nname = \"deaf\"\ntype = \"online\"\nstore = \"kafka\"\nbrokers = [\"b\"]\ntopic = \"u\"\n" +
		"[[sink]]\nname = \"slow\"\ntype = \"online\"\nstore = \"kafka\"\nbrokers = [\"b\"]\ntopic = \"w\"\n"
	s.probes = map[string]func(context.Context) ([]flow.Finding, error){
		"kafka":  func(context.Context) ([]flow.Finding, error) { return fine, nil },
		"shared": func(context.Context) ([]flow.Finding, error) { return fine, errors.New("no such keyspace") },
		"deaf":   func(context.Context) ([]flow.Finding, error) { <-hang; return nil, nil },
		"slow":   func(ctx context.Context) ([]flow.Finding, error) { <-ctx.Done(); return nil, ctx.Err() },
	}
	start := time.Now()
	found, err := hostOf(t, t.TempDir(), text, s).Probe(t.Context(), 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		word := "bad"
		if f.OK {
			word = "ok"
		}
		got = append(got, f.Part+" "+word+" "+f.Text)
	}
	want := []string{
		"sink kafka ok the topic t is there", "sink shared ok the topic t is there", "sink shared bad no such keyspace",
		"sink deaf bad no answer within 100ms", "sink slow bad no answer within 100ms: context deadline exceeded",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d := time.Since(start); d > 8*time.Second {
		t.Errorf("it took %s", d)
	}
}

func TestProbe_NoServerOrInterrupted(t *testing.T) {
	h := hostOf(t, t.TempDir(), several, newServers())
	if found, err := h.Probe(t.Context(), 0); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Probe(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
