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
	// decode reads values, which it borrows, from a row on; as many as make a
	// batch. Rows that are bad are told apart; their place in the columns may
	// hold anything.
	decode(ctx context.Context, g *gathered, from int) (decoded, error)
}

// decoded are columns, as long as the values read unless dense is set.
type decoded struct {
	columns []arrow.Array
	to      int     // row behind the last one read
	failed  []int64 // casts, by column; nil where there are none
	bad     []badRow
	// dense says that the columns hold the rows that are not bad, and no others.
	dense bool
}

type badRow struct {
	row    int // of all that is gathered
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

func (r rawValues) decode(_ context.Context, g *gathered, _ int) (decoded, error) {
	if !r.wanted {
		return decoded{to: g.rows()}, nil
	}
	out := decoded{to: g.rows(), columns: []arrow.Array{g.values.array(arrow.BinaryTypes.Binary)}}
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

func (j *jsonValues) decode(_ context.Context, g *gathered, _ int) (decoded, error) {
	texts := g.values.array(arrow.BinaryTypes.Binary)
	defer texts.Release()
	rows, err := j.decoder.Decode(memory.DefaultAllocator, texts)
	if err != nil {
		return decoded{}, err
	}
	out := decoded{to: g.rows(), columns: rows.Columns, failed: rows.Failed}
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
	return &avroValues{registry: f.registry, subject: f.subject, decoder: d, plans: map[int32]planned{}}, err
}
