package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// words are misdeeds in what is said beside a batch, and in what is printed.
func words() map[string]func(*answer) error {
	// says answers as it should be, with other words.
	says := func(words func(*answer) string) func(*answer) error {
		return func(a *answer) error {
			header, body := encode(a.shape, a.values(a.twice...))
			a.send(header, body, words(a))
			return nil
		}
	}
	return map[string]func(*answer) error{
		"ack_wrong":    says(func(a *answer) string { a.seq++; return a.ack() }),
		"ack_ahead":    says(func(a *answer) string { a.seq += 4; return a.ack() }),
		"ack_old":      says(func(a *answer) string { a.seq--; return a.ack() }),
		"ack_negative": says(func(*answer) string { return `{"ack":-1}` }),
		"ack_text":     says(func(*answer) string { return `{"ack":"one"}` }),
		"ack_garbage":  says(func(*answer) string { return "\xff{" }),
		"ack_huge":     says(func(a *answer) string { return fmt.Sprintf(`{"ack":%d,"pad":%q}`, a.seq, strings.Repeat("p", 8<<10)) }),
		"ack_alone":    func(a *answer) error { a.send(nil, nil, a.ack()); return nil },
		"ack_first": func(a *answer) error { // the rows come behind it
			a.send(nil, nil, a.ack())
			a.part(a.values(a.twice...))
			return nil
		},
		"rejects": says(func(a *answer) string {
			return fmt.Sprintf(`{"ack":%d,"rejects":[{"row":0,"code":1,"message":"no"}]}`, a.seq)
		}),
		"metrics": says(func(a *answer) string { return fmt.Sprintf(`{"ack":%d,"metrics":{"seen":%d.5}}`, a.seq, len(a.twice)) }),
		// It counts, then ends at the first try.
		"metrics_exit_once": func(a *answer) error {
			a.send(nil, nil, `{"metrics":{"seen":1}}`)
			time.Sleep(50 * time.Millisecond) // so that the count arrives
			return deaths()["exit_once"](a)
		},
		// No misdeed: it counts batches itself, as the protocol says, and turns down
		// those that hold 13.
		"counts": func(a *answer) error {
			if slices.Contains(a.twice, 26) {
				return status.Error(codes.InvalidArgument, "thirteen")
			}
			a.seq = a.batches
			return a.good()
		},
		"metrics_wrong": says(func(a *answer) string { return fmt.Sprintf(`{"ack":%d,"metrics":{"a b":1}}`, a.seq) }),
		"metrics_text":  says(func(a *answer) string { return fmt.Sprintf(`{"ack":%d,"metrics":{"a":"b"}}`, a.seq) }),
		"metrics_endless": func(a *answer) error { // names, each another
			for i := 0; ; i++ {
				a.send(nil, nil, fmt.Sprintf(`{"metrics":{"n%d":1}}`, i))
			}
		},
		"words_endless": func(a *answer) error { // that say nothing
			for {
				a.send(nil, nil, `{}`)
			}
		},
		"prints": func(*answer) error {
			fmt.Println("see how far I am")
			forever()
			return nil
		},
		"flood": func(*answer) error {
			go func() {
				for {
					fmt.Println(strings.Repeat("x", 1<<10))
				}
			}()
			forever()
			return nil
		},
	}
}
