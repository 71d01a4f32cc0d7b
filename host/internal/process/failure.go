package process

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// deathGrace is how long a broken connection waits for the process to be found
// dead: the socket closes before the process has ended.
const deathGrace = 500 * time.Millisecond

// unbound makes a fault of an action that failed before the first batch.
func (s *session) unbound(ctx context.Context, action string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if dead := s.dead(err); dead != nil {
		return dead
	}
	st := status.Convert(err)
	code := fault.Code(abi.CodeInit)
	if st.Code() == codes.InvalidArgument && action == "featurehost.bind" {
		code = abi.CodeConfig
	}
	if st.Code() == codes.DeadlineExceeded {
		return fault.New(code, "the plugin did not answer %s within %v", action, s.plan.timeouts.action)
	}
	return fault.New(code, "the plugin refused to start (%s, %v): %s", action, st.Code(), clip(st.Message()))
}

// failed makes a fault of a batch that failed (ABI-P-008). alive says that the
// process may serve another: it said no in words, and nothing it did broke the
// rules.
func (s *session) failed(ctx context.Context, err error) (failure error, alive bool) {
	if fault.As(err) != nil {
		return err, false
	}
	what := "batch"
	if s.flushing {
		what = "flush"
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err(), false
	case s.late.Load() && s.flushing:
		return contract.Refusal(abi.CodeDeadline, "the plugin did not answer the flush within %v, and was killed%s", s.plan.limits.Timeout, s.proc.Words().Last()).
			WithHint("raise the stage's limits.timeout if it needs that long for each answer; else it hangs"), false
	case s.late.Load():
		return contract.Refusal(abi.CodeDeadline, "the plugin did not acknowledge the batch within %v, and was killed%s", s.plan.limits.Timeout, s.proc.Words().Last()).
			WithHint("raise the stage's limits.timeout or lower limits.max_batch_rows if it needs that long; else it hangs on these rows"), false
	}
	if dead := s.dead(err); dead != nil {
		return dead, false
	}
	st, ok := status.FromError(err)
	said := clip(st.Message())
	switch code := st.Code(); {
	case !ok:
		return fault.Wrap(err, abi.CodeStream, "the stream to the plugin broke"), false
	case tooLarge(st):
		return contract.Refusal(abi.CodeMessage, "a message is larger than allowed: %s", said).
			WithHint("a plugin may answer a batch with several messages; the limit is max_message_bytes of its manifest, else 3 MiB"), false
	case code == codes.InvalidArgument, code == codes.OutOfRange:
		return contract.Refusal(abi.CodeData, "the plugin rejected the %s: %s", what, said), true
	case code == codes.ResourceExhausted, s.outOfMemory():
		return contract.Refusal(abi.CodeMemory, "the plugin has no memory for the %s: %s", what, said), true
	case code == codes.DeadlineExceeded:
		return contract.Refusal(abi.CodeDeadline, "the plugin gave up on the %s: %s", what, said), false
	case code == codes.Internal && strings.HasPrefix(said, "stream terminated"):
		return contract.Refusal(abi.CodeStream, "the stream to the plugin broke: %s", said), false
	case code != codes.Unavailable && code != codes.Canceled:
		return contract.Refusal(abi.CodeBadBatch, "the plugin failed on the %s (%v): %s", what, code, said), true
	default:
		return contract.Refusal(abi.CodeStream, "the stream to the plugin broke (%v): %s", code, said), false
	}
}

// dead gives how the process ended, if it did, or the rule that it broke.
func (s *session) dead(err error) error {
	if broke := s.line.broke(); broke != nil {
		return broke
	}
	wait := time.Duration(0)
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled:
		wait = deathGrace
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-s.proc.Done():
		return s.proc.Death()
	case <-t.C:
		return s.proc.Broke()
	}
}

// outOfMemory tells whether the stream ended for want of memory in the way of
// Arrow's C++ and Python, which have no gRPC code for it: a trailer with Arrow's
// own code.
func (s *session) outOfMemory() bool {
	if s.stream == nil {
		return false
	}
	said := s.stream.Trailer().Get("x-arrow-status")
	return len(said) > 0 && said[0] == "1"
}

// tooLarge tells gRPC's own refusal of a message, ours or the plugin's, from a
// plugin without memory: they share a code.
func tooLarge(s *status.Status) bool {
	return s.Code() == codes.ResourceExhausted && strings.Contains(strings.ToLower(s.Message()), "message larger than max")
}

// clip bounds and cleans what a plugin says. A Python plugin's traceback is
// left out: it is in the log.
func clip(s string) string {
	const most = 2 << 10
	s, _, _ = strings.Cut(s, ". Detail: Python exception:")
	if len(s) > most {
		s = s[:most] + "..."
	}
	return contract.Indent(strings.TrimSpace(contract.Printable([]byte(s))))
}
