package sdk

import (
	"reflect"
	"strings"
)

// Plugin is a registered plugin. Package sdktest runs it natively.
type Plugin struct {
	fields []Field // names may hold ${key}
	setUp  func(config any) (call func(Batch, *Builder) error, err error)

	call func(Batch, *Builder) error
	in   []Field
	out  *Builder

	keyed   bool
	flush   func(*Builder) error
	flushed *Builder
}

// current is the plugin of this module; there is one in a module.
var current *Plugin

// Checker is told to a configuration that wants to check itself, or to work
// something out once, after it is decoded.
type Checker interface{ Check() error }

// Map registers a plugin of kind map: f gives every row of in a value in each
// column of out. C is what the configuration decodes into; it may implement
// Checker. The output columns are those that the manifest declares; ${key} in
// a name is taken from the configuration.
func Map[C any](f func(cfg *C, in Batch, out *Builder) error, columns ...Field) *Plugin {
	return register(&Plugin{fields: columns, setUp: func(config any) (func(Batch, *Builder) error, error) {
		cfg, err := configure[C](config)
		return func(in Batch, out *Builder) error { return f(cfg, in, out) }, err
	}})
}

// Keep is the selection of a filter: all rows are out until kept.
type Keep struct{ OutBools }

// Filter registers a plugin of kind filter: f keeps rows of in. Its
// manifest declares one output column: fh_keep, of type bool, never null.
func Filter[C any](f func(cfg *C, in Batch, keep Keep) error) *Plugin {
	return register(&Plugin{fields: []Field{{Name: keepColumn, Type: "bool"}}, setUp: func(config any) (func(Batch, *Builder) error, error) {
		cfg, err := configure[C](config)
		return func(in Batch, out *Builder) error { return f(cfg, in, Keep{out.Bool(keepColumn)}) }, err
	}})
}

const keepColumn = "fh_keep"

func register(p *Plugin) *Plugin {
	if current == nil {
		current = p
	}
	return p
}

func configure[C any](config any) (*C, error) {
	cfg := new(C)
	if err := decode(config, reflect.ValueOf(cfg).Elem(), "config"); err != nil {
		return nil, ConfigError(err.Error())
	}
	if c, ok := any(cfg).(Checker); ok {
		if err := c.Check(); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

// open decodes the configuration, works out the output columns and tries the
// function on no rows (G4).
func (p *Plugin) open(config []byte, in []Field) error {
	if len(config) == 0 {
		config = []byte("{}")
	}
	v, err := parseJSON(config)
	if err != nil {
		return ConfigError("config: " + err.Error())
	}
	fields := make([]Field, len(p.fields))
	for i, f := range p.fields {
		if f.Name, err = expand(f.Name, v); err != nil {
			return err
		}
		fields[i] = f
	}
	if p.out, err = newBuilder(fields); err != nil {
		return err
	}
	if p.keyed {
		if err := p.openKeyed(in); err != nil {
			return err
		}
	}
	if p.call, err = p.setUp(v); err != nil {
		return err
	}
	p.in = in
	cols := make([]column, len(in))
	for i, f := range in {
		cols[i].Field = f
	}
	return p.process(Batch{cols: cols})
}

func (p *Plugin) process(in Batch) error {
	rows := in.rows
	if p.keyed { // until it takes some
		rows = 0
	}
	p.out.reset(rows)
	if err := p.call(in, p.out); err != nil {
		return err
	}
	return p.out.done()
}

// expand puts values of the configuration in the place of ${key}.
func expand(name string, config any) (string, error) {
	o, _ := config.(object)
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(name, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		key, after, closed := strings.Cut(rest, "}")
		var text string
		switch v := o.get(key).(type) {
		case string:
			text = v
		case number:
			text = string(v)
		}
		if !closed || text == "" {
			return "", ConfigError("output column " + name + ": the configuration has no text or number " + key)
		}
		b.WriteString(text)
		name = after
	}
}
