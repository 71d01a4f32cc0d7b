package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// deaths are the ways to give no answer.
func deaths() map[string]func(*answer) error {
	no := func(code codes.Code) func(*answer) error {
		return func(*answer) error { return status.Error(code, "said on purpose\x1b[31m") }
	}
	return map[string]func(*answer) error{
		"exit": func(*answer) error {
			fmt.Fprintln(os.Stderr, "out of ideas")
			os.Exit(7)
			return nil
		},
		"exit_once": func(a *answer) error {
			f, err := os.OpenFile(a.plugin.file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err == nil {
				must(f.Close())
				os.Exit(7)
			}
			return a.good()
		},
		"exit_every_other": func(a *answer) error { // each process serves one batch
			if a.seq > 1 {
				os.Exit(7)
			}
			return a.good()
		},
		"bind_drifts": func(*answer) error {
			os.Exit(7)
			return nil
		},
		"kill9": func(*answer) error {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			forever()
			return nil
		},
		"loud_exit": func(*answer) error {
			for i := range 3000 {
				fmt.Fprintf(os.Stderr, "line %d %s\n", i, strings.Repeat("z", 60))
			}
			os.Exit(1)
			return nil
		},
		"forks": func(a *answer) error { // a child that holds a stream
			child := exec.Command("sleep", "1000")
			child.Stderr = os.Stderr
			must(child.Start())
			if a.plugin.file != "" {
				must(os.WriteFile(a.plugin.file, []byte(strconv.Itoa(child.Process.Pid)), 0o600))
			}
			os.Exit(1)
			return nil
		},
		"forks_away": func(*answer) error { // a child of another group, that holds a stream for a while
			child := exec.Command("sleep", "2")
			child.Stderr = os.Stderr
			child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			must(child.Start())
			os.Exit(1)
			return nil
		},
		"hangs_up": func(a *answer) error { // and lives on
			go a.plugin.server.Stop()
			forever()
			return nil
		},
		"clears": func(a *answer) error { // its private folder
			err := os.RemoveAll(os.Getenv("TMPDIR"))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return a.good()
		},

		"hang": func(*answer) error { forever(); return nil },
		"spin": func(a *answer) error {
			for {
				a.seq++
			}
		},
		"shouts": func(*answer) error {
			for {
				fmt.Fprintln(os.Stderr, strings.Repeat("z", 1<<10))
			}
		},
		"trickle": func(a *answer) error {
			for {
				a.part(a.values())
			}
		},
		"signals_hang": func(*answer) error { // deaf to everything but the kill that none can refuse
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			forever()
			return nil
		},

		"aborted":     no(codes.Aborted),
		"data_loss":   no(codes.DataLoss),
		"internal":    no(codes.Internal),
		"unknown":     no(codes.Unknown),
		"invalid":     no(codes.InvalidArgument),
		"beyond":      no(codes.OutOfRange),
		"exhausted":   no(codes.ResourceExhausted),
		"unavailable": no(codes.Unavailable),
		"cancelled":   no(codes.Canceled),
		"deadline":    no(codes.DeadlineExceeded),
		"long_no": func(*answer) error {
			return status.Error(codes.Internal, strings.Repeat("said on purpose ", 1<<16))
		},
	}
}
