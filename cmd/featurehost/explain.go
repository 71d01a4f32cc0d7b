package main

import (
	"context"
	"fmt"

	"github.com/featurehost/featurehost/host/fault"
)

func explainVerb() verb {
	return verb{name: "explain", usage: "CODE", short: "what an error code means and what to do", run: explain}
}

type explained struct {
	Code    string `json:"code"`
	Title   string `json:"title"`
	Explain string `json:"explain"`
	Exit    int    `json:"exit"`
}

func explain(_ context.Context, c *call) error {
	args, err := c.parse(c.flags(), 1)
	if err != nil {
		return err
	}
	code, err := fault.ParseCode(args[0])
	if err != nil {
		return fault.Wrap(err, BadFlag, "cannot explain")
	}
	var names []string
	for _, d := range allCodes() {
		names = append(names, d.Code.String())
		if d.Code != code {
			continue
		}
		c.result = explained{d.Code.String(), d.Title, d.Explain, int(d.Code.Class())}
		c.summary = d.Title
		if !c.json {
			fmt.Fprintf(c.stdout, "%s: %s (exit status %d)\n\n%s\n", d.Code, d.Title, d.Code.Class(), d.Explain)
		}
		return nil
	}
	return fault.New(BadFlag, "there is no code %s%s", code, didYouMean(code.String(), names))
}
