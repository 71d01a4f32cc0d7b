package config

import (
	"net"
	"strconv"
	"strings"
)

// address reads the host:port of one server, with or without a scheme. A port
// that is not given is the usual one.
func (d *decoder) address(t *table, key, scheme, port string) string {
	v := d.setting(t, key, "", "")
	if v == "" {
		return ""
	}
	at := join(t.path, key)
	rest := v
	if s, after, ok := strings.Cut(v, "://"); ok {
		if s != scheme {
			d.bad(at, atValue, BadValue, "as in \"localhost:"+port+"\"", "%q is no address: its scheme is not known", key)
			return ""
		}
		rest = after
	}
	out, ok := hostPort(rest, port)
	if !ok {
		d.bad(at, atValue, BadValue, "as in \"localhost:"+port+"\"", "%q is no address", key)
		return ""
	}
	return out
}

// hostPort completes an address with the usual port.
func hostPort(s, port string) (string, bool) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		host, p = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), port
	}
	n, err := strconv.Atoi(p)
	if err != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, "/@[] \t") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", false
	}
	return net.JoinHostPort(host, p), true
}

// addresses reads the servers to ask first. They stay as they were written.
func (d *decoder) addresses(t *table, key, variable, port string) []string {
	out := d.list(t, key, variable)
	items := t.strings(key)
	for i, one := range out {
		if _, ok := hostPort(one, port); ok {
			continue
		}
		hint := "as in \"localhost:" + port + "\""
		if i >= len(items) {
			d.badVariable(t, key, variable, hint)
			break
		}
		d.bad(items[i].path, atValue, BadValue, hint, "%s is no address", d.quote(items[i].path, items[i].val))
	}
	return out
}

// serverURL reads the URL of a web server. Credentials in it would be told by
// every message that names the server.
func (d *decoder) serverURL(t *table, key string) string {
	v := d.setting(t, key, "", "")
	if v != "" && !isServerURL(v) {
		d.bad(join(t.path, key), atValue, BadValue, `as in "http://localhost:8081"; user and password have keys of their own`, "%q %s is no URL of a server", key, tableName(t.path))
	}
	return v
}

// tls reads how a connection is encrypted; nil where it is not.
func (d *decoder) tls(t *table) *TLS {
	tt, ok := get[*table](t, "tls")
	if !ok {
		return nil
	}
	d.notEmpty(tt, "ca", "cert", "key", "server_name")
	out := &TLS{CA: d.setting(tt, "ca", "", ""), Cert: d.setting(tt, "cert", "", ""), ServerName: d.setting(tt, "server_name", "", ""), Key: tt.val("key")}
	for _, key := range []string{"ca", "cert", "key"} {
		d.localPath(tt, key)
	}
	has := func(key string) bool { return d.has(join(tt.path, key)) || tt.meant[key] }
	if has("cert") != has("key") {
		d.bad(tt.path, atValue, MissingKey, "give both, or none", `"cert" and "key" belong together`)
	}
	return out
}

// user reads a user and the password, which belong together.
func (d *decoder) user(t *table, userVariable, passwordVariable string) (string, Secret) {
	return d.userOf(t, "username", "password", userVariable, passwordVariable)
}

// userOf is user under keys of other names.
func (d *decoder) userOf(t *table, userKey, passwordKey, userVariable, passwordVariable string) (string, Secret) {
	d.notEmpty(t, userKey, passwordKey)
	name, password := d.setting(t, userKey, userVariable, ""), d.secret(t, passwordKey, passwordVariable)
	given := func(key string, is bool) bool { return is || d.has(join(t.path, key)) || t.meant[key] }
	switch has, word := given(userKey, name != ""), given(passwordKey, !password.IsZero()); {
	case has && !word:
		d.needed(t, passwordKey, passwordVariable, "write "+passwordKey+` = "${...}"`, false)
	case word && !has:
		d.needed(t, userKey, userVariable, "write "+userKey+` = "..."`, false)
	}
	return name, password
}
