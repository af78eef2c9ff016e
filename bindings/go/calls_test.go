package nacosauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// nacos answers logins, and leaves everything else to a function.
func nacos(t testing.TB, serve http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(loggingIn(serve))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func loggingIn(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/login") {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"accessToken":"a.b.c","tokenTtl":18000,"globalAdmin":true}`)
			return
		}
		serve(w, r)
	}
}

func connectTo(t testing.TB, address string, changes ...func(*nacosauth.Options)) *nacosauth.Client {
	t.Helper()
	options := nacosauth.Options{ServerAddr: address, Username: "nacos", Password: "nacos"}
	for _, change := range changes {
		change(&options)
	}
	client, err := nacosauth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// details of an error, which has to be this package's.
func details(t testing.TB, err error) *nacosauth.Error {
	t.Helper()
	var detail *nacosauth.Error
	if !errors.As(err, &detail) {
		t.Fatal(err)
	}
	return detail
}

func TestTryToken(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "delay", "delay_ms": 500, "times": 1})
	client := server.connect(t)
	before := time.Now()
	_, err := client.TryToken()
	wantError(t, err, nacosauth.ErrWouldBlock)
	if detail := details(t, err); detail.Cause != nacosauth.CauseWouldBlock || !detail.Retryable {
		t.Errorf("%+v", detail)
	}
	if took := time.Since(before); took > 400*time.Millisecond {
		t.Errorf("it waited for %s", took)
	}
	var value string
	eventually(t, "the login in the background is done", func() bool { value, err = client.TryToken(); return err == nil })
	if value != token(t, client) || server.counts(t).Logins != 1 {
		t.Error("another token, or another login")
	}
	calls := runtime.NumCgoCall()
	if _, err := client.TryToken(); err != nil || runtime.NumCgoCall() != calls {
		t.Errorf("%v, %d calls into C", err, runtime.NumCgoCall()-calls)
	}
	client.Close()
	_, err = client.TryToken()
	wantError(t, err, nacosauth.ErrClosed)
}

// As many goroutines as there may be wait in C: TryToken and NoWait do not stand in their queue.
func TestNoWaitWhileEverybodyWaits(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang"})
	client := server.connect(t)
	results := make(chan []error, 1)
	go func() {
		results <- together(400, func() error { _, err := client.Token(background); return err })
	}()
	eventually(t, "the calls wait", func() bool { s, _ := client.Stats(); return s.Waiting >= 64 })
	before := time.Now()
	_, err := client.TryToken()
	wantError(t, err, nacosauth.ErrWouldBlock)
	_, err = client.Do(background, &nacosauth.Request{Path: "/v1/cs/configs", Query: config, NoWait: true})
	wantError(t, err, nacosauth.ErrWouldBlock)
	if took := time.Since(before); took > prompt || details(t, err).WasSent {
		t.Errorf("after %s: %+v", took, err)
	}
	client.Close()
	<-results
}

func TestRequestNoWait(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	request := &nacosauth.Request{Path: "/v1/cs/configs", Query: config, NoWait: true}
	_, err := client.Do(background, request)
	wantError(t, err, nacosauth.ErrWouldBlock)
	eventually(t, "the login in the background is done", func() bool { _, err := client.Do(background, request); return err == nil })
}

func TestRequestNoReplay(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	token(t, client)
	server.post(t, "/secret", nil)
	request := &nacosauth.Request{Path: "/v1/cs/configs", Query: config, NoReplay: true}
	if response, err := client.Do(background, request); err != nil || response.StatusCode != 403 || response.Attempts != 1 {
		t.Errorf("%+v, %v", response, err)
	}
	request.NoReplay = false
	if response, err := client.Do(background, request); err != nil || response.StatusCode != 200 {
		t.Errorf("%+v, %v", response, err)
	}
}

func TestRequestIdempotence(t *testing.T) {
	for name, test := range map[string]struct {
		method     string
		idempotent nacosauth.Idempotence
		repeated   bool
	}{
		"GET":            {http.MethodGet, nacosauth.IdempotentByMethod, true},
		"POST":           {http.MethodPost, nacosauth.IdempotentByMethod, false},
		"harmless POST":  {http.MethodPost, nacosauth.Idempotent, true},
		"GET that costs": {http.MethodGet, nacosauth.NotIdempotent, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			client := server.connect(t)
			token(t, client)
			server.post(t, "/faults", fields{"on": "request", "kind": "reset", "times": 1})
			response, err := client.Do(background, &nacosauth.Request{
				Method: test.method, Path: "/v1/cs/configs", Query: config, Idempotent: test.idempotent})
			if test.repeated {
				if err != nil || response.Attempts != 2 || response.Replayed {
					t.Errorf("%+v, %v", response, err)
				}
				return
			}
			wantError(t, err, nacosauth.ErrIO)
			if detail := details(t, err); !detail.WasSent || detail.Server != server.Address || detail.Cause != nacosauth.CauseConnectionBroken {
				t.Errorf("%+v", detail)
			}
		})
	}
}

func TestRequestNoFailover(t *testing.T) {
	server := start(t)
	value := token(t, server.connect(t))
	for range 64 { // any of the two may come first
		client := connectTo(t, "127.0.0.1:1,"+server.Address, func(o *nacosauth.Options) {
			o.Username, o.Password, o.Token = "", "", value
		})
		request := &nacosauth.Request{Path: "/v1/cs/configs", Query: config, NoFailover: true}
		_, err := client.Do(background, request)
		if err == nil {
			client.Close()
			continue
		}
		wantError(t, err, nacosauth.ErrConnect)
		if detail := details(t, err); detail.Server != "127.0.0.1:1" || detail.WasSent {
			t.Errorf("%+v", detail)
		}
		request.NoFailover = false
		if response, err := client.Do(background, request); err != nil || response.Server != server.Address {
			t.Errorf("%+v, %v", response, err)
		}
		return
	}
	t.Error("64 requests in a row went to the server that is up")
}

func TestRequestNoAnonymous(t *testing.T) {
	server := start(t, "--no-auth")
	server.post(t, "/faults", fields{"on": "login", "kind": "status", "status": 500, "times": 0})
	client := server.connect(t)
	if response := get(t, client); response.StatusCode != 200 || response.Generation != 0 {
		t.Errorf("%+v", response)
	}
	_, err := client.Do(background, &nacosauth.Request{Path: "/v1/cs/configs", Query: config, NoAnonymous: true})
	wantError(t, err, nacosauth.ErrBadCredentials)
	if detail := details(t, err); detail.Cause != nacosauth.CauseLoginFault || detail.WasSent {
		t.Errorf("%+v", detail)
	}
}

// A server that repeats what it was sent does not get it into messages.
func TestRequestSensitive(t *testing.T) {
	address := nacos(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "authorization failed! "+r.FormValue("key")+r.URL.Query().Get("key")+r.Header.Get("key"))
	})
	ask := func(request *nacosauth.Request) string {
		journal := &journal{}
		client := connectTo(t, address, func(o *nacosauth.Options) { o.Logger = journal.logger() })
		defer client.Close() // one session tells of a missing permission once a minute
		request.Path = "/v1/cs/configs"
		if _, err := client.Do(background, request); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a line about it", func() bool { return strings.Contains(journal.text(), "authorization failed!") })
		return journal.text()
	}
	values := url.Values{"key": {"hunter2"}}
	if text := ask(&nacosauth.Request{Query: values}); !strings.Contains(text, "hunter2") {
		t.Errorf("the value would not be seen in any case: %s", text)
	}
	for _, name := range []string{"key", "KEY"} {
		for _, request := range []*nacosauth.Request{
			{Query: values}, {Header: http.Header{"key": values["key"]}}, {Method: http.MethodPost, Form: values},
		} {
			request.Sensitive = []string{"other", name}
			if text := ask(request); strings.Contains(text, "hunter2") {
				t.Errorf("%+v: %s", request, text)
			}
		}
	}
}

func TestResponse(t *testing.T) {
	address := nacos(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/long") {
			w.WriteHeader(http.StatusTeapot)
		}
		io.WriteString(w, strings.Repeat("x", 100<<10))
	})
	client := connectTo(t, address)
	response, err := client.Get(background, "/v1/long", nil)
	if err != nil || !response.Truncated || len(response.Body) != 64<<10 || response.StatusCode != http.StatusTeapot {
		t.Errorf("%v, %d bytes, truncated %t", err, len(response.Body), response.Truncated)
	}
	response, err = client.Get(background, "/v1/good", nil)
	if err != nil || response.Truncated || len(response.Body) != 100<<10 || response.Server != address || response.Attempts != 1 {
		t.Errorf("%v, %d bytes, truncated %t, from %s, %d attempts",
			err, len(response.Body), response.Truncated, response.Server, response.Attempts)
	}
}

// A NUL is a character like others where a value is percent-encoded.
func TestValuesWithNUL(t *testing.T) {
	client := start(t).connect(t)
	content := "a\x00b"
	form := url.Values{"dataId": {"binary"}, "group": {"DEFAULT_GROUP"}, "content": {content}}
	if response, err := client.Post(background, "/v1/cs/configs", form); err != nil || string(response.Body) != "true" {
		t.Fatal(response, err)
	}
	form.Del("content")
	if response, err := client.Get(background, "/v1/cs/configs", form); err != nil || string(response.Body) != content {
		t.Errorf("%+v, %v", response, err)
	}
	_, err := client.Do(background, &nacosauth.Request{Path: "/v1", Header: http.Header{"X": {content}}})
	wantError(t, err, nacosauth.ErrInvalidArgument)
	if detail := details(t, err); detail.Cause != nacosauth.CauseInvalidArgument || detail.WasSent {
		t.Errorf("%+v", detail)
	}
}

// An error of a call that its context has ended still tells what the server may have done.
func TestCancelledRequestsMayHaveBeenSent(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	token(t, client)
	server.post(t, "/faults", fields{"on": "request", "kind": "hang", "times": 0})
	for _, limit := range []func() (context.Context, context.CancelFunc){
		func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(background, 200*time.Millisecond)
		},
		func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(background)
			time.AfterFunc(200*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		ctx, cancel := limit()
		_, err := client.Post(ctx, "/v1/cs/configs", config)
		<-ctx.Done()
		wantError(t, err, ctx.Err())
		if detail := details(t, err); !detail.WasSent || !detail.Retryable || detail.Cause == "" {
			t.Errorf("%+v", detail)
		}
		cancel()
	}
	server.post(t, "/faults", fields{"on": "login", "kind": "hang", "times": 0})
	other := server.connect(t, func(o *nacosauth.Options) { o.UserAgent = "another session" })
	ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
	defer cancel()
	_, err := other.Post(ctx, "/v1/cs/configs", config)
	wantError(t, err, context.DeadlineExceeded)
	if details(t, err).WasSent {
		t.Errorf("%+v", err)
	}
}

// A person has mended what was wrong, and says so.
func TestRetry(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "status", "status": 503, "retry_after": 600, "times": 0})
	_, err := client.Token(background)
	wantError(t, err, nacosauth.ErrServer)
	if detail := details(t, err); detail.RetryAfter < 5*time.Second {
		t.Errorf("no pause to end: %+v", detail)
	}
	if err := server.Do(http.MethodDelete, "/faults", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := client.Retry(); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	token(t, client)
	if took := time.Since(before); took > 4*time.Second {
		t.Errorf("it waited for %s", took)
	}
	client.Close()
	wantError(t, client.Retry(), nacosauth.ErrClosed)
}
