package main

import (
	"encoding/json"
	"fmt"
	"os"

	gen "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
)

// begun is a stream whose first message was looked at.
type begun struct {
	gen.FlightService_DoExchangeServer
	first *gen.FlightData
}

func (b *begun) Recv() (*gen.FlightData, error) {
	if d := b.first; d != nil {
		b.first = nil
		return d, nil
	}
	return b.FlightService_DoExchangeServer.Recv()
}

// asksFlush reads the descriptor of an exchange.
func (p *plugin) asksFlush(first *gen.FlightData) bool {
	text := first.GetFlightDescriptor().GetCmd()
	var asked struct{ Flush bool }
	must(json.Unmarshal(text, &asked))
	p.note(string(text))
	return asked.Flush
}

// recorded writes down what comes.
type recorded struct {
	gen.FlightService_DoExchangeServer
	plugin *plugin
}

func (r *recorded) Recv() (*gen.FlightData, error) {
	d, err := r.FlightService_DoExchangeServer.Recv()
	if err == nil {
		r.plugin.note(fmt.Sprintf("%s\t%s\t%d", d.GetFlightDescriptor().GetCmd(), d.AppMetadata, len(d.DataHeader)+len(d.DataBody)))
	}
	return d, err
}

// note writes down what the host did in an exchange.
func (p *plugin) note(text string) {
	if p.file == "" {
		return
	}
	f, err := os.OpenFile(p.file+".data", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(err)
	fmt.Fprintln(f, text)
	must(f.Close())
}
