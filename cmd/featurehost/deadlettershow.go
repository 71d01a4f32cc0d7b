package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

// letterShown is what --json tells of a letter.
type letterShown struct {
	Run       string          `json:"run"`
	Stage     string          `json:"stage"`
	Reason    string          `json:"reason"`
	Message   string          `json:"message,omitempty"`
	Plugin    string          `json:"plugin,omitempty"`
	Digest    string          `json:"digest,omitempty"`
	Object    string          `json:"object,omitempty"`
	SourceRow *int64          `json:"source_row,omitempty"` // from 0
	Row       json.RawMessage `json:"row"`
}

var errEnough = errors.New("enough letters were shown")

// lettersShow prints letters with their rows.
func lettersShow(_ context.Context, c *call) error {
	var l letterFlags
	limit := 20
	box, err := l.open(c, func(f *flag.FlagSet) {
		f.IntVar(&limit, "limit", limit, "show so many letters; 0 for all")
	})
	if err != nil {
		return err
	}
	if limit < 0 {
		return fault.New(BadFlag, "--limit %d: give 0 for all letters, or how many", limit)
	}
	groups, _, err := box.List(l.LetterChoice)
	if err != nil {
		return err
	}
	var total int64
	for _, g := range groups {
		total += g.Rows
	}
	list := []letterShown{}
	n := 0
	err = box.Each(l.LetterChoice, func(x host.Letter) error {
		if n++; limit > 0 && n > limit {
			return errEnough
		}
		x.Message = c.hide(x.Message) // that of an earlier build may hold a secret
		s, err := showLetter(x)
		if err != nil {
			return err
		}
		if c.json {
			list = append(list, s)
		} else {
			printLetter(c, x, s)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err, n = nil, limit
	}
	if err != nil {
		return err
	}
	c.result, c.summary = list, fmt.Sprintf("%s of %s", ui.Count(int64(n)), ui.Plural(total, "dead letter"))
	if !c.json {
		fmt.Fprintln(c.stdout, c.summary)
	}
	return nil
}

func showLetter(l host.Letter) (letterShown, error) {
	row, err := host.RowJSON(l.Row, 0)
	s := letterShown{
		Run: l.Run, Stage: l.Stage, Reason: l.Reason, Message: l.Message, Plugin: l.Plugin, Digest: l.Digest, Object: l.Object, Row: row,
	}
	if l.Object != "" {
		s.SourceRow = &l.SourceRow
	}
	return s, err
}

func printLetter(c *call, l host.Letter, s letterShown) {
	fmt.Fprintf(c.stdout, "%s, stage %s: %s\n", l.Run, l.Stage, l.Reason)
	var rows [][]string
	add := func(what, text string) {
		if text != "" {
			rows = append(rows, []string{"  " + what, strings.ReplaceAll(text, "\n", " ")})
		}
	}
	add("message", l.Message)
	add("plugin", strings.TrimSpace(l.Plugin+" "+l.Digest))
	if l.Object != "" {
		add("from", fmt.Sprintf("%s:row %d", l.Object, l.SourceRow+1))
	}
	add("row", string(s.Row))
	ui.Table(c.stdout, []string{"", ""}, rows)
}
