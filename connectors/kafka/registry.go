package kafka

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
)

// Limits of a question to a registry.
const (
	registryTimeout = 10 * time.Second
	registryTries   = 3
	mostSchema      = 8 << 20
)

// registry asks a schema registry, each thing once. It is for several
// goroutines.
type registry struct {
	base *url.URL
	http *http.Client

	mu   sync.Mutex
	byID map[int32]*avro.Schema
}

func newRegistry(text string) (*registry, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, fault.New(BadConfig, `"registry" is no URL`).WithHint(`as in "http://localhost:8081"`)
	}
	return &registry{
		base: u, byID: map[int32]*avro.Schema{},
		http: &http.Client{Timeout: registryTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 2, DisableKeepAlives: true}},
	}, nil
}

// name is the registry without what must not be printed.
func (r *registry) name() string { return "schema registry " + r.base.Redacted() }

// newest gives the newest schema of a subject.
func (r *registry) newest(ctx context.Context, subject string) (*avro.Schema, error) {
	var out struct {
		ID     int32
		Schema string
		Type   string `json:"schemaType"`
	}
	err := r.ask(ctx, http.MethodGet, "/subjects/"+url.PathEscape(subject)+"/versions/latest", nil, &out)
	if err != nil {
		return nil, err
	}
	s, err := r.parse(fmt.Sprintf("subject %q", subject), out.Schema, out.Type)
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
	var out struct {
		Schema string
		Type   string `json:"schemaType"`
	}
	if err := r.ask(ctx, http.MethodGet, fmt.Sprintf("/schemas/ids/%d", id), nil, &out); err != nil {
		return nil, err
	}
	s, err := r.parse(fmt.Sprintf("schema %d", id), out.Schema, out.Type)
	if err == nil {
		r.mu.Lock()
		r.byID[id] = s
		r.mu.Unlock()
	}
	return s, err
}

func (r *registry) parse(what, text, kind string) (*avro.Schema, error) {
	if kind != "" && kind != "AVRO" {
		return nil, fault.New(RegistryFailed, "%s is of type %s: AVRO is read", what, kind).At("%s", r.name())
	}
	s, err := avro.Parse(text)
	if err != nil {
		e := fault.As(err)
		e.Message = what + ": " + e.Message
		return nil, e
	}
	return s, nil
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
			e.Hint = "a registry that asks for a user cannot be used yet: give featurehost a way to it without one"
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
