package s3store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is the shared server with a fresh bucket, known to the AWS chain.
func server(t *testing.T) *servertest.S3Server {
	t.Helper()
	s := servertest.S3(t)
	s.Setenv(t)
	return s
}

func conf(endpoint string) config.S3 {
	return config.S3{Endpoint: endpoint, Region: "us-east-1", PathStyle: true}
}

func open(t *testing.T, path string, cfg config.S3, o s3store.Options) *s3store.Store {
	t.Helper()
	s, err := s3store.NewPool(o).Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func at(t *testing.T, srv *servertest.S3Server, prefix string, o s3store.Options) *s3store.Store {
	t.Helper()
	return open(t, "s3://"+srv.Bucket+"/"+prefix, conf(srv.Endpoint), o)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The contract that blob.Local is held to as well.
func TestStore_PutGetListDelete(t *testing.T) {
	ctx, srv := t.Context(), server(t)
	for _, prefix := range []string{"", "a/env=x"} {
		s := at(t, srv, prefix, s3store.Options{})
		for _, k := range []string{"runs/000002.json", "runs/000001.json", "runs-a", "z/y/x"} {
			must(t, s.Put(ctx, k, []byte(k)))
		}
		for folder, want := range map[string]string{
			"": "runs-a runs/000001.json runs/000002.json z/y/x", "runs/": "runs/000001.json runs/000002.json", "z/y/": "z/y/x", "none/": "",
		} {
			infos, err := s.List(ctx, folder)
			must(t, err)
			var got []string
			for _, i := range infos {
				got = append(got, i.Key)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("List(%q) = %q, want %q", folder, got, want)
			}
		}
		folders, objects, err := s.Folders(ctx, "")
		if err != nil || fmt.Sprint(folders) != "[runs z]" || len(objects) != 1 || objects[0].Key != "runs-a" {
			t.Errorf("Folders = %v, %v, %v", folders, objects, err)
		}
		if got, err := s.Get(ctx, "z/y/x"); err != nil || string(got) != "z/y/x" {
			t.Errorf("Get = %q, %v", got, err)
		}
		if i, err := s.Stat(ctx, "runs-a"); err != nil || i.Size != 6 || time.Since(i.Modified) > time.Hour {
			t.Errorf("Stat = %+v, %v", i, err)
		}
		for range 2 { // the second finds nothing, which is no error
			must(t, s.Delete(ctx, "runs-a"))
		}
		if _, err := s.Get(ctx, "runs-a"); !errors.Is(err, blob.ErrNotExist) || !strings.Contains(err.Error(), s.Path("runs-a")) {
			t.Errorf("Get of an absent key: %v", err)
		}
		if _, err := s.Stat(ctx, "z"); !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("Stat of a folder: %v", err)
		}
		if _, err := s.List(ctx, "runs"); !fault.Is(err, blob.BadKey) {
			t.Errorf("List of no folder: %v", err)
		}
		for _, bad := range []string{"", "a/", "../x", ".tmp-x"} {
			if err := s.Put(ctx, bad, nil); !fault.Is(err, blob.BadKey) {
				t.Errorf("Put(%q): %v", bad, err)
			}
		}
		must(t, s.DeletePrefix(ctx, ""))
		if left, err := s.List(ctx, ""); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

func TestEntries_MoreThanAPage_All(t *testing.T) {
	srv := server(t)
	s := at(t, srv, "many", s3store.Options{})
	var wait sync.WaitGroup
	for w := range 8 {
		wait.Go(func() {
			for i := w; i < 1203; i += 8 {
				if err := s.Put(t.Context(), fmt.Sprintf("k/%04d", i), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	list, err := s.Entries(t.Context(), "k/")
	must(t, err)
	if len(list) != 1203 || list[1202].Key != "k/1202" {
		t.Errorf("%d objects", len(list))
	}
	must(t, s.DeletePrefix(t.Context(), "k/"))
	if list, err = s.Entries(t.Context(), ""); err != nil || len(list) > 0 {
		t.Errorf("%d left, %v", len(list), err)
	}
}

// B2: one winner, and it is known to itself.
func TestPutIfAbsent_Races_OneWinner(t *testing.T) {
	srv := server(t)
	for round := range 10 {
		key := fmt.Sprintf("runs/%d", round)
		var won atomic.Int32
		var wait sync.WaitGroup
		for w := range 6 {
			s := at(t, srv, "ledger", s3store.Options{})
			wait.Go(func() {
				switch err := s.PutIfAbsent(t.Context(), key, fmt.Appendf(nil, "%d", w)); {
				case err == nil:
					won.Add(1)
					if got, err := s.Get(t.Context(), key); err != nil || string(got) != fmt.Sprint(w) {
						t.Errorf("winner %d reads %q, %v", w, got, err)
					}
				case !errors.Is(err, blob.ErrExist):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 {
			t.Errorf("%d winners", won.Load())
		}
	}
}

// proxy stands before the server and may answer in its place.
func proxy(t *testing.T, srv *servertest.S3Server, f func(w http.ResponseWriter, r *http.Request, forward http.Handler)) string {
	t.Helper()
	u, err := url.Parse(srv.Endpoint)
	must(t, err)
	transport := &http.Transport{}
	forward := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host
		r.Out.Host = r.In.Host // it is signed
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }}
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(w, r, forward) }))
	t.Cleanup(func() { p.Close(); transport.CloseIdleConnections() })
	return p.URL
}

// O2: the answer to a write that succeeded is lost, and the second try of the
// SDK is refused.
func TestPutIfAbsent_AnswerLost_WinnerKnowsItWon(t *testing.T) {
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
	s := open(t, "s3://"+srv.Bucket, conf(endpoint), s3store.Options{Pause: 10 * time.Millisecond})
	must(t, s.PutIfAbsent(t.Context(), "runs/1", []byte("mine")))
	if lost.Load() < 2 {
		t.Error("nothing was tried again")
	}
	if err := s.PutIfAbsent(t.Context(), "runs/1", []byte("mine")); !errors.Is(err, blob.ErrExist) {
		t.Errorf("the same bytes, another writer: %v", err)
	}
}

func random(n int) []byte {
	out := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

func TestObject_RangesAndStream_SameBytes(t *testing.T) {
	ctx, srv := t.Context(), server(t)
	s := at(t, srv, "", s3store.Options{})
	for _, size := range []int{0, 1, 100, 1 << 20} {
		data := random(size)
		must(t, s.Put(ctx, "d/x y+é%", data))
		for _, tail := range []int64{1, 100, 2 << 20} {
			o, err := s.Open(ctx, "d/x y+é%", tail)
			must(t, err)
			if o.Size != int64(size) || !bytes.Equal(o.Tail, data[max(0, size-int(tail)):]) {
				t.Fatalf("size %d, tail %d: %d, %d bytes", size, tail, o.Size, len(o.Tail))
			}
			for range 20 {
				from := rand.IntN(size + 1)
				to := from + rand.IntN(size-from+1)
				got := make([]byte, to-from)
				if err := o.Read(ctx, got, int64(from)); err != nil || !bytes.Equal(got, data[from:to]) {
					t.Fatalf("%d to %d of %d: %v", from, to, size, err)
				}
			}
			if err := o.Read(ctx, make([]byte, 2), int64(size)-1); err == nil {
				t.Error("read behind the end")
			}
			r := o.Stream(ctx, 100_000, 3)
			got, err := io.ReadAll(r)
			r.Close()
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("stream of %d: %d bytes, %v", size, len(got), err)
			}
		}
	}
	if _, err := s.Open(ctx, "none", 8); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("Open of an absent key: %v", err)
	}
}

// O3.
func TestObject_ReplacedMeanwhile_Changed(t *testing.T) {
	ctx, srv := t.Context(), server(t)
	s := at(t, srv, "", s3store.Options{})
	must(t, s.Put(ctx, "k", random(300_000)))
	o, err := s.Open(ctx, "k", 8)
	must(t, err)
	must(t, s.Put(ctx, "k", random(300_001)[1:]))
	for name, read := range map[string]func() error{
		"range":  func() error { return o.Read(ctx, make([]byte, 10), 0) },
		"stream": func() error { r := o.Stream(ctx, 1000, 2); defer r.Close(); _, err := io.ReadAll(r); return err },
	} {
		f := fault.As(read())
		if f == nil || f.Code != s3store.Changed || !f.Retry || !strings.Contains(f.Error(), s.Path("k")) {
			t.Errorf("%s: %v", name, f)
		}
	}
	must(t, s.Delete(ctx, "k"))
	if err := o.Read(ctx, make([]byte, 10), 0); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("deleted meanwhile: %v", err)
	}
}

// An answer that breaks off in the middle is gone on with.
func TestObject_ConnectionCutInTheBody_GoesOn(t *testing.T) {
	ctx, srv := t.Context(), server(t)
	data := random(1 << 20)
	must(t, at(t, srv, "", s3store.Options{}).Put(ctx, "k", data))
	var gets atomic.Int32
	endpoint := proxy(t, srv, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if r.Method == http.MethodGet && gets.Add(1)%3 != 0 {
			rec := httptest.NewRecorder()
			forward.ServeHTTP(rec, r)
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			w.WriteHeader(rec.Code)
			body := rec.Body.Bytes()
			w.Write(body[:len(body)/3])
			panic(http.ErrAbortHandler)
		}
		forward.ServeHTTP(w, r)
	})
	s := open(t, "s3://"+srv.Bucket, conf(endpoint), s3store.Options{Pause: 10 * time.Millisecond})
	o, err := s.Open(ctx, "k", 1000)
	must(t, err)
	got := make([]byte, len(data))
	must(t, o.Read(ctx, got, 0))
	if !bytes.Equal(got, data) {
		t.Error("other bytes")
	}
	if whole, err := s.Get(ctx, "k"); err != nil || !bytes.Equal(whole, data) {
		t.Errorf("Get: %d bytes, %v", len(whole), err)
	}
}

func TestUploadCopy_SmallAndInParts_SameBytesAndMeta(t *testing.T) {
	ctx, srv := t.Context(), server(t)
	for name, o := range map[string]s3store.Options{
		"at once":  {},
		"in parts": {PutLimit: 1, CopyLimit: 1, PartSize: 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			s := at(t, srv, "a+b %25 é=1/"+name, o)
			for _, size := range []int{11, 33 << 20} {
				data := random(size)
				path := filepath.Join(t.TempDir(), "f")
				must(t, os.WriteFile(path, data, 0o600))
				meta := map[string]string{"featurehost-run": "r1"}
				e, err := s.Upload(ctx, "from here", path, meta, 2)
				must(t, err)
				if e.ETag == "" || e.Size != int64(size) {
					t.Errorf("%+v", e)
				}
				listed, err := s.Entries(ctx, "from")
				if err != nil || len(listed) != 1 || listed[0].ETag != e.ETag || listed[0].Size != e.Size {
					t.Errorf("uploaded %+v, listed %+v, %v", e, listed, err)
				}
				must(t, s.Copy(ctx, e, "to/there", meta, 2))
				for _, k := range []string{"from here", "to/there"} {
					got, err := s.Get(ctx, k)
					if err != nil || sha256.Sum256(got) != sha256.Sum256(data) {
						t.Errorf("%s: %d bytes, %v", k, len(got), err)
					}
					if m, err := s.Meta(ctx, k); err != nil || m["featurehost-run"] != "r1" {
						t.Errorf("%s: meta %v, %v", k, m, err)
					}
				}
				must(t, s.Put(ctx, "from here", append([]byte{data[0] + 1}, data[1:]...)))
				if err := s.Copy(ctx, e, "to/there", meta, 2); !fault.Is(err, s3store.Changed) {
					t.Errorf("copy of a replaced object: %v", err)
				}
				must(t, s.Delete(ctx, "from here"))
				if err := s.Copy(ctx, e, "to/there", meta, 2); !errors.Is(err, blob.ErrNotExist) {
					t.Errorf("copy of an absent object: %v", err)
				}
			}
		})
	}
}

// A process killed in an upload leaves parts that no listing shows.
func TestUpload_Killed_NothingSeenAndRemovedWithTheFolder(t *testing.T) {
	ctx, srv := t.Context(), server(t)
	dead := errors.New("dead")
	var parts atomic.Int32
	s := at(t, srv, "", s3store.Options{PutLimit: 1, Hook: func(op blob.Op) error {
		if op.Kind == blob.Part && parts.Add(1) > 1 || op.Kind == blob.Remove {
			return dead
		}
		return nil
	}})
	path := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(path, random(33<<20), 0o600))
	if _, err := s.Upload(ctx, "p/x", path, nil, 1); !errors.Is(err, dead) {
		t.Fatal(err)
	}
	if list, err := s.Entries(ctx, ""); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
	count := func() int {
		out, err := srv.Client().ListMultipartUploads(ctx, uploads(srv.Bucket))
		must(t, err)
		return len(out.Uploads)
	}
	if count() != 1 {
		t.Error("the killed upload left nothing: the test proves nothing")
	}
	must(t, at(t, srv, "", s3store.Options{}).DeletePrefix(ctx, "p/"))
	if count() != 0 {
		t.Error("parts are left")
	}
}

func TestErrors_EachNamesTheThing(t *testing.T) {
	srv := server(t)
	quick := s3store.Options{Attempts: 2, Pause: 10 * time.Millisecond, Silence: 2 * time.Second}
	answering := func(status int, code, header string) string {
		return proxy(t, srv, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			if header != "" {
				w.Header().Set("X-Amz-Bucket-Region", header)
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, `<Error><Code>%s</Code><Message>said of %s and %s</Message></Error>`, code, srv.AccessKey, srv.SecretKey)
		})
	}
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	for name, c := range map[string]struct {
		endpoint, bucket string
		env              map[string]string
		code             fault.Code
		retry            bool
		holds            []string
	}{
		"no bucket":      {srv.Endpoint, "no-such-bucket", nil, s3store.NoBucket, false, []string{`"no-such-bucket"`}},
		"wrong secret":   {srv.Endpoint, "", map[string]string{"AWS_SECRET_ACCESS_KEY": "wrongsecret"}, s3store.Credentials, false, []string{"does not accept", "SignatureDoesNotMatch"}},
		"unknown key":    {srv.Endpoint, "", map[string]string{"AWS_ACCESS_KEY_ID": "nobody"}, s3store.Credentials, false, []string{"does not accept"}},
		"no credentials": {srv.Endpoint, "", map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_CONFIG_FILE": "/none"}, s3store.Credentials, false, []string{"no credentials", "AWS_ACCESS_KEY_ID"}},
		"expired":        {answering(403, "ExpiredToken", ""), "", nil, s3store.Credentials, true, []string{"have expired"}},
		"denied":         {answering(403, "AccessDenied", ""), "", nil, s3store.Denied, false, []string{"AccessDenied", "do not allow to list"}},
		"another region": {answering(301, "PermanentRedirect", "eu-west-3"), "", nil, s3store.WrongRegion, false, []string{`region = "eu-west-3"`}},
		"throttled":      {answering(503, "SlowDown", ""), "", nil, s3store.Throttled, true, []string{"fewer requests", "after 2 tries"}},
		"internal":       {answering(500, "InternalError", ""), "", nil, s3store.Away, true, []string{"InternalError"}},
		"away":           {"http://127.0.0.1:9", "", nil, s3store.Away, true, []string{"127.0.0.1:9 does not answer"}},
		"silent":         {silent.URL, "", nil, s3store.Away, true, []string{"does not answer"}},
		"anything":       {answering(400, "Odd", ""), "", nil, s3store.Refused, false, []string{"Odd"}},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			bucket := c.bucket
			if bucket == "" {
				bucket = srv.Bucket
			}
			s := open(t, "s3://"+bucket+"/prefix", conf(c.endpoint), quick)
			_, err := s.List(t.Context(), "")
			f := fault.As(err)
			if f == nil || f.Code != c.code || f.Retry != c.retry {
				t.Fatalf("%v (%+v)", err, f)
			}
			for _, want := range append(c.holds, "s3://"+bucket+"/prefix") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			for _, secret := range []string{srv.SecretKey, "wrongsecret"} {
				if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
					t.Errorf("%q holds a secret", err)
				}
			}
		})
	}
}

// A server that asks for patience gets it.
func TestThrottled_ForAWhile_Succeeds(t *testing.T) {
	srv := server(t)
	var n atomic.Int32
	endpoint := proxy(t, srv, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if n.Add(1)%3 != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
			return
		}
		forward.ServeHTTP(w, r)
	})
	s := open(t, "s3://"+srv.Bucket, conf(endpoint), s3store.Options{Pause: 10 * time.Millisecond})
	for i := range 20 {
		must(t, s.Put(t.Context(), fmt.Sprint(i), []byte("x")))
	}
	if list, err := s.List(t.Context(), ""); err != nil || len(list) != 20 {
		t.Errorf("%d, %v", len(list), err)
	}
}

// A server that takes its time is not away as long as it moves.
func TestSlowServer_LargerThanItsPatience_Stored(t *testing.T) {
	servertest.S3(t).Setenv(t)
	var got, tries atomic.Int64
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries.Add(1)
		buf := make([]byte, 1<<20)
		for {
			n, err := io.ReadFull(r.Body, buf)
			got.Add(int64(n))
			time.Sleep(150 * time.Millisecond)
			if err != nil {
				break
			}
		}
		w.Header().Set("ETag", `"x"`)
	}))
	t.Cleanup(slow.Close)
	s := open(t, "s3://b", conf(slow.URL), s3store.Options{Silence: 3 * time.Second, Attempts: 1})
	must(t, s.Put(t.Context(), "k", make([]byte, 32<<20)))
	if got.Load() < 32<<20 || tries.Load() != 1 {
		t.Errorf("%d bytes, %d tries", got.Load(), tries.Load())
	}
}

func TestCancelled_WhileItTries_EndsAtOnce(t *testing.T) {
	srv := server(t)
	s := open(t, "s3://"+srv.Bucket, conf("http://127.0.0.1:9"), s3store.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := s.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}

func TestSplit(t *testing.T) {
	for path, want := range map[string]string{
		"s3://b": "b|", "s3://b/": "b|", "s3a://b/k/": "b|k", "S3://b/a/*.parquet": "b|a/*.parquet",
		"s3://": "", "s3:///k": "", "file://b/k": "", "b/k": "", "s3://b//k": "", "s3://b/../k": "", "s3://a b/k": "",
	} {
		bucket, key, err := s3store.Split(path)
		if got := bucket + "|" + key; err == nil && got != want || (err != nil) != (want == "") || err != nil && !fault.Is(err, s3store.BadPath) {
			t.Errorf("Split(%q) = %q, %v", path, got, err)
		}
	}
}
