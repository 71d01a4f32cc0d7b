package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

// verb is one command: how it is called and what it does.
type verb struct {
	name  string
	usage string // arguments, as help prints them
	short string
	run   func(ctx context.Context, c *call) error
}

// call is one invocation of a verb.
type call struct {
	verb           verb
	args           []string // as typed, after the verb
	stdout, stderr io.Writer
	json           bool
	result         any    // what --json prints
	summary        string // one line
	// redact hides what the pipeline file took from the environment; nil
	// before one is read.
	redact func(string) string
}

// failed is an outcome that is no error of the verb itself: it did its work and
// the answer is no. Its code is the exit status.
type failed struct{ status int }

func (f failed) Error() string { return fmt.Sprintf("exit status %d", f.status) }

func verbs() []verb {
	return []verb{
		runVerb(), checkVerb(), planVerb(), getVerb(), migrateVerb(), testVerb(), explainVerb(),
		pluginVerb(), deadletterVerb(), doctorVerb(), versionVerb(),
	}
}

// doMain runs one command and gives its exit status.
func doMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		help(stdout)
		if len(args) == 0 {
			return int(fault.Usage)
		}
		return 0
	}
	if args[0] == "--version" || args[0] == "-version" {
		args = append([]string{"version"}, args[1:]...)
	}
	var names []string
	for _, v := range verbs() {
		if v.name == args[0] {
			return execute(ctx, &call{verb: v, args: args[1:], stdout: stdout, stderr: stderr})
		}
		names = append(names, v.name)
	}
	fmt.Fprintf(stderr, "featurehost: unknown command %q%s\n", args[0], didYouMean(args[0], names))
	return int(fault.Usage)
}

func didYouMean(got string, names []string) string {
	if s := fault.Suggest(got, names); s != "" {
		return fmt.Sprintf(": did you mean %q?", s)
	}
	return "; `featurehost help` lists them"
}

func help(w io.Writer) {
	fmt.Fprintln(w, "featurehost computes machine-learning features from pipeline files.")
	fmt.Fprintln(w)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  featurehost %-44s %s\n", strings.TrimSpace(v.name+" "+v.usage), v.short)
	}
	fmt.Fprintln(w, "\nEvery command takes --json (one object on stdout) and -h. Exit status: 0 done, 1 data, 2 usage, 3 system.")
}

// execute runs a verb under signal handling and prints its outcome.
func execute(ctx context.Context, c *call) int {
	// A command line that cannot be read is told as it was asked for, too.
	c.json = slices.Contains(c.args, "--json") || slices.Contains(c.args, "-json")
	ctx, caught, stop := withSignals(ctx)
	defer stop()
	err := c.verb.run(ctx, c)
	status := 0
	var no failed
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		err = nil
	case errors.As(err, &no):
		status, err = no.status, nil
	default:
		status = int(fault.ClassOf(err))
	}
	if s := caught(); s != 0 && stopped(err) {
		status = 128 + int(s)
	}
	if c.json {
		printJSON(c, status, err)
	} else if err != nil {
		fmt.Fprintln(c.stderr, c.hide(err.Error()))
	}
	return status
}

// stopped tells whether a command ended because of a signal, and left nothing
// behind. A run that was publishing and a table that was being changed go on to
// their end: an error of theirs keeps its own status, since there is something
// to complete.
func stopped(err error) bool {
	if fault.Is(err, host.Interrupted) {
		return true
	}
	return errors.Is(err, context.Canceled) && !fault.Is(err, host.PublishFailed) && !fault.Is(err, host.MigrateFailed)
}

// hide redacts a text for people and logs.
func (c *call) hide(text string) string {
	if c.redact == nil {
		return text
	}
	return c.redact(text)
}

// withSignals cancels the context at the first Ctrl-C or SIGTERM; a second one
// ends the process at once. caught tells which signal came, or 0.
func withSignals(parent context.Context) (ctx context.Context, caught func() syscall.Signal, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	// A file that reaches a limit of its size is a full disk, told by the write;
	// the signal would kill the process when a thread of DuckDB gets it.
	signal.Ignore(syscall.SIGXFSZ)
	// A reader of our output that goes away (`| head`) is no reason to leave
	// scratch files behind: writes fail instead, and the verb ends by itself.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var mu sync.Mutex
	var first syscall.Signal
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				mu.Lock()
				again := first != 0
				first, _ = s.(syscall.Signal)
				n := first
				mu.Unlock()
				if again {
					os.Exit(128 + int(n))
				}
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() syscall.Signal { mu.Lock(); defer mu.Unlock(); return first },
		func() { signal.Stop(signals); close(done); cancel() }
}

// envelope is what --json prints.
type envelope struct {
	Command string     `json:"command"`
	OK      bool       `json:"ok"`
	Summary string     `json:"summary"`
	Result  any        `json:"result"`
	Error   *jsonError `json:"error"`
}

type jsonError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Place   string `json:"place,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Retry   bool   `json:"retry"`
	// Problems are all that is wrong with a pipeline file, in its order.
	Problems []jsonError `json:"problems,omitempty"`
}

// problems lists what is wrong with a pipeline file.
func problems(err error) []jsonError {
	var all *config.Problems
	if !errors.As(err, &all) {
		return nil
	}
	var out []jsonError
	for _, p := range all.List {
		f := p.Fault()
		out = append(out, jsonError{Code: f.Code.String(), Message: f.Message, Place: f.Place, Hint: f.Hint, Retry: f.Retry})
	}
	return out
}

func printJSON(c *call, status int, err error) {
	name, _, _ := strings.Cut(c.verb.name, " ")
	e := envelope{Command: name, OK: status == 0, Summary: c.summary, Result: c.result}
	if err != nil {
		e.Error = &jsonError{Message: c.hide(err.Error())}
		if f := fault.As(err); f != nil {
			e.Error.Code, e.Error.Place, e.Error.Hint, e.Error.Retry = f.Code.String(), c.hide(f.Place), c.hide(f.Hint), f.Retry
		}
		e.Summary, _, _ = strings.Cut(e.Error.Message, "\n")
		e.Error.Problems = problems(err)
	}
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		fmt.Fprintln(c.stderr, err)
		return
	}
	fmt.Fprintf(c.stdout, "%s\n", b)
}

// sub is a command of a verb that has several.
type sub struct {
	name, usage, short string
	run                func(ctx context.Context, c *call) error
}

// one runs the command that the first argument names, and from then on the call
// is that command's.
func (c *call) one(ctx context.Context, subs []sub) error {
	if len(c.args) == 0 {
		return fault.New(BadFlag, "featurehost %s takes: %s", c.verb.name, c.verb.usage)
	}
	var names []string
	for _, s := range subs {
		if s.name == c.args[0] {
			c.args = c.args[1:]
			c.verb.name, c.verb.usage, c.verb.short = c.verb.name+" "+s.name, s.usage, s.short
			return s.run(ctx, c)
		}
		names = append(names, s.name)
	}
	if c.args[0] == "-h" || c.args[0] == "--help" {
		fmt.Fprintf(c.stdout, "usage: featurehost %s %s\n%s\n\n", c.verb.name, c.verb.usage, c.verb.short)
		for _, s := range subs {
			fmt.Fprintf(c.stdout, "  featurehost %s %s\n      %s\n", c.verb.name, strings.TrimSpace(s.name+" "+s.usage), s.short)
		}
		return nil
	}
	return fault.New(BadFlag, "unknown command \"%s %s\"%s", c.verb.name, c.args[0], didYouMean(c.args[0], names))
}

// flags makes the verb's flag set, with --json in it.
func (c *call) flags() *flag.FlagSet {
	f := flag.NewFlagSet(c.verb.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&c.json, "json", c.json, "print one JSON object on stdout")
	return f
}

// parse reads flags and arguments in any order; want says how many arguments
// there must be, -1 for one or more, -2 for any number.
func (c *call) parse(f *flag.FlagSet, want int) ([]string, error) {
	var positional []string
	rest := c.args
	for {
		if err := f.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				c.usage(f)
				return nil, err
			}
			message, suggested := flagMessage(err, f)
			e := fault.New(BadFlag, "%s", message)
			if !suggested {
				e = e.WithHint("`featurehost %s -h` lists the flags", c.verb.name)
			}
			return nil, e
		}
		rest = f.Args()
		if len(rest) == 0 {
			break
		}
		positional = append(positional, rest[0])
		rest = rest[1:]
	}
	if (want >= 0 && len(positional) != want) || (want == -1 && len(positional) == 0) {
		return nil, fault.New(BadFlag, "featurehost %s takes: %s", c.verb.name, c.verb.usage)
	}
	return positional, nil
}

func flagMessage(err error, f *flag.FlagSet) (text string, suggested bool) {
	text = err.Error()
	const undefined = "flag provided but not defined: -"
	if name, ok := strings.CutPrefix(text, undefined); ok {
		var names []string
		f.VisitAll(func(x *flag.Flag) { names = append(names, x.Name) })
		text = fmt.Sprintf("unknown flag --%s", strings.TrimPrefix(name, "-"))
		if s := fault.Suggest(strings.TrimPrefix(name, "-"), names); s != "" {
			return text + fmt.Sprintf(": did you mean --%s?", s), true
		}
	}
	return text, false
}

func (c *call) usage(f *flag.FlagSet) {
	fmt.Fprintf(c.stdout, "usage: featurehost %s %s\n%s\n\n", c.verb.name, c.verb.usage, c.verb.short)
	f.VisitAll(func(x *flag.Flag) {
		def := ""
		if x.DefValue != "" && x.DefValue != "false" {
			def = " (default " + x.DefValue + ")"
		}
		fmt.Fprintf(c.stdout, "  --%-12s %s%s\n", x.Name, x.Usage, def)
	})
}
