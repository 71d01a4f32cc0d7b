package crash

import (
	"context"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// ABI-E-003: what is done about each failure of a plugin that is a process. A
// handshake that fails, an acknowledgement that lies and a word on stdout are
// the plugin's own, whatever the rows.
func TestPolicy_ProcessFailures_Remedies(t *testing.T) {
	for code, want := range map[fault.Code]remedy{
		abi.CodeHandshake: none, abi.CodeProtocol: none, abi.CodeStart: none,
		abi.CodeExited: retry, abi.CodeDeadline: retry, abi.CodeStream: retry,
		abi.CodeMessage: split, abi.CodeBadBatch: retry,
		abi.CodeAck: none, abi.CodeStdout: none, abi.CodeKilled: none, abi.CodeCircuit: none,
	} {
		if got := remedyFor(fault.New(code, "")); got != want {
			t.Errorf("%v: remedy %d, want %d", code, got, want)
		}
	}
}

// poisoned is a worker that fails with a code on every batch that holds row 5,
// or, where most is set, on every batch of more rows than that.
type poisoned struct {
	Worker
	code  fault.Code
	most  int64
	tries int
	fresh int
}

func (p *poisoned) Most(in flow.Batch) int64 { return in.Rows() }

func (p *poisoned) Do(_ context.Context, in flow.Batch, fresh bool) ([]flow.Batch, error) {
	p.tries++
	if fresh {
		p.fresh++
	}
	bad := in.Position.Row <= 5 && 5 < in.Position.Row+in.Rows()
	if p.most > 0 && in.Rows() > p.most || p.most == 0 && bad {
		return nil, fault.New(p.code, "bad")
	}
	in.Retain()
	return []flow.Batch{in}, nil
}

// ABI-E-003: a batch that a process dies, hangs, breaks its stream or fails on
// is cut down to the row at fault, and the others pass.
func TestPolicy_ProcessDeath_Bisected(t *testing.T) {
	rows := []string{"0", "1", "2", "3", "4", "5", "6", "7"}
	for _, code := range []fault.Code{abi.CodeExited, abi.CodeDeadline, abi.CodeStream, abi.CodeBadBatch} {
		w := &poisoned{code: code}
		_, rejected, counts := hosttest.Env(t)
		s := Guard(w, Settings{Name: "s", Policy: DeadLetter, Rejects: rejected, Counter: counts})
		in := hosttest.Batch(t, "x bigint", rows...)
		var got hosttest.Recorder
		if err := s.Process(context.Background(), in, got.Emit); err != nil {
			t.Fatal(err)
		}
		if text := got.Text(); text != "0\n1\n2\n3\n4\n6\n7\n" {
			t.Errorf("%v: passed\n%s", code, text)
		}
		if len(rejected.Rows) != 1 || rejected.Rows[0] != code.String()+": 5\n" {
			t.Errorf("%v: rejected %q", code, rejected.Rows)
		}
		if w.fresh != 2 {
			t.Errorf("%v: %d fresh processes, want one for the batch and one for the row", code, w.fresh)
		}
		got.Release()
		in.Release()
	}
}

// ABI-P-007: a batch too large for a message is cut, whatever the policy.
func TestPolicy_MessageTooLarge_Split(t *testing.T) {
	w := &poisoned{code: abi.CodeMessage, most: 2}
	s := Guard(w, Settings{Name: "s"})
	in := hosttest.Batch(t, "x bigint", "0", "1", "2", "3", "4")
	defer in.Release()
	var got hosttest.Recorder
	defer got.Release()
	if err := s.Process(context.Background(), in, got.Emit); err != nil {
		t.Fatal(err)
	}
	if text := got.Text(); text != "0\n1\n2\n3\n4\n" || w.fresh != 0 {
		t.Errorf("%d fresh, passed\n%s", w.fresh, text)
	}
}
