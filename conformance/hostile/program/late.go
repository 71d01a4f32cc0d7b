package main

import (
	"os"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// late are misdeeds behind a good answer.
func late() map[string]func(*answer) error {
	then := func(do func(*answer) error) func(*answer) error {
		return func(a *answer) error {
			if err := a.good(); err != nil {
				return err
			}
			return do(a)
		}
	}
	soon := func(do func()) func(*answer) error {
		return then(func(*answer) error {
			go func() { time.Sleep(50 * time.Millisecond); do() }()
			return nil
		})
	}
	return map[string]func(*answer) error{
		"exit_after": soon(func() { os.Exit(5) }),
		"stop_after": soon(func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }),
		"end_after":  then(func(*answer) error { return errEnd }),
		"no_after":   then(func(*answer) error { return status.Error(codes.Internal, "said on purpose") }),
		"ack_twice":  then(func(a *answer) error { a.send(nil, nil, a.ack()); return nil }),
		// All acknowledgements come before their rows: of filters.
		"rows_behind":   func(a *answer) error { a.send(nil, nil, a.ack()); a.part(a.values(a.twice...)); return nil },
		"ack_early":     then(func(a *answer) error { a.seq++; a.send(nil, nil, a.ack()); return nil }),
		"batch_after":   then(func(a *answer) error { a.part(a.values(1)); return nil }),
		"garbage_after": then(func(a *answer) error { a.send([]byte("garbage"), nil, ""); return nil }),
		"rows_after":    then(func(a *answer) error { a.part(numbers(0)); return nil }),
		"schema_after":  then(func(a *answer) error { a.schema(a.shape); return nil }),
	}
}
