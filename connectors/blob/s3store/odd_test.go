package s3store_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
)

// oddServer is a store on a server that answers as f does.
func oddServer(t *testing.T, f http.HandlerFunc) *s3store.Store {
	t.Helper()
	servertest.S3(t).Setenv(t)
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return open(t, "s3://b/p", conf(srv.URL), s3store.Options{Attempts: 2, Pause: time.Millisecond})
}

// What an object is said to be is held against what comes: a size that is not
// told or not true would read as other bytes, or ask for more memory than
// there is.
func TestOpen_AnswerMakesNoSense_Refused(t *testing.T) {
	const body = "0123456789"
	length := func(n string) map[string]string { return map[string]string{"Content-Length": n} }
	ranged := func(r, n string) map[string]string {
		return map[string]string{"Content-Range": "bytes " + r, "Content-Length": n}
	}
	for name, c := range map[string]struct {
		status int
		header map[string]string
		body   string // of the answer to GET
		listed s3store.Entry
		size   int64  // of the object; -1: refused
		says   string // the refusal
	}{
		"whole":                {200, length("10"), body, s3store.Entry{}, 10, ""},
		"range":                {206, ranged("4-9/10", "6"), body[4:], s3store.Entry{}, 10, ""},
		"as listed":            {206, ranged("4-9/10", "6"), body[4:], s3store.Entry{Size: 10, ETag: `"v1"`}, 10, ""},
		"replaced since":       {206, ranged("4-9/10", "6"), body[4:], s3store.Entry{Size: 7, ETag: `"v0"`}, 10, ""},
		"listed, no version":   {206, ranged("4-9/10", "6"), body[4:], s3store.Entry{Size: 7}, 10, ""},
		"other size":           {206, ranged("4-9/10", "6"), body[4:], s3store.Entry{Size: 7, ETag: `"v1"`}, -1, "listed with 7 bytes"},
		"other size, whole":    {200, length("0"), "", s3store.Entry{Size: 7, ETag: `"v1"`}, -1, "listed with 7 bytes"},
		"chunked, no ranges":   {200, nil, body, s3store.Entry{}, -1, "how long"},
		"chunked range":        {206, map[string]string{"Content-Range": "bytes 4-9/10"}, body[4:], s3store.Entry{}, -1, "how long"},
		"a terabyte":           {206, ranged("0-999999999999/1000000000000", "1000000000000"), body, s3store.Entry{}, -1, "1000000000000 bytes"},
		"a bit more":           {206, ranged("1-9/10", "9"), body[1:], s3store.Entry{}, -1, "9 bytes"},
		"before the beginning": {206, ranged("-1-4/5", "6"), body[4:], s3store.Entry{}, -1, "range"},
		"no range, long":       {200, length("1000000000000"), body, s3store.Entry{}, -1, "knows no ranges"},
		"empty":                {416, nil, "", s3store.Entry{}, 0, ""},
		"empty, size unknown":  {416, map[string]string{"Transfer-Encoding": "chunked"}, "", s3store.Entry{}, -1, "how long"},
	} {
		t.Run(name, func(t *testing.T) {
			s := oddServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"v1"`)
				for k, v := range c.header {
					w.Header().Set(k, v)
				}
				if r.Method == http.MethodHead {
					if c.header == nil {
						w.Header().Set("Content-Length", "0")
					}
					return
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				w.(http.Flusher).Flush() //nolint:forcetypeassert // of net/http
			})
			tail := int64(6)
			if c.status == http.StatusOK {
				tail = 10
			}
			c.listed.Key = "k"
			o, err := s.OpenListed(t.Context(), c.listed, tail)
			if c.size < 0 {
				if !fault.Is(err, s3store.Refused) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), s.Path("k")) {
					t.Errorf("got %+v, %v", o, err)
				}
				return
			}
			if err != nil || o.Size != c.size || string(o.Tail) != c.body {
				t.Errorf("got %+v, %v", o, err)
			}
		})
	}
}

// A folder above the key is an object, which no patience cures.
func TestPutIfAbsent_RefusedForGood_Ends(t *testing.T) {
	srv := server(t)
	var puts atomic.Int32
	endpoint := proxy(t, srv, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		puts.Add(1)
		forward.ServeHTTP(w, r)
	})
	s := open(t, "s3://"+srv.Bucket, conf(endpoint), s3store.Options{Pause: 10 * time.Millisecond})
	must(t, s.Put(t.Context(), "runs", []byte("x")))
	puts.Store(0)
	ended := make(chan error, 1)
	go func() { ended <- s.PutIfAbsent(t.Context(), "runs/1", []byte("x")) }()
	select {
	case err := <-ended:
		if !fault.Is(err, s3store.Refused) || errors.Is(err, blob.ErrExist) || !strings.Contains(err.Error(), "write refused") || !strings.Contains(err.Error(), s.Path("runs/1")) {
			t.Errorf("%v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("it goes on after %d tries", puts.Load())
	}
	if n := puts.Load(); n != 1 {
		t.Errorf("tried %d times", n)
	}
}

// While another writer is at it, who wins is not known: for a while that is
// waited for.
func TestPutIfAbsent_AnotherWriterAtIt_WaitsAWhile(t *testing.T) {
	srv := server(t)
	for name, c := range map[string]struct {
		code  string
		times int32 // that the server answers so
		tries int32
	}{
		"conditional":          {"ConditionalRequestConflict", 3, 4},
		"aborted":              {"OperationAborted", 1, 2},
		"conditional for ever": {"ConditionalRequestConflict", 1 << 30, 5},
		"aborted for ever":     {"OperationAborted", 1 << 30, 5},
	} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32
			endpoint := proxy(t, srv, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
				if r.Method == http.MethodPut && tries.Add(1) <= c.times {
					io.Copy(io.Discard, r.Body)
					w.WriteHeader(http.StatusConflict)
					fmt.Fprintf(w, `<Error><Code>%s</Code><Message>A conflict</Message></Error>`, c.code)
					return
				}
				forward.ServeHTTP(w, r)
			})
			s := open(t, "s3://"+srv.Bucket+"/"+name, conf(endpoint), s3store.Options{Attempts: 5, Pause: time.Millisecond})
			err := s.PutIfAbsent(t.Context(), "1", []byte("x"))
			if tries.Load() != c.tries {
				t.Errorf("%d tries, want %d", tries.Load(), c.tries)
			}
			if c.times < c.tries {
				must(t, err)
				return
			}
			f := fault.As(err)
			if f == nil || f.Code != s3store.Refused || !f.Retry || errors.Is(err, blob.ErrExist) || !strings.Contains(err.Error(), c.code) {
				t.Errorf("%v (%+v)", err, f)
			}
		})
	}
}

// A server whose list of uploads holds what was not asked for, or never ends,
// costs nobody an upload and ends.
func TestDeletePrefix_OddListOfUploads_OthersStay(t *testing.T) {
	var lists atomic.Int32
	var aborted []string
	s := oddServer(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case r.Method == http.MethodDelete:
			aborted = append(aborted, r.URL.Path)
			w.WriteHeader(http.StatusNoContent)
		case q.Has("uploads"):
			if lists.Add(1) > 3 {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `<Error><Code>Enough</Code></Error>`)
				return
			}
			fmt.Fprint(w, `<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>m</NextKeyMarker><NextUploadIdMarker>m</NextUploadIdMarker>`)
			for _, key := range []string{"p/x/mine", "p/y/other", "other/x", "p", ""} {
				fmt.Fprintf(w, `<Upload><Key>%s</Key><UploadId>u</UploadId></Upload>`, key)
			}
			fmt.Fprint(w, `</ListMultipartUploadsResult>`)
		default:
			fmt.Fprint(w, `<ListBucketResult></ListBucketResult>`)
		}
	})
	must(t, s.DeletePrefix(t.Context(), "x/"))
	if lists.Load() != 2 { // the second has the markers of the first
		t.Errorf("listed %d times", lists.Load())
	}
	for _, path := range aborted {
		if path != "/b/p/x/mine" {
			t.Errorf("aborted %q", path)
		}
	}
	if len(aborted) == 0 {
		t.Error("nothing was aborted")
	}
}

// A list that is cut off without a way to go on, or that holds keys of others,
// is none: rows would be missing, or objects of others deleted.
func TestEntries_OddList_Refused(t *testing.T) {
	for name, c := range map[string]struct{ list, says string }{
		"no token":    {`<IsTruncated>true</IsTruncated>`, "does not go on"},
		"same token":  {`<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>`, "does not go on"},
		"other keys":  {`<Contents><Key>other/1</Key><Size>1</Size></Contents>`, `"other/1"`},
		"shorter key": {`<Contents><Key>p</Key><Size>1</Size></Contents>`, `"p"`},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			s := oddServer(t, func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) > 5 {
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, `<Error><Code>Enough</Code></Error>`)
					return
				}
				fmt.Fprintf(w, `<ListBucketResult>%s</ListBucketResult>`, c.list)
			})
			list, err := s.Entries(t.Context(), "x/")
			if !fault.Is(err, s3store.Refused) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "Enough") {
				t.Errorf("%v, %v", list, err)
			}
		})
	}
}
