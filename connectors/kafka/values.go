package kafka

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/prepare/jsonrows"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
)

// values makes columns of the values of messages. It is for one caller at a
// time.
type values interface {
	// decode reads values, which it borrows. Rows that are bad are told apart;
	// their place in the columns may hold anything.
	decode(ctx context.Context, g *gathered) (decoded, error)
}

// decoded are columns, as long as the values unless taken is set.
type decoded struct {
	columns []arrow.Array
	failed  []int64 // casts, by column; nil where there are none
	bad     []badRow
	// dense says that the columns hold the rows that are not bad, and no others.
	dense bool
}

type badRow struct {
	row    int
	reason string
}

func (d decoded) release() {
	for _, c := range d.columns {
		c.Release()
	}
}

// format knows the fields of values and makes their decoders.
type format interface {
	// fields of the value. They may have to be asked of a server.
	fields(ctx context.Context) ([]arrow.Field, error)
	// values makes a decoder of the fields wanted, which exist.
	values(wanted []string) (values, error)
}

// newFormat is the format of a reader, whose client it shares the certificates
// with.
func newFormat(cfg config.Reader, c *client) (format, error) {
	switch cfg.Format {
	case "", "json":
		return newJSON(cfg)
	case "raw":
		return raw{}, nil
	case "avro":
		return newAvro(cfg, c)
	}
	return nil, fault.New(BadConfig, "format %q is not known: json, avro and raw are", cfg.Format)
}

// raw hands values on as they are.
type raw struct{}

func (raw) fields(context.Context) ([]arrow.Field, error) {
	return []arrow.Field{{Name: colValue, Type: arrow.BinaryTypes.Binary, Nullable: true}}, nil
}

func (raw) values(wanted []string) (values, error) { return rawValues{len(wanted) > 0}, nil }

type rawValues struct{ wanted bool }

func (r rawValues) decode(_ context.Context, g *gathered) (decoded, error) {
	if !r.wanted {
		return decoded{}, nil
	}
	out := decoded{columns: []arrow.Array{g.values.array(arrow.BinaryTypes.Binary)}}
	g.values.start(g.rows()) // the array has the memory
	return out, nil
}

// jsonFormat reads JSON objects by a declared schema.
// Rule: S-507.
type jsonFormat struct{ declared []arrow.Field }

func newJSON(cfg config.Reader) (format, error) {
	f := jsonFormat{}
	for _, c := range cfg.Schema {
		t, err := schema.ParseType(c.Type)
		if err != nil {
			return nil, fault.Wrap(err, BadColumn, "the type of the field %q is not known", c.Name).At("schema.%s", c.Name)
		}
		f.declared = append(f.declared, arrow.Field{Name: c.Name, Type: t, Nullable: true})
	}
	if len(f.declared) == 0 {
		return nil, fault.New(BadConfig, "no fields of the JSON values are declared").At("schema").WithHint(`name them, as in schema = { id = "bigint" }`)
	}
	if _, err := f.decoder(f.declared); err != nil {
		return nil, err
	}
	return f, nil
}

func (f jsonFormat) decoder(fields []arrow.Field) (*jsonrows.Decoder, error) {
	d, err := jsonrows.New(arrow.NewSchema(fields, nil))
	if err != nil {
		e := fault.As(err)
		return nil, fault.New(BadColumn, "%s", e.Message).At("schema.%s", e.Place)
	}
	return d, nil
}

func (f jsonFormat) fields(context.Context) ([]arrow.Field, error) { return f.declared, nil }

func (f jsonFormat) values(wanted []string) (values, error) {
	var fields []arrow.Field
	for _, name := range wanted {
		for _, d := range f.declared {
			if d.Name == name {
				fields = append(fields, d)
			}
		}
	}
	d, err := f.decoder(fields)
	return &jsonValues{d}, err
}

type jsonValues struct{ decoder *jsonrows.Decoder }

func (j *jsonValues) decode(_ context.Context, g *gathered) (decoded, error) {
	texts := g.values.array(arrow.BinaryTypes.Binary)
	defer texts.Release()
	rows, err := j.decoder.Decode(memory.DefaultAllocator, texts)
	if err != nil {
		return decoded{}, err
	}
	out := decoded{columns: rows.Columns, failed: rows.Failed}
	at := 0
	bad := func(i int, reason string) { out.bad = append(out.bad, badRow{i, reason}) }
	if texts.NullN() > 0 { // the decoder takes a null for a row of nulls
		for i := range texts.Len() {
			switch {
			case texts.IsNull(i):
				bad(i, "there is no value")
			case at < len(rows.Bad) && rows.Bad[at] == i:
				bad(i, notJSON(texts.(*array.Binary).Value(i)))
				at++
			}
		}
		return out, nil
	}
	for _, i := range rows.Bad {
		bad(i, notJSON(texts.(*array.Binary).Value(i)))
	}
	return out, nil
}

func notJSON(b []byte) string {
	if len(b) == 0 {
		return "the value is empty"
	}
	return "the value is no JSON object"
}

// avroFormat reads Avro by the schemas of a registry.
type avroFormat struct {
	registry *registry
	subject  string
	reader   *avro.Schema // the newest of the subject; nil until asked
}

func newAvro(cfg config.Reader, c *client) (format, error) {
	r, err := newRegistry(cfg.Kafka.Registry, c.tls)
	if err != nil {
		return nil, err
	}
	return &avroFormat{registry: r, subject: subjectOf(cfg.Kafka.Topic)}, nil
}

// subjectOf is the name under which the schemas of a topic's values are kept.
func subjectOf(topic string) string { return topic + "-value" }

func (f *avroFormat) fields(ctx context.Context) ([]arrow.Field, error) {
	if f.reader == nil {
		s, err := f.registry.newest(ctx, f.subject)
		if err != nil {
			return nil, err
		}
		f.reader = s
	}
	return f.reader.Fields(), nil
}

func (f *avroFormat) values(wanted []string) (values, error) {
	d, err := avro.NewDecoder(f.reader, wanted)
	return &avroValues{registry: f.registry, decoder: d, plans: map[int32]planned{}}, err
}

// avroValues reads messages that begin with a zero byte and the number of their
// schema.
type avroValues struct {
	registry *registry
	decoder  *avro.Decoder
	plans    map[int32]planned
}

// planned is a plan, or why there is none.
type planned struct {
	plan   *avro.Plan
	reason string
}

func (a *avroValues) decode(ctx context.Context, g *gathered) (decoded, error) {
	out := decoded{dense: true}
	bad := func(i int, reason string) { out.bad = append(out.bad, badRow{i, reason}) }
	v := &g.values
	for i := range g.rows() {
		b := v.data[v.ends[i]:v.ends[i+1]]
		if len(b) < 5 || b[0] != 0 {
			bad(i, "the value does not begin with a zero byte and the number of a schema")
			continue
		}
		id := int32(uint32(b[1])<<24 | uint32(b[2])<<16 | uint32(b[3])<<8 | uint32(b[4]))
		p, err := a.plan(ctx, id)
		if err != nil {
			out.columns = a.decoder.Arrays()
			out.release()
			return decoded{}, err
		}
		if p.plan == nil {
			bad(i, p.reason)
			continue
		}
		if err := a.decoder.Append(p.plan, b[5:]); err != nil {
			bad(i, fault.As(err).Message)
		}
	}
	out.columns = a.decoder.Arrays()
	return out, nil
}

// plan gives the plan for a schema. A schema that the registry does not know,
// or that does not fit, makes its messages bad; a registry that does not answer
// is an error.
func (a *avroValues) plan(ctx context.Context, id int32) (planned, error) {
	if p, ok := a.plans[id]; ok {
		return p, nil
	}
	s, err := a.registry.schema(ctx, id)
	var p planned
	if err == nil {
		p.plan, err = a.decoder.Plan(s)
	}
	if err != nil {
		e := fault.As(err)
		if e == nil || e.Retry || e.Code == RegistryFailed && e.Err != nil {
			return p, err
		}
		p.reason = e.Message
		if e.Place != "" {
			p.reason = e.Place + ": " + e.Message
		}
	}
	a.plans[id] = p
	return p, nil
}
