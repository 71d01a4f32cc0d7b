package s3store_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/blobtest"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/host/fault"
)

// Not the race: the server of the tests compares first and writes then, so that
// of two writes in the same milliseconds both may succeed. docs/connectors/s3.md
// says so.
func TestPutIf_Contract(t *testing.T) {
	srv := server(t)
	for _, prefix := range []string{"", "a/env=x"} {
		blobtest.PutIf(t, func() blob.Store { return at(t, srv, prefix, s3store.Options{}) })
	}
}

// O2: the answer to a write that succeeded is lost, and the second try of the
// SDK is refused.
func TestPutIf_AnswerLost_WinnerKnowsItWon(t *testing.T) {
	srv := server(t)
	var lost atomic.Int32
	endpoint := proxy(t, srv, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if r.Method == http.MethodPut && lost.Add(1) == 1 {
			forward.ServeHTTP(httptest.NewRecorder(), r)
			http.Error(w, "", http.StatusBadGateway)
			return
		}
		forward.ServeHTTP(w, r)
	})
	direct := at(t, srv, "", s3store.Options{})
	must(t, direct.Put(t.Context(), "runs/1", []byte("old")))
	_, version, err := direct.GetVersion(t.Context(), "runs/1")
	must(t, err)
	s := open(t, "s3://"+srv.Bucket, conf(endpoint), s3store.Options{Pause: 10 * time.Millisecond})
	next, err := s.PutIf(t.Context(), "runs/1", []byte("mine"), version)
	must(t, err)
	if lost.Load() < 2 {
		t.Error("nothing was tried again")
	}
	if _, is, err := direct.GetVersion(t.Context(), "runs/1"); err != nil || is != next {
		t.Errorf("version %q, %v: PutIf named %q", is, err, next)
	}
	if _, err := s.PutIf(t.Context(), "runs/1", []byte("mine"), version); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("the same bytes, another write: %v", err)
	}
}

func TestDeleteIf_ReplacedSince_Stays(t *testing.T) {
	ctx, srv := t.Context(), server(t)
	s := at(t, srv, "p", s3store.Options{})
	for _, k := range []string{"d/1", "d/2", "d/3"} {
		must(t, s.Put(ctx, k, []byte("old")))
	}
	list, err := s.Entries(ctx, "d/")
	must(t, err)
	must(t, s.Put(ctx, "d/2", []byte("new")))
	must(t, s.Delete(ctx, "d/3"))
	for range 2 {
		must(t, s.DeleteIf(ctx, list, 2))
	}
	left, err := s.Entries(ctx, "")
	must(t, err)
	if len(left) != 1 || left[0].Key != "d/2" {
		t.Errorf("left: %v", left)
	}
}

// A server without conditions for deletes is asked without.
func TestDeleteIf_ServerKnowsNoCondition_Deleted(t *testing.T) {
	srv := server(t)
	var refused atomic.Int32
	endpoint := proxy(t, srv, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if r.Method == http.MethodDelete && r.Header.Get("If-Match") != "" {
			refused.Add(1)
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		forward.ServeHTTP(w, r)
	})
	s := open(t, "s3://"+srv.Bucket, conf(endpoint), s3store.Options{Attempts: 1})
	must(t, s.Put(t.Context(), "x", nil))
	list, err := s.Entries(t.Context(), "")
	must(t, err)
	must(t, s.DeleteIf(t.Context(), list, 1))
	if left, err := s.Entries(t.Context(), ""); err != nil || len(left) > 0 || refused.Load() != 1 {
		t.Errorf("left: %v, %v, %d refused", left, err, refused.Load())
	}
}

// A server that says that another write of the key is under way is asked again,
// a bounded number of times.
func TestPutIf_AnotherWriteUnderWay_TriedAgain(t *testing.T) {
	srv := server(t)
	var left atomic.Int32
	endpoint := proxy(t, srv, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if r.Header.Get("If-Match") != "" && r.Method != http.MethodGet && left.Add(-1) >= 0 {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, "<Error><Code>ConditionalRequestConflict</Code><Message>busy</Message></Error>")
			return
		}
		forward.ServeHTTP(w, r)
	})
	s := open(t, "s3://"+srv.Bucket, conf(endpoint), s3store.Options{Attempts: 3, Pause: 10 * time.Millisecond})
	must(t, s.Put(t.Context(), "x", nil))
	_, version, err := s.GetVersion(t.Context(), "x")
	must(t, err)
	left.Store(2)
	version, err = s.PutIf(t.Context(), "x", []byte("1"), version)
	must(t, err)
	left.Store(100)
	if _, err := s.PutIf(t.Context(), "x", []byte("2"), version); !fault.Is(err, s3store.Refused) || errors.Is(err, blob.ErrChanged) {
		t.Errorf("for ever: %v", err)
	}
	list, err := s.Entries(t.Context(), "")
	must(t, err)
	if err := s.DeleteIf(t.Context(), list, 1); !fault.Is(err, s3store.Refused) {
		t.Errorf("delete, for ever: %v", err)
	}
	left.Store(2)
	must(t, s.DeleteIf(t.Context(), list, 1))
}
