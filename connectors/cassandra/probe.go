package cassandra

import (
	"context"
	"fmt"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Probe implements flow.Prober: it connects, asks for the version, and looks
// for the keyspace.
func (s *Sink) Probe(ctx context.Context) ([]flow.Finding, error) {
	f := flow.Finding{Server: "cassandra " + strings.Join(s.cfg.Hosts, ",")}
	conn, known, err := s.connectAnyway(ctx)
	if err != nil {
		return []flow.Finding{finding(f, err)}, ctx.Err()
	}
	defer conn.close()
	version, nodes, replication := "", 1, ""
	err = conn.read(ctx, "SELECT release_version FROM system.local", nil, func(row []cell) error {
		version = string(row[0])
		return nil
	})
	if err == nil {
		err = conn.read(ctx, "SELECT peer FROM system.peers", nil, func([]cell) error { nodes++; return nil })
	}
	if err == nil && known {
		err = conn.read(ctx, "SELECT replication['class'] FROM system_schema.keyspaces WHERE keyspace_name = ?", []any{text(s.cfg.Keyspace)}, func(row []cell) error {
			replication = string(row[0])[strings.LastIndex(string(row[0]), ".")+1:]
			return nil
		})
	}
	switch {
	case err != nil:
		return []flow.Finding{finding(f, err)}, ctx.Err()
	case !known:
		return []flow.Finding{finding(f, unknownKeyspace(&s.cfg, f.Server))}, nil
	}
	f.OK = true
	f.Text = fmt.Sprintf("Cassandra %s answers, %d node(s); keyspace %s is there (%s).", version, nodes, s.cfg.Keyspace, replication)
	return []flow.Finding{f}, nil
}

// finding puts an error into a sentence.
func finding(f flow.Finding, err error) flow.Finding {
	f.Text = err.Error()
	if e := fault.As(err); e != nil {
		f.Text, f.Hint = e.Message, e.Hint
		if e.Err != nil {
			f.Text += ": " + e.Err.Error()
		}
	}
	return f
}
