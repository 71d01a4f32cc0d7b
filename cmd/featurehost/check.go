package main

import (
	"context"
	"fmt"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
)

func checkVerb() verb {
	return verb{name: "check", usage: "PIPELINE.toml", short: "validate a pipeline file; silent when all is well", run: check}
}

func check(ctx context.Context, c *call) error {
	var t target
	return t.with(c, c.flags(), func(h *host.Host, path string, interval flow.Interval) error {
		if _, err := h.Plan(ctx, interval); err != nil {
			return err
		}
		c.summary = fmt.Sprintf("%s is valid", path)
		return nil
	})
}

func planVerb() verb {
	return verb{name: "plan", usage: "PIPELINE.toml [--start D] [--end D] [--missing]", short: "show the resolved pipeline: schemas, plugins, what a run reads", run: showPlan}
}

func showPlan(ctx context.Context, c *call) error {
	var t target
	f := c.flags()
	t.missingFlag(f, "show")
	return t.with(c, f, func(h *host.Host, _ string, interval flow.Interval) error {
		if t.missing {
			return listMissing(c, func() (*host.MissingReport, error) { return h.EstimateMissing(ctx, interval) })
		}
		p, err := h.Estimate(ctx, interval)
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
	})
}

// hidePlan redacts the texts of the pipeline file that a plan shows.
func hidePlan(c *call, p *host.PlanReport) {
	for i := range p.Readers {
		p.Readers[i].Path = c.hide(p.Readers[i].Path)
	}
	if p.Query != nil {
		p.Query.SQL = c.hide(p.Query.SQL)
	}
	for i := range p.Settings {
		p.Settings[i].Value = c.hide(p.Settings[i].Value)
	}
}
