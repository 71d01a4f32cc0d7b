package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
)

func checkVerb() verb {
	return verb{name: "check", usage: "PIPELINE.toml", short: "validate a pipeline file; silent when all is well", run: check}
}

func check(ctx context.Context, c *call) (err error) {
	var t target
	f := c.flags()
	t.flags(f)
	args, err := c.parse(f, 1)
	if err != nil {
		return err
	}
	_, h, err := t.open(c, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	interval, err := t.interval()
	if err != nil {
		return err
	}
	if _, err := h.Plan(ctx, interval); err != nil {
		return err
	}
	c.summary = fmt.Sprintf("%s is valid", args[0])
	return nil
}

func planVerb() verb {
	return verb{name: "plan", usage: "PIPELINE.toml [--start D] [--end D]", short: "show the resolved pipeline: schemas, plugins, limits", run: showPlan}
}

func showPlan(ctx context.Context, c *call) (err error) {
	var t target
	f := c.flags()
	t.flags(f)
	args, err := c.parse(f, 1)
	if err != nil {
		return err
	}
	interval, err := t.interval()
	if err != nil {
		return err
	}
	_, h, err := t.open(c, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	p, err := h.Plan(ctx, interval)
	if err != nil {
		return err
	}
	hidePlan(c, p)
	c.result = p
	c.summary = fmt.Sprintf("%d columns from %d readers, %d stages", len(p.Output), len(p.Readers), len(p.Steps))
	if !c.json {
		ui.Plan(c.stdout, p)
	}
	return nil
}

// hidePlan redacts the texts of the pipeline file that a plan shows.
func hidePlan(c *call, p *host.PlanReport) {
	for i := range p.Readers {
		p.Readers[i].Path = c.hide(p.Readers[i].Path)
	}
	if p.Query != nil {
		p.Query.SQL = c.hide(p.Query.SQL)
	}
}
