package config

import (
	"strconv"
	"strings"
	"time"
)

// kafkaClient reads how brokers are reached.
func (d *decoder) kafkaClient(t *table) KafkaClient {
	c := KafkaClient{Brokers: d.addresses(t, "brokers", envBrokers, "9092"), Mechanism: d.setting(t, "mechanism", "", ""), TLS: d.tls(t)}
	d.needed(t, "brokers", envBrokers, `write brokers = ["host:port"]`, len(c.Brokers) > 0)
	if !d.has(join(t.path, "mechanism")) && !t.meant["mechanism"] {
		d.only(t, `SASL, which "mechanism" chooses`, "username", "password")
		return c
	}
	c.Username, c.Password = d.user(t, "", "")
	if c.Mechanism != "" && c.Username == "" && c.Password.IsZero() && !t.meant["username"] && !t.meant["password"] &&
		!d.has(join(t.path, "username")) && !d.has(join(t.path, "password")) {
		d.bad(join(t.path, "mechanism"), atKey, MissingKey, "give both", `"mechanism" needs "username" and "password"`)
	}
	return c
}

// kafka reads a topic to read.
func (d *decoder) kafka(t *table, r Reader) *Kafka {
	d.notEmpty(t, "topic", "from", "to", "group", "registry")
	k := &Kafka{
		Client: d.kafkaClient(t), Topic: d.setting(t, "topic", "", ""), From: or(t.val("from"), "first"), To: or(t.val("to"), "last"),
		Group: t.val("group"), Registry: d.registry(t),
	}
	k.Stream, _ = get[bool](t, "stream")
	from, fromOK := d.position(t, "from", k.From)
	to, toOK := d.position(t, "to", k.To)
	if k.Stream {
		d.only(t, "runs that end; a stream has no end", "to")
	} else {
		d.only(t, "stream = true", "group")
		if fromOK && toOK && !from.before(to) {
			which := "to"
			if !d.has(join(t.path, "to")) {
				which = "from"
			}
			d.bad(join(t.path, which), atValue, Contradiction, "give an end that lies behind the start", "nothing lies between from = %q and to = %q", k.From, k.To)
		}
	}
	d.kafkaFormat(t, r.Format)
	if r.Format == "json" {
		d.needed(t, "schema", "", `name the fields, as in schema = { id = "bigint" }`, false)
	}
	return k
}

// registry reads how the schema registry is reached.
func (d *decoder) registry(t *table) Registry {
	r := Registry{URL: d.serverURL(t, "registry")}
	r.Username, r.Password = d.userOf(t, "registry_username", "registry_password", "", "")
	return r
}

// kafkaFormat holds what only one format of messages takes.
func (d *decoder) kafkaFormat(t *table, format string) {
	if format == "avro" {
		d.needed(t, "registry", "", `write registry = "http://..."`, false)
	} else if format != "" {
		d.only(t, `format = "avro"`, "registry", "registry_username", "registry_password")
	}
}

// place is a place in a topic.
type topicPlace struct {
	kind string // "first", "last", "offset" or "time"
	n    int64  // of an offset; microseconds of a time
}

// before tells whether there may be messages between two places. Places of
// different kinds cannot be compared before the topic is asked.
func (p topicPlace) before(q topicPlace) bool {
	switch {
	case p.kind == "last", q.kind == "first":
		return false
	case p.kind == q.kind && p.kind != "first":
		return p.n < q.n
	}
	return true
}

// position reads an end of a range of messages.
func (d *decoder) position(t *table, key, v string) (topicPlace, bool) {
	if v == "first" || v == "last" {
		return topicPlace{kind: v}, true
	}
	if n, is := strings.CutPrefix(v, "offset:"); is {
		if n, err := strconv.ParseInt(n, 10, 64); err == nil && n >= 0 {
			return topicPlace{kind: "offset", n: n}, true
		}
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return topicPlace{kind: "time", n: at.UnixMicro()}, true
	}
	at := join(t.path, key)
	if s, ok := get[text](t, key); ok && strings.TrimSpace(s.val) != "" {
		d.bad(at, atValue, BadValue, `write "first", "last", "offset:N" or a time such as "2024-01-31T00:00:00Z"`, "%s is no place in a topic", d.quote(at, s))
	}
	return topicPlace{}, false
}

// kafkaSink reads a topic that is written.
func (d *decoder) kafkaSink(t *table) *KafkaSink {
	d.notEmpty(t, "topic", "registry")
	k := &KafkaSink{Client: d.kafkaClient(t), Topic: d.setting(t, "topic", "", ""), Format: or(t.val("format"), "json"), Registry: d.registry(t)}
	d.needed(t, "topic", "", `write topic = "..."`, false)
	d.kafkaFormat(t, k.Format)
	return k
}
