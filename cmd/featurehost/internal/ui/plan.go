package ui

import (
	"fmt"
	"io"
	"strings"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
)

// Plan prints the resolved pipeline.
func Plan(w io.Writer, p *host.PlanReport) {
	fmt.Fprintf(w, "pipeline %s -> %s (%s semantics), interval %s\n", p.Pipeline, p.Set, p.Semantics, p.Interval)
	fmt.Fprintf(w, "%s, memory %s, %d workers\n\n", p.Digest, Bytes(p.Memory), p.Workers)
	for _, r := range p.Readers {
		how := ""
		if r.InPlace {
			how = ", scanned by the query"
		}
		fmt.Fprintf(w, "reader %s: %s %s%s\n", r.ID, r.Type, r.Path, how)
		columns(w, r.Columns)
		for _, s := range r.Prepare {
			step(w, "  prepare", s)
		}
	}
	if p.Query != nil {
		fmt.Fprintf(w, "query: %s\n", strings.Join(strings.Fields(p.Query.SQL), " "))
		columns(w, p.Query.Columns)
	}
	for _, s := range p.Steps {
		step(w, "stage", s)
	}
	for _, g := range p.Lent {
		plugin(w, "a feature uses plugin", g)
	}
	for _, x := range p.ToRead {
		fmt.Fprintf(w, "a run reads %s\n", toRead(x))
	}
	sinks(w, p)
	settings(w, p)
}

// sinks lists the sinks, and what passes on the way to each alone.
func sinks(w io.Writer, p *host.PlanReport) {
	names := make([]string, len(p.Sinks))
	for i, s := range p.Sinks {
		names[i] = s.Name
	}
	fmt.Fprintf(w, "sinks: %s\n", strings.Join(names, ", "))
	for _, s := range p.Sinks {
		for _, x := range s.Steps {
			step(w, "  only for "+s.Name+":", x)
		}
	}
}

// settings says where the value of each connection came from.
func settings(w io.Writer, p *host.PlanReport) {
	if len(p.Settings) == 0 {
		return
	}
	rows := make([][]string, len(p.Settings))
	for i, s := range p.Settings {
		from := "the variable " + s.From
		switch s.From {
		case "file", "default", config.FromFlag:
			from = "the " + s.From
		}
		rows[i] = []string{"  ", s.Key, s.Value, "from " + from}
	}
	fmt.Fprintln(w, "settings:")
	Table(w, []string{"", "", "", ""}, rows)
}

func step(w io.Writer, word string, s host.PlanStep) {
	fmt.Fprintf(w, "%s %s (%s), reads %s\n", word, s.Name, s.Kind, strings.Join(s.Reads, ", "))
	if s.Plugin != nil {
		plugin(w, "    plugin", *s.Plugin)
	}
	columns(w, s.Output)
}

func plugin(w io.Writer, word string, g host.PlanPlugin) {
	locked := ""
	if g.Lock != "" {
		locked = ", locked by " + g.Lock
	}
	fmt.Fprintf(w, "%s %s@%s %s %s\n    %s%s\n", word, g.Name, g.Version, g.Kind, g.Path, g.Digest, locked)
	fmt.Fprintf(w, "    limits: %s; on_error %s\n", limits(g.Limits, g.Transport), g.OnError)
}

// limits says what a plugin may take of each instance and batch.
func limits(l host.PlanLimits, transport string) string {
	timeout := Seconds(l.TimeoutSeconds)
	if transport == "process" {
		return "a program: no limit of memory or fuel, " + timeout
	}
	return fmt.Sprintf("memory %s, fuel %s + %s a row, %s", Bytes(l.Memory), Count(l.FuelBase), Count(l.FuelPerRow), timeout)
}

func columns(w io.Writer, list []host.Column) {
	rows := make([][]string, len(list))
	for i, c := range list {
		rows[i] = []string{"    ", c.Name, c.Type}
	}
	Table(w, []string{"", "", ""}, rows)
}
