package config

import (
	"slices"
	"strings"
)

// defaultThreshold is the part of rows that compat lets be missing (S-1205).
const defaultThreshold = 0.01

func (d *decoder) sinks(tables []*table, fs *FeatureSet) []Sink {
	var out []Sink
	names, places := map[string]string{}, map[string]string{} // of each, the path
	history := ""
	for _, t := range tables {
		s := d.sink(t, fs)
		out = append(out, s)
		switch {
		case s.Type == "historical" && history != "":
			d.bad(t.path, atValue, Contradiction, "keep one: its folder holds the ledger of the runs", `two sinks of type "historical"; the other is on line %d`, d.span(history, atValue).Line)
			continue
		case s.Type == "historical":
			history = t.path
		}
		at := join(t.path, "name")
		if !d.has(at) {
			at = t.path
		}
		if before, twice := names[s.Name]; twice {
			d.bad(at, atValue, DuplicateName, `give each a name = "..." of its own`, "two sinks have the name %q; the other is on line %d", s.Name, d.span(before, atValue).Line)
		} else if s.Name != "" {
			names[s.Name] = at
		}
		if place := s.place(); place != "" && t.usable {
			if before, twice := places[place]; twice {
				d.bad(t.path, atValue, Contradiction, "keep one, or give it a place of its own", "two sinks write into the same table or topic; the other is on line %d", d.span(before, atValue).Line)
			}
			places[place] = t.path
		}
	}
	return out
}

func (d *decoder) sink(t *table, fs *FeatureSet) Sink {
	s := Sink{Name: t.val("name"), Type: t.val("type"), Path: t.val("path")}
	d.name(t, "name")
	s.AllowEmpty, _ = get[bool](t, "allow_empty")
	stages, _ := get[[]*table](t, "stage")
	s.Stages = d.stages(stages)
	kind := s.Type
	switch s.Type {
	case "historical":
		d.historical(t, &s, fs)
	case "online":
		s.Store = t.val("store")
		if !d.has(join(t.path, "store")) {
			s.Store = "local"
		}
		if s.Store != "" {
			d.online(t, &s, fs)
		}
		if s.Store != "local" {
			kind = s.Store
		}
	default:
		d.notEmpty(t, "path")
	}
	s.Name = or(s.Name, kind)
	return s
}

func (d *decoder) historical(t *table, s *Sink, fs *FeatureSet) {
	s.Layout = or(t.val("layout"), "partitioned")
	d.threshold(t, s, fs)
	s.Path = d.root(t)
	s.S3 = d.s3(t, s.Path)
	s.Hive = d.hiveSink(t, s.Layout)
}

func (d *decoder) online(t *table, s *Sink, fs *FeatureSet) {
	d.localPath(t, "path")
	d.ttl(t, s, fs)
	s.WriteToEntity, _ = get[bool](t, "write_to_entity")
	if s.Store != "kafka" {
		d.only(t, `store = "kafka"`, "brokers", "mechanism", "topic", "format", "registry", "registry_username", "registry_password")
	} else {
		d.only(t, "a store that keeps rows by key", "ttl", "write_to_entity")
	}
	if s.Store != "cassandra" {
		d.only(t, `store = "cassandra"`, "hosts", "keyspace", "consistency", "concurrency", "datacenter", "replication")
	}
	switch s.Store {
	case "local":
		d.only(t, "a store on a server", "username", "password", "tls")
	case "cassandra":
		s.Cassandra = d.cassandra(t)
		s.Cassandra.DatesAsTimestamps = fs != nil && fs.Semantics == "butterfree"
	case "kafka":
		s.Kafka = d.kafkaSink(t)
	}
	if s.Store != "local" {
		d.only(t, `store = "local"`, "path")
	}
}

// ttl reads how long a value is visible (S-1307).
func (d *decoder) ttl(t *table, s *Sink, fs *FeatureSet) {
	span, ok := get[TimeSpan](t, "ttl")
	if !ok {
		return
	}
	at := join(t.path, "ttl")
	s.TTL = &span
	if span.calendar() {
		d.bad(at, atValue, BadDuration, `write days, as in "365 days"`, "a value cannot be visible for months or years: they have no fixed length")
	}
	if fs != nil && fs.DeduplicateRows && s.Store != "kafka" {
		d.bad(at, atKey, Contradiction, "write deduplicate_rows = false in [feature_set], or remove it",
			`"ttl" would hide values that have not changed: rows that repeat them are left out by deduplicate_rows = true`)
	}
}

// place names what an online sink writes into, where two sinks must not meet.
func (s Sink) place() string {
	shared := ""
	if s.WriteToEntity {
		shared = " (shared)"
	}
	switch {
	case s.Type == "online" && s.Store == "local":
		return "local " + s.Path + shared
	case s.Cassandra != nil && len(s.Cassandra.Hosts) > 0:
		hosts := slices.Sorted(slices.Values(s.Cassandra.Hosts))
		return "cassandra " + strings.Join(hosts, ",") + " " + s.Cassandra.Keyspace + shared
	case s.Kafka != nil && s.Kafka.Topic != "":
		return "kafka " + strings.Join(s.Kafka.Client.Brokers, ",") + " " + s.Kafka.Topic
	}
	return ""
}

func (d *decoder) threshold(t *table, s *Sink, fs *FeatureSet) {
	compat := fs != nil && fs.Semantics == "butterfree"
	v, ok := get[float64](t, "validation_threshold")
	at := join(t.path, "validation_threshold")
	switch {
	case ok && (v < 0 || v >= 1):
		d.bad(at, atValue, BadValue, "write a part of 1, as in 0.01", `"validation_threshold" must be at least 0 and below 1`)
	case ok && fs != nil && !compat:
		d.bad(at, atKey, Contradiction, "remove it: the check is exact", `"validation_threshold" belongs to semantics = "butterfree"`)
	case ok:
		s.ValidationThreshold = v
	case compat:
		s.ValidationThreshold = defaultThreshold
	}
}
