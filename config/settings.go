package config

import (
	"regexp"
	"strings"
)

// Variables that stand in for keys the file does not have: those that the
// users of Butterfree have set already.
const (
	envBrokers   = "KAFKA_CONSUMER_CONNECTION_STRING"
	envHosts     = "CASSANDRA_HOST"
	envKeyspace  = "CASSANDRA_KEYSPACE"
	envUsername  = "CASSANDRA_USERNAME"
	envPassword  = "CASSANDRA_PASSWORD" //nolint:gosec // the name of a variable
	envBucket    = "FEATURE_STORE_S3_BUCKET"
	envDatabase  = "FEATURE_STORE_HISTORICAL_DATABASE"
	envEndpoint  = "AWS_ENDPOINT_URL_S3"
	envAWSRegion = "AWS_REGION"
)

// The sources of a setting beside the names of variables.
const (
	fromFile    = "file"
	fromDefault = "default"
	// FromFlag is the source of a setting that the command line gave.
	FromFlag = "flag"
)

// fallback gives the value of a variable that stands in for a key.
func (d *decoder) fallback(variable string) string {
	return strings.TrimSpace(d.variable(variable))
}

// variable gives what a variable holds; "" where it is not set.
func (d *decoder) variable(name string) string {
	if v, ok := d.getenv(name); ok && name != "" {
		return v
	}
	return ""
}

// setting gives a text of the file or, where the file is silent, of the
// environment or a default, and notes where it came from.
func (d *decoder) setting(t *table, key, variable, byDefault string) string {
	at := join(t.path, key)
	if d.has(at) {
		s, _ := get[text](t, key)
		d.tell(at, s.raw, fromFile) // as written: what ${NAME} held is not printed
		return s.val
	}
	if v := d.fallback(variable); v != "" {
		d.tell(at, v, variable)
		return v
	}
	d.tell(at, byDefault, fromDefault)
	return byDefault
}

// secret is setting for what must not be printed.
func (d *decoder) secret(t *table, key, variable string) Secret {
	at := join(t.path, key)
	v, from := t.val(key), fromFile
	if !d.has(at) {
		v, from = d.variable(variable), variable
	}
	s := NewSecret(v)
	if !s.IsZero() {
		d.tell(at, s.String(), from)
		// Whatever a server answers with, the door hides it (File.Redact).
		d.secretValues = append(d.secretValues, v)
	}
	return s
}

// list is setting for several texts, which a variable separates by commas.
func (d *decoder) list(t *table, key, variable string) []string {
	at := join(t.path, key)
	if d.has(at) {
		var out, raw []string
		for _, it := range t.strings(key) {
			out, raw = append(out, it.val.val), append(raw, it.val.raw)
		}
		if d.emptyList(t, key) {
			d.bad(at, atValue, BadValue, "name one at least", "%q %s is empty", key, tableName(t.path))
		}
		d.tell(at, strings.Join(raw, ","), fromFile)
		return out
	}
	var out []string
	for _, one := range strings.Split(d.fallback(variable), ",") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	if len(out) > 0 {
		d.tell(at, strings.Join(out, ","), variable)
	}
	return out
}

// credentials is what stands before the host in a URL.
var credentials = regexp.MustCompile(`://[^/@\s]*@`)

// tell notes where a setting came from.
func (d *decoder) tell(path, value, from string) {
	if value == "" {
		return
	}
	if d.isSecret(path) || secretDefault.MatchString(value) {
		value = NewSecret(value).String()
	}
	value = credentials.ReplaceAllString(value, "://***@")
	d.settings = append(d.settings, Setting{Key: path, Value: value, From: from})
}

// needed reports a setting that nobody gave.
func (d *decoder) needed(t *table, key, variable, hint string, has bool) {
	if has || d.has(join(t.path, key)) || t.meant[key] {
		return
	}
	if variable != "" {
		hint += ", or set the variable " + variable
	}
	d.bad(t.path, atValue, MissingKey, hint, "missing key %q %s", key, tableName(t.path))
}

// only reports keys that need another store.
func (d *decoder) only(t *table, what string, keys ...string) {
	for _, key := range keys {
		if at := join(t.path, key); d.has(at) {
			d.bad(at, atKey, Contradiction, "remove it", "%q is for %s", key, what)
		}
	}
}

// Flagged notes a setting that the command line gave in place of the file's:
// flags win. The settings of a file say where its own values came from.
func (f *File) Flagged(key, value string) {
	for i, s := range f.Settings {
		if s.Key == key {
			f.Settings[i].Value, f.Settings[i].From = value, FromFlag
			return
		}
	}
	f.Settings = append(f.Settings, Setting{Key: key, Value: value, From: FromFlag})
}
