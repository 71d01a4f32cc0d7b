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
	mostSchema      = 8 << 20
	mostReferences  = 100
)

// registry asks a schema registry, each thing once. It is for several
// goroutines.
type registry struct {
	base *url.URL
	http *http.Client
	user *url.Userinfo // nil for a registry that takes anybody

	mu   sync.Mutex
	byID map[int32]*avro.Schema
}

// newRegistry tells where schemas are asked for. Over https the certificates are
// those of the brokers, nil for the machine's own.
func newRegistry(cfg config.Registry, certificates *tls.Config) (*registry, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" {
		return nil, fault.New(BadConfig, `"registry" is no URL`).WithHint(`as in "http://localhost:8081"`)
	}
	r := &registry{base: u, byID: map[int32]*avro.Schema{}, user: u.User}
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
		r.mu.Lock()
		r.byID[out.ID] = s
		r.mu.Unlock()
	}
	return s, err
}

// schema gives the schema of a number.
func (r *registry) schema(ctx context.Context, id int32) (*avro.Schema, error) {
	r.mu.Lock()
	s := r.byID[id]
	r.mu.Unlock()
	if s != nil {
		return s, nil
	}
	var out kept
	if err := r.ask(ctx, http.MethodGet, fmt.Sprintf("/schemas/ids/%d", id), nil, &out); err != nil {
		return nil, err
	}
	s, err := r.parse(ctx, fmt.Sprintf("schema %d", id), out)
	if err == nil {
		r.mu.Lock()
		r.byID[id] = s
		r.mu.Unlock()
	}
	return s, err
}

func (r *registry) parse(ctx context.Context, what string, k kept) (*avro.Schema, error) {
	if err := r.isAvro(what, k); err != nil {
		return nil, err
	}
	var needs []string
	if err := r.follow(ctx, k.References, map[reference]bool{}, &needs); err != nil {
		return nil, err
	}
	s, err := avro.Parse(k.Schema, needs...)
	if err != nil {
		e := fault.As(err)
		e.Message = what + ": " + e.Message
		return nil, e
	}
	return s, nil
}

func (r *registry) isAvro(what string, k kept) error {
	if k.Type != "" && k.Type != "AVRO" {
		return fault.New(RegistryFailed, "%s is of type %s: AVRO is read", what, k.Type).At("%s", r.name())
	}
	return nil
}

// follow adds the texts of the schemas referred to, each behind those that it
// refers to itself, and each once.
func (r *registry) follow(ctx context.Context, refs []reference, seen map[reference]bool, texts *[]string) error {
	for _, ref := range refs {
		if seen[ref] {
			continue
		}
		seen[ref] = true
		what := fmt.Sprintf("subject %q, version %d", ref.Subject, ref.Version)
		if len(seen) > mostReferences {
			return fault.New(RegistryFailed, "%s is one of more than %d schemas that a schema refers to", what, mostReferences).At("%s", r.name())
		}
		var k kept
		if err := r.ask(ctx, http.MethodGet, fmt.Sprintf("/subjects/%s/versions/%d", url.PathEscape(ref.Subject), ref.Version), nil, &k); err != nil {
			return err
		}
		if err := r.isAvro(what, k); err != nil {
			return err
		}
		if err := r.follow(ctx, k.References, seen, texts); err != nil {
			return err
		}
		*texts = append(*texts, k.Schema)
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
	return out.ID, r.ask(ctx, http.MethodPost, "/subjects/"+url.PathEscape(subject)+"/versions", body, &out)
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
		var said struct{ Message string }
		_ = json.Unmarshal(b, &said) // an answer without a message tells its status only
		e := fault.New(RegistryFailed, "%s: %s %s", what, res.Status, said.Message).At("%s", r.name())
		e.Retry = res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests
		switch res.StatusCode {
		case http.StatusNotFound:
			e.Hint = "register the schema, or check the name of the topic"
		case http.StatusUnauthorized, http.StatusForbidden:
			e.Hint = "check registry_username and registry_password, and what the user may do"
		case http.StatusConflict:
			e.Hint = "the registry's rule of compatibility does not allow the new columns: give the topic or the set a new name, or change the rule"
		}
		return e
	}
	if err := json.Unmarshal(b, out); err != nil {
		return failed(fmt.Errorf("the answer is no JSON of a registry: %w", err), false)
	}
	return nil
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
