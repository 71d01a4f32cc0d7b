package kafka

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
)

// Limits of a question to a registry.
const (
	registryTimeout = 10 * time.Second
	registryTries   = 3
	mostSchema      = 8 << 20  // of an answer
	mostReferences  = 100      // schemas that one refers to
	mostText        = 16 << 20 // of a schema and all that it refers to
	mostKept        = 1000     // schemas that are remembered
	mostSaid        = 300      // of what a registry says of a refusal
)

// registry asks a schema registry, each thing once. It is for several
// goroutines.
type registry struct {
	base *url.URL
	http *http.Client
	user *url.Userinfo // nil for a registry that takes anybody

	mu      sync.Mutex
	byID    map[int32]*avro.Schema
	unknown map[int32]time.Time // numbers that it did not know, and until when that holds
	// versions are the numbers of the schemas of the one subject that a reader
	// has, as far as they had to be looked up.
	versions map[int]int32
}

// newRegistry tells where schemas are asked for. Over https the certificates are
// those of the brokers, nil for the machine's own.
func newRegistry(cfg config.Registry, certificates *tls.Config) (*registry, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" {
		return nil, fault.New(BadConfig, `"registry" is no URL`).WithHint(`as in "http://localhost:8081"`)
	}
	r := &registry{base: u, byID: map[int32]*avro.Schema{}, unknown: map[int32]time.Time{}, versions: map[int]int32{}, user: u.User}
	if cfg.Username != "" {
		r.user = url.UserPassword(cfg.Username, cfg.Password.Value())
	}
	u.User = nil
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 2, DisableKeepAlives: true}
	if certificates != nil {
		transport.TLSClientConfig = certificates.Clone()
		transport.TLSClientConfig.ServerName = "" // which is the brokers'
	}
	r.http = &http.Client{Timeout: registryTimeout, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the password goes nowhere else
	}}
	return r, nil
}

func (r *registry) name() string { return "schema registry " + r.base.Redacted() }

// kept is a schema as a registry gives it.
type kept struct {
	ID         int32
	Schema     string
	Type       string `json:"schemaType"`
	References []reference
}

// reference is a schema whose types another one names.
type reference struct {
	Subject string
	Version int
}

// newest gives the newest schema of a subject.
func (r *registry) newest(ctx context.Context, subject string) (*avro.Schema, error) {
	var out kept
	err := r.ask(ctx, http.MethodGet, "/subjects/"+url.PathEscape(subject)+"/versions/latest", nil, &out)
	if err != nil {
		return nil, err
	}
	s, err := r.parse(ctx, fmt.Sprintf("subject %q", subject), out)
	if err == nil {
		r.keep(out.ID, s)
	}
	return s, err
}

// numbers lists the schemas that a subject has by now. Each version is asked for
// once.
func (r *registry) numbers(ctx context.Context, subject string) (map[int32]bool, error) {
	path := "/subjects/" + url.PathEscape(subject) + "/versions"
	var versions []int
	if err := r.ask(ctx, http.MethodGet, path, nil, &versions); err != nil {
		return nil, err
	}
	out := map[int32]bool{}
	for _, v := range versions {
		r.mu.Lock()
		id, ok := r.versions[v]
		r.mu.Unlock()
		if !ok {
			var k kept
			if err := r.ask(ctx, http.MethodGet, fmt.Sprintf("%s/%d", path, v), nil, &k); err != nil {
				return nil, err
			}
			id = k.ID
			r.mu.Lock()
			r.versions[v] = id
			r.mu.Unlock()
		}
		out[id] = true
	}
	return out, nil
}

// keep remembers a schema. When there are very many, it begins anew.
func (r *registry) keep(id int32, s *avro.Schema) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.byID) >= mostKept {
		clear(r.byID)
	}
	r.byID[id] = s
}

// schema gives the schema of a number, or errNoSchema.
func (r *registry) schema(ctx context.Context, id int32) (*avro.Schema, error) {
	r.mu.Lock()
	s := r.byID[id]
	r.mu.Unlock()
	if s != nil {
		return s, nil
	}
	var out kept
	err := r.ask(ctx, http.MethodGet, fmt.Sprintf("/schemas/ids/%d", id), nil, &out)
	var said *refusal
	if errors.As(err, &said) && said.Code == noSchema {
		return nil, errNoSchema
	}
	if err != nil {
		return nil, err
	}
	s, err = r.parse(ctx, fmt.Sprintf("schema %d", id), out)
	if err == nil {
		r.keep(id, s)
	}
	return s, err
}

// unread is what no answer of a registry can change: a schema that is there
// and is not read.
type unread string

func (u unread) Error() string { return string(u) }

func (r *registry) unread(why unread, format string, args ...any) error {
	return fault.Wrap(why, RegistryFailed, format, args...).At("%s", r.name())
}

func (r *registry) parse(ctx context.Context, what string, k kept) (*avro.Schema, error) {
	if err := r.isAvro(what, k); err != nil {
		return nil, err
	}
	n := needs{seen: map[reference]bool{}, left: mostText - len(k.Schema)}
	if err := r.follow(ctx, k.References, &n); err != nil {
		return nil, err
	}
	s, err := avro.Parse(k.Schema, n.texts...)
	if err != nil {
		e := fault.As(err)
		e.Message = what + ": " + e.Message
		return nil, e
	}
	return s, nil
}

func (r *registry) isAvro(what string, k kept) error {
	if k.Type != "" && k.Type != "AVRO" {
		return r.unread("AVRO is read", "%s is of type %s", what, k.Type)
	}
	if k.Schema == "" {
		return fault.New(RegistryFailed, "the answer for %s holds no schema", what).At("%s", r.name()).WithHint("check the URL, and whether the registry is up")
	}
	return nil
}

// needs are the texts of the schemas that one refers to.
type needs struct {
	seen  map[reference]bool
	texts []string
	left  int // bytes that may be added
}

// follow adds the texts of the schemas referred to, each behind those that it
// refers to itself, and each once.
func (r *registry) follow(ctx context.Context, refs []reference, n *needs) error {
	for _, ref := range refs {
		if n.seen[ref] {
			continue
		}
		n.seen[ref] = true
		what := fmt.Sprintf("subject %q, version %d", ref.Subject, ref.Version)
		if len(n.seen) > mostReferences {
			return r.unread("so many are not read", "%s is one of more than %d schemas that a schema refers to", what, mostReferences)
		}
		var k kept
		if err := r.ask(ctx, http.MethodGet, fmt.Sprintf("/subjects/%s/versions/%d", url.PathEscape(ref.Subject), ref.Version), nil, &k); err != nil {
			return err
		}
		if err := r.isAvro(what, k); err != nil {
			return err
		}
		if n.left -= len(k.Schema); n.left < 0 {
			return r.unread("so much is not read", "%s makes a schema longer than %d bytes, with all that it refers to", what, mostText)
		}
		if err := r.follow(ctx, k.References, n); err != nil {
			return err
		}
		n.texts = append(n.texts, k.Schema)
	}
	return nil
}

// register keeps a schema under a subject and gives its number; one that is
// there already keeps the number it has.
func (r *registry) register(ctx context.Context, subject, text string) (int32, error) {
	body, err := json.Marshal(map[string]string{"schema": text})
	if err != nil {
		return 0, err
	}
	var out struct{ ID int32 }
	path := "/subjects/" + url.PathEscape(subject) + "/versions"
	if err := r.ask(ctx, http.MethodPost, path, body, &out); err != nil {
		return 0, err
	}
	if out.ID <= 0 {
		return 0, fault.New(RegistryFailed, "POST %s: the answer holds no number of a schema", path).At("%s", r.name()).WithHint("check the URL, and whether the registry is up")
	}
	return out.ID, nil
}

// ask makes a request, again where that may help.
func (r *registry) ask(ctx context.Context, method, path string, body []byte, out any) error {
	var last *fault.Error
	for try := range registryTries {
		if try > 0 && !sleep(ctx, time.Duration(try)*200*time.Millisecond) {
			return context.Cause(ctx)
		}
		last = r.once(ctx, method, path, body, out)
		if last == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !last.Retry {
			break
		}
	}
	return last
}

func (r *registry) once(ctx context.Context, method, path string, body []byte, out any) *fault.Error {
	what := method + " " + path
	failed := func(err error, retry bool) *fault.Error {
		var u *url.Error
		if errors.As(err, &u) { // which holds the whole URL
			err = u.Err
		}
		if errors.Is(err, io.EOF) {
			err = errors.New("the connection was closed")
		}
		e := fault.Wrap(err, RegistryFailed, "%s", what).At("%s", r.name()).WithHint("check the URL, and whether the registry is up")
		e.Retry = retry
		return e
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(r.base.String(), "/")+path, bytes.NewReader(body))
	if err != nil {
		return failed(errors.New("the request cannot be made"), false)
	}
	if r.user != nil {
		password, _ := r.user.Password()
		req.SetBasicAuth(r.user.Username(), password)
	}
	req.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	}
	res, err := r.http.Do(req)
	if err != nil {
		return failed(err, true)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, mostSchema+1))
	if err != nil {
		return failed(err, true)
	}
	if len(b) > mostSchema {
		return failed(fmt.Errorf("an answer of more than %d bytes", mostSchema), false)
	}
	if res.StatusCode != http.StatusOK {
		return r.refused(what, res, b)
	}
	if err := json.Unmarshal(b, out); err != nil {
		return failed(fmt.Errorf("the answer is no JSON of a registry: %w", err), false)
	}
	return nil
}

// refusal is an answer with another status than 200.
type refusal struct {
	status  string
	Code    int `json:"error_code"` // the registry's own; 0 when it was not one who answered
	Message string
}

func (r *refusal) Error() string { return strings.TrimSpace(r.status + " " + r.Message) }

// noSchema is the number of the refusal of a schema that a registry does not
// know.
const noSchema = 40403

// errNoSchema says so of a number.
var errNoSchema = errors.New("the registry does not know the schema")

// refused makes an error of an answer with another status than 200.
func (r *registry) refused(what string, res *http.Response, body []byte) *fault.Error {
	said := &refusal{status: res.Status}
	_ = json.Unmarshal(body, said) // an answer without a message tells its status only
	if len(said.Message) > mostSaid {
		said.Message = strings.ToValidUTF8(said.Message[:mostSaid], "") + "..."
	}
	e := fault.Wrap(said, RegistryFailed, "%s", what).At("%s", r.name())
	e.Retry = res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusRequestTimeout
	switch res.StatusCode {
	case http.StatusNotFound:
		e.Hint = "register the schema, or check the name of the topic"
		if said.Code == 0 { // something before the registry, which may be back soon
			e.Hint, e.Retry = "check the URL: this is no answer of a schema registry", true
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Hint = "check registry_username and registry_password, and what the user may do"
	case http.StatusConflict:
		e.Hint = "the registry's rule of compatibility does not allow the new columns: give the topic or the set a new name, or change the rule"
	}
	return e
}

// sleep waits; false when ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
