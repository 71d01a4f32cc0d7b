package historical

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// OpenRegistrar connects to the catalogue of a sink; s3 says how the objects of
// its table are reached.
type OpenRegistrar func(ctx context.Context, h config.Hive, s3 config.S3) (Registrar, error)

// catalogue gives the sink's catalogue, or nil.
func (s *Sink) catalogue(ctx context.Context) (Registrar, error) {
	if s.cfg.Hive == nil || s.registrar != nil {
		return s.registrar, nil
	}
	r, err := s.open(ctx, *s.cfg.Hive, s.cfg.S3)
	if err != nil {
		return nil, err
	}
	s.registrar = r
	return r, nil
}

// closeCatalogue ends the connection.
func (s *Sink) closeCatalogue() error {
	if s.registrar == nil {
		return nil
	}
	r := s.registrar
	s.registrar = nil
	return r.Close()
}

// uri names a folder or file of the store as catalogues do.
func (s *Sink) uri(key string) (string, error) {
	if s.remote != nil {
		return s.remote.Path(key), nil
	}
	path, err := filepath.Abs(s.store.Path(key))
	if err != nil {
		return "", fault.Wrap(err, BadPlace, "folder %q", s.store.Path(key))
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive
		path = "/" + path
	}
	return "file://" + path, nil
}

// table describes the table to the catalogue.
func (s *Sink) table(entity, set string, columns *arrow.Schema) (Table, error) {
	at, err := s.uri(tableKey(entity, set))
	return Table{Entity: entity, Set: set, Columns: columns, Location: at}, err
}

// checkCatalogue asks whether the catalogue would take the table.
func (s *Sink) checkCatalogue(ctx context.Context) error {
	r, err := s.catalogue(ctx)
	if err != nil || r == nil {
		return err
	}
	t, err := s.table(s.run.Entity, s.run.Set, s.schema)
	if err != nil {
		return err
	}
	return r.Check(ctx, t)
}

// column is a column of the files, in the ledger.
type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func columnsOf(s *arrow.Schema) []column {
	out := make([]column, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = column{f.Name, schema.TypeName(f.Type)}
	}
	return out
}

// register tells the catalogue what a publication has put in place. It goes by
// what the ledger holds alone, for it may be another process that prepared it.
func (s *Sink) register(ctx context.Context, p *pending) error {
	r, err := s.catalogue(ctx)
	if err != nil || r == nil {
		return err
	}
	if p.Layout != partitioned {
		s.env.Log.Warn("the catalogue is not told of a run that was prepared without days: it knows the table from the next run on", "run", p.Run, "layout", p.Layout)
		return nil
	}
	if len(p.Columns) == 0 {
		if err := s.complete(ctx, p); err != nil {
			return err
		}
	}
	if len(p.Columns) == 0 {
		s.env.Log.Warn("the catalogue is not told of a run that was prepared without it and has no rows: days that it cleared stay known, without rows", "run", p.Run, "cleared", len(p.Clear))
		return nil
	}
	fields := make([]arrow.Field, len(p.Columns))
	for i, c := range p.Columns {
		t, err := schema.ParseType(c.Type)
		if err != nil {
			return fault.Wrap(err, PendingLost, "the ledger names a column %q of type %q", c.Name, c.Type)
		}
		fields[i] = arrow.Field{Name: c.Name, Type: t, Nullable: true}
	}
	t, err := s.table(p.Entity, p.Set, arrow.NewSchema(fields, nil))
	if err != nil {
		return err
	}
	var set []Partition
	written := map[flow.Day]bool{}
	for _, f := range p.Files {
		day, ok := dayOf(f.Path)
		if !ok || day == noDay {
			continue // refused in Prepare
		}
		at, err := s.uri(join(p.home(f), f.Path))
		if err != nil {
			return err
		}
		written[day] = true
		set = append(set, Partition{Day: day, Location: at, Rows: f.Rows, Bytes: f.Bytes})
	}
	var drop []flow.Day
	for _, path := range p.Clear {
		if day, ok := dayOf(path); ok && day != noDay && !written[day] {
			written[day] = true
			drop = append(drop, day)
		}
	}
	return r.Publish(ctx, t, set, drop)
}

// complete finds out what a run that was prepared without a catalogue did not
// note: the columns, from the footer of a published file, and sizes.
func (s *Sink) complete(ctx context.Context, p *pending) error {
	for i := range p.Files {
		f := &p.Files[i]
		key := join(p.home(*f), f.Path) + "/" + partFile
		if len(p.Columns) == 0 {
			footer, err := s.footer(ctx, key)
			if fault.As(err) != nil {
				return err // the server's
			}
			if err != nil {
				return fault.Wrap(err, WriteRefused, "the columns of a published file cannot be read").At("%s", s.name(key))
			}
			for _, c := range footer.Schema.Fields() {
				p.Columns = append(p.Columns, column{c.Name, schema.TypeName(plain(c.Type))})
			}
		}
		if f.Bytes == 0 && s.remote == nil {
			info, err := s.store.Stat(ctx, key)
			if err != nil {
				return err
			}
			f.Bytes = info.Size
		}
	}
	return nil
}

// dayOf reads the path of a day's folder.
func dayOf(path string) (flow.Day, bool) {
	parts := strings.Split(path, "/")
	if len(parts) != 3 {
		return 0, false
	}
	return parseDay(parts[0], parts[1], parts[2])
}
