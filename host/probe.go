package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// ProbeTime is how long the servers of one reader or sink may take to answer.
const ProbeTime = 10 * time.Second

// probesAtOnce bounds how many readers and sinks are probed at the same time.
const probesAtOnce = 8

// ServerFinding is what was found of a server that a reader or sink names.
type ServerFinding struct {
	Part string `json:"part"` // as in `reader clicks`
	flow.Finding
}

// Probe asks every server that the pipeline's readers and sinks name whether it
// would let them in, at the same time and without touching data. All are asked,
// whatever the others answer; the findings are in the order of the file. A part
// that names no server says nothing. patience is given to each; 0 means ProbeTime.
func (h *Host) Probe(ctx context.Context, patience time.Duration) (out []ServerFinding, err error) {
	if patience == 0 {
		patience = ProbeTime
	}
	s, err := h.session(ctx, &observe.Events{}, nil, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	type part struct {
		name string
		open func() (io.Closer, error)
	}
	var list []part
	catalog := h.options.Catalog
	for _, r := range h.file.Readers {
		list = append(list, part{"reader " + r.ID, func() (io.Closer, error) {
			made, ok := catalog.Readers[r.Type]
			if !ok {
				return nil, fmt.Errorf("this build has no reader of type %q", r.Type)
			}
			return made(r, s.place(), s.env(r.ID))
		}})
	}
	for _, x := range h.file.Sinks {
		list = append(list, part{"sink " + x.Name, func() (io.Closer, error) {
			made, ok := catalog.Sinks[x.Type]
			if !ok {
				return nil, fmt.Errorf("this build has no sink of type %q", x.Type)
			}
			return made(x, s.place(), s.env(x.Name))
		}})
	}
	found := make([][]flow.Finding, len(list))
	var g errgroup.Group
	g.SetLimit(probesAtOnce)
	for i, p := range list {
		g.Go(func() error {
			found[i] = probe(ctx, patience, p.open)
			return nil
		})
	}
	_ = g.Wait() // the findings say what went wrong
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i, p := range list {
		for _, f := range found[i] {
			out = append(out, ServerFinding{Part: p.name, Finding: f})
		}
	}
	return out, nil
}

// probe asks the servers of one part.
func probe(ctx context.Context, patience time.Duration, open func() (io.Closer, error)) []flow.Finding {
	trouble := func(err error) []flow.Finding { return []flow.Finding{{Text: err.Error()}} }
	made, err := open()
	if err != nil {
		return trouble(err)
	}
	p, ok := made.(flow.Prober)
	if !ok {
		_ = made.Close() // it holds nothing yet
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type answer struct {
		findings []flow.Finding
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		findings, err := p.Probe(ctx)
		answers <- answer{findings, errors.Join(err, made.Close())}
	}()
	select {
	case a := <-answers:
		switch {
		case a.err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return append(a.findings, late(patience, a.err))
		case a.err != nil:
			return append(a.findings, trouble(a.err)...)
		}
		return a.findings
	case <-ctx.Done():
	}
	// A probe that heeds its context says more than we can.
	select {
	case a := <-answers:
		if a.err != nil || len(a.findings) == 0 {
			return append(a.findings, late(patience, a.err))
		}
		return a.findings
	case <-time.After(time.Second):
		return []flow.Finding{late(patience, nil)}
	}
}

func late(patience time.Duration, err error) flow.Finding {
	f := flow.Finding{Text: fmt.Sprintf("no answer within %s", patience), Hint: "check the address, the network and that the server is up"}
	if err != nil {
		f.Text += ": " + err.Error()
	}
	return f
}
