package nacosauth_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// fetch sends a GET and reads the answer; a status other than 200 is an error.
func fetch(client *http.Client, address, authorization string) error {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != 200 {
		err = errors.New(response.Status + " " + string(body))
	}
	return err
}

// carried returns an HTTP client that uses the token of client, over connections of its own.
func carried(t testing.TB, client *nacosauth.Client) *http.Client {
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	return &http.Client{Transport: &nacosauth.Transport{Client: client, Base: base}}
}

// tracked tells whether a body was closed.
type tracked struct {
	io.Reader
	closed atomic.Bool
}

func (b *tracked) Close() error { b.closed.Store(true); return nil }

func TestTransportOverChangesOfTheSecret(t *testing.T) {
	for name, place := range map[string]nacosauth.TokenIn{"auto": nacosauth.TokenInAuto,
		"bearer": nacosauth.TokenInAuthorization, "header": nacosauth.TokenInHeader, "query": nacosauth.TokenInQuery} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			client := server.connect(t, func(o *nacosauth.Options) { o.TokenIn = place })
			web := carried(t, client)
			address := "http://" + server.Address + "/nacos/v1/cs/configs"
			for range 3 {
				if err := fetch(web, address+"?"+config.Encode(), ""); err != nil {
					t.Fatal(err)
				}
				server.post(t, "/secret", nil)
				form := url.Values{"dataId": {"over"}, "group": {"DEFAULT_GROUP"}, "content": {"x"}}
				response, err := web.PostForm(address, form)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(response.Body)
				response.Body.Close()
				if response.StatusCode != 200 || string(body) != "true" {
					t.Fatalf("%d %s", response.StatusCode, body)
				}
			}
			if c := server.counts(t); c.Logins != 4 || c.Rejections != 3 {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestTransportLeavesTheRequestAlone(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	web := carried(t, client)
	request, err := http.NewRequest(http.MethodGet, "http://"+server.Address+"/nacos/v1/cs/configs?"+config.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := web.Transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if len(request.Header) != 0 || response.StatusCode != 200 {
		t.Error(request.Header, response.StatusCode)
	}
}

func TestTransportDoesNotReplayWhatItCannot(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	web := carried(t, client)
	address := "http://" + server.Address + "/nacos/v1/cs/configs"
	token(t, client)
	server.post(t, "/secret", nil)
	body := &tracked{Reader: strings.NewReader("dataId=a&group=g&content=c")}
	request, err := http.NewRequest(http.MethodPost, address, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != 403 || len(text) == 0 || err != nil || !body.closed.Load() {
		t.Errorf("%d %q %v, body closed: %t", response.StatusCode, text, err, body.closed.Load())
	}
	if err := fetch(web, address+"?"+config.Encode(), ""); err != nil {
		t.Errorf("the refusal was not reported: %v", err)
	}
	if n := server.counts(t).Logins; n != 2 {
		t.Errorf("%d logins", n)
	}
}

// A 403 of unknown origin says nothing about what the server did with the request.
func TestTransportUnknownRefusal(t *testing.T) {
	var requests atomic.Int32
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, strings.Repeat("no ", 10_000))
	}))
	defer gateway.Close()
	for method, want := range map[string]int32{http.MethodPost: 1, http.MethodGet: 2} {
		requests.Store(0)
		web := carried(t, start(t).connect(t)) // a server of its own: one login per minute is allowed for such answers
		request, err := http.NewRequest(method, gateway.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := web.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != 403 || err != nil || string(text) != strings.Repeat("no ", 10_000) {
			t.Errorf("%s: %d, %d bytes, %v", method, response.StatusCode, len(text), err)
		}
		if n := requests.Load(); n != want {
			t.Errorf("%s was sent %d times, want %d", method, n, want)
		}
	}
}

func TestTransportKeepsTheTokenOnItsHost(t *testing.T) {
	client := start(t).connect(t)
	seen := make(chan string, 2)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
	}))
	defer other.Close()
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		http.Redirect(w, r, other.URL, http.StatusFound)
	}))
	defer first.Close()
	if err := fetch(carried(t, client), first.URL, ""); err != nil {
		t.Fatal(err)
	}
	if here, there := <-seen, <-seen; !strings.HasPrefix(here, "Bearer ") || there != "" {
		t.Errorf("token sent to its own host: %t, to the other: %t", here != "", there != "")
	}
}

func TestTransportWhenTheLoginFails(t *testing.T) {
	server := start(t)
	wrong := func(o *nacosauth.Options) { o.Password = "a wrong one" }
	address := "http://" + server.Address + "/nacos/v1/cs/configs?" + config.Encode()
	err := fetch(carried(t, server.connect(t, wrong)), address, "")
	wantError(t, err, nacosauth.ErrBadCredentials)

	server.post(t, "/auth", fields{"enabled": false})
	server.post(t, "/faults", fields{"on": "login", "kind": "status", "status": 500})
	if err := fetch(carried(t, server.connect(t)), address, ""); err != nil {
		t.Errorf("a server without authentication: %v", err)
	}

	client := server.connect(t)
	client.Close()
	body := &tracked{Reader: strings.NewReader("x")}
	request, err := http.NewRequest(http.MethodPost, address, body)
	if err != nil {
		t.Fatal(err)
	}
	_, err = carried(t, client).Transport.RoundTrip(request)
	wantError(t, err, nacosauth.ErrClosed)
	if !body.closed.Load() {
		t.Error("the body was left open")
	}
}

// base is a RoundTripper made of a function.
type base func(*http.Request) (*http.Response, error)

func (b base) RoundTrip(request *http.Request) (*http.Response, error) { return b(request) }

const expired = `{"status":403,"error":"Forbidden","message":"token expired!"}`

func answer(status int, body io.Reader) (*http.Response, *tracked) {
	b := &tracked{Reader: body}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: b}, b
}

func newRequest(t testing.TB, method, address, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestTransportClosesBodies(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	var refusal, good *tracked
	var sent []string
	transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		sent = append(sent, string(body))
		var response *http.Response
		if len(sent) == 1 {
			response, refusal = answer(403, strings.NewReader(expired))
		} else {
			response, good = answer(200, strings.NewReader("ok"))
		}
		return response, err
	})}
	request := newRequest(t, http.MethodPost, "http://127.0.0.1/nacos/v1/cs/configs", "a body")
	body := &tracked{Reader: request.Body}
	request.Body = body
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if len(sent) != 2 || sent[0] != "a body" || sent[1] != "a body" {
		t.Errorf("sent %q", sent)
	}
	if !body.closed.Load() || !refusal.closed.Load() || good.closed.Load() {
		t.Errorf("closed: request %t, refusal %t, answer %t", body.closed.Load(), refusal.closed.Load(), good.closed.Load())
	}
	response.Body.Close()
	if !good.closed.Load() || response.Request != request || len(request.Header) != 0 {
		t.Error("the answer is not closed, or its request is not the caller's", request.Header)
	}
}

// A server that takes no token at all is not asked for ever.
func TestTransportEndsWhenEveryTokenIsRefused(t *testing.T) {
	client := start(t).connect(t)
	var bodies []*tracked
	transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
		r.Body.Close()
		response, body := answer(403, strings.NewReader(expired))
		bodies = append(bodies, body)
		return response, nil
	})}
	for range 3 {
		bodies = nil
		response, err := transport.RoundTrip(newRequest(t, http.MethodPost, "http://127.0.0.1/", "x"))
		if err == nil {
			response.Body.Close()
		}
		if len(bodies) > 3 {
			t.Errorf("sent %d times", len(bodies))
		}
		for _, body := range bodies {
			if !body.closed.Load() {
				t.Error("a body was left open")
			}
		}
	}
	if stats, err := client.Stats(); err != nil || stats.Logins > 3 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// The answer of the first attempt is the caller's, whole, when the second is not possible.
func TestTransportHandsOnWhatItRead(t *testing.T) {
	client := start(t).connect(t)
	long := expired + strings.Repeat(" ", 1<<20)
	for name, test := range map[string]struct {
		body io.Reader
		want string
		err  error
	}{
		"long":   {strings.NewReader(long), long, nil},
		"broken": {iotest.TimeoutReader(strings.NewReader(expired)), expired, iotest.ErrTimeout},
	} {
		var body *tracked
		transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
			r.Body.Close()
			var response *http.Response
			response, body = answer(403, test.body)
			return response, nil
		})}
		request := newRequest(t, http.MethodPost, "http://127.0.0.1/", "x")
		request.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if string(text) != test.want || !errors.Is(err, test.err) || body.closed.Load() {
			t.Errorf("%s: %d bytes, %v, closed %t", name, len(text), err, body.closed.Load())
		}
		response.Body.Close()
		if !body.closed.Load() {
			t.Errorf("%s: left open", name)
		}
	}
}

func TestTransportReplaysOnTheSameConnection(t *testing.T) {
	client := start(t).connect(t)
	var connections, requests atomic.Int32
	gateway := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, expired)
		}
	}))
	gateway.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	gateway.Start()
	defer gateway.Close()
	if err := fetch(carried(t, client), gateway.URL, ""); err != nil {
		t.Fatal(err)
	}
	if requests.Load() != 2 || connections.Load() != 1 {
		t.Errorf("%d requests over %d connections", requests.Load(), connections.Load())
	}
}

func TestTransportSendsOneIdentity(t *testing.T) {
	server := start(t)
	for place, want := range map[nacosauth.TokenIn]string{
		nacosauth.TokenInAuthorization: "Bearer TOKEN||a=1&accessToken=mine&b=2",
		nacosauth.TokenInHeader:        "|TOKEN|a=1&b=2",
		nacosauth.TokenInQuery:         "||a=1&b=2&accessToken=TOKEN",
	} {
		client := server.connect(t, func(o *nacosauth.Options) { o.TokenIn = place })
		var seen string
		transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
			r.Body.Close()
			seen = r.Header.Get("Authorization") + "|" + r.Header.Get("accessToken") + "|" + r.URL.RawQuery
			response, _ := answer(200, strings.NewReader(""))
			return response, nil
		})}
		request := newRequest(t, http.MethodGet, "http://127.0.0.1/?a=1&accessToken=mine&b=2", "")
		request.Header.Set("Authorization", "bearer mine")
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if want := strings.ReplaceAll(want, "TOKEN", token(t, client)); seen != want {
			t.Errorf("place %d: not what was wanted", place)
		}
		if request.Header.Get("Authorization") != "bearer mine" || request.URL.RawQuery != "a=1&accessToken=mine&b=2" {
			t.Errorf("the request was changed: %v %v", request.Header, request.URL)
		}
	}
}

// net/http sends the keys of a header as they stand in the map, so that a name may be there in two spellings.
func TestTransportKnowsHeadersInAnySpelling(t *testing.T) {
	server := start(t)
	for _, place := range []nacosauth.TokenIn{nacosauth.TokenInAuthorization, nacosauth.TokenInHeader, nacosauth.TokenInQuery} {
		client := server.connect(t, func(o *nacosauth.Options) { o.TokenIn = place })
		value := token(t, client)
		var seen http.Header
		transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
			r.Body.Close()
			seen = r.Header
			response, _ := answer(200, strings.NewReader(""))
			return response, nil
		})}
		for _, host := range []string{"127.0.0.1", "elsewhere.example"} {
			for _, own := range []http.Header{
				{"authorization": {"Bearer " + value}, "accesstoken": {value}},
				{"AUTHORIZATION": {"bearer " + value}, "accessToken": {value}},
			} {
				request := newRequest(t, http.MethodGet, "http://"+host+"/", "")
				request.Header = own
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				carried := map[string]int{}
				for name := range seen {
					carried[strings.ToLower(name)]++
				}
				switch {
				case len(own) != 2:
					t.Errorf("place %s: the request was changed", place)
				case host != "127.0.0.1" && (carried["authorization"] > 0 || carried["accesstoken"] > 0):
					t.Errorf("place %s: the token goes elsewhere", place)
				case host == "127.0.0.1" && place == nacosauth.TokenInAuthorization && carried["authorization"] != 1,
					host == "127.0.0.1" && place != nacosauth.TokenInAuthorization && carried["authorization"] != 0,
					host == "127.0.0.1" && place == nacosauth.TokenInHeader && carried["accesstoken"] != 1:
					t.Errorf("place %s: %v", place, carried)
				}
			}
		}
	}
}

func TestTransportEndsWithTheContext(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang"})
	client := server.connect(t)
	web := carried(t, client)
	ctx, cancel := context.WithCancel(background)
	request := newRequest(t, http.MethodPost, "http://"+server.Address+"/nacos/v1/cs/configs", "x").WithContext(ctx)
	body := &tracked{Reader: request.Body}
	request.Body = body
	results := make(chan error, 1)
	go func() {
		_, err := web.Do(request)
		results <- err
	}()
	eventually(t, "the call waits", func() bool { s, _ := client.Stats(); return s.Refresh == nacosauth.RefreshInFlight })
	cancel()
	wantError(t, <-results, context.Canceled)
	if !body.closed.Load() {
		t.Error("the body was left open")
	}
	web.Timeout = 100 * time.Millisecond
	_, err := web.Get("http://" + server.Address + "/nacos/v1/cs/configs")
	wantError(t, err, context.DeadlineExceeded)
}

// A new secret while a renewal is on its way: the token that it brings is of the old secret, and refused as well.
func TestTransportOverARenewalThatCameTooLate(t *testing.T) {
	for range 5 {
		if overLateRenewal(t) {
			return
		}
	}
	t.Fatal("five times the renewal was over before the secret had changed")
}

// overLateRenewal is false if the machine was too busy to change the secret in time.
func overLateRenewal(t *testing.T) bool {
	t.Helper()
	server := start(t, "--ttl", "3")
	client := server.connect(t)
	web := carried(t, client)
	token(t, client)
	server.post(t, "/faults", fields{"on": "login", "kind": "drip", "delay_ms": 5, "times": 1})
	eventually(t, "the renewal is answered", func() bool { return server.counts(t).Logins == 2 })
	server.post(t, "/secret", nil)
	if stats, err := client.Stats(); err != nil || stats.Refresh != nacosauth.RefreshInFlight {
		return false
	}
	if err := fetch(web, "http://"+server.Address+"/nacos/v1/cs/configs?"+config.Encode(), ""); err != nil {
		t.Error(err)
	}
	// The second may only be too new for its server, and is sent three times more.
	if c := server.counts(t); c.Rejections != 5 || c.Logins != 3 {
		t.Errorf("%+v", c)
	}
	return true
}

// A program with a stack of its own sees nothing of tokens that expire and secrets that change.
func TestTransportOverExpiry(t *testing.T) {
	server := start(t, "--ttl", "3")
	client := server.connect(t)
	web := carried(t, client)
	address := "http://" + server.Address + "/nacos/v1/cs/configs"
	end := time.Now().Add(8 * time.Second)
	secrets := time.AfterFunc(4*time.Second, func() { server.post(t, "/secret", nil) })
	defer secrets.Stop()
	form := url.Values{"dataId": {"over"}, "group": {"DEFAULT_GROUP"}, "content": {"x"}}
	errs := together(8, func() error {
		for ; time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if err := fetch(web, address+"?"+config.Encode(), ""); err != nil {
				return err
			}
			response, err := web.PostForm(address, form)
			if err != nil {
				return err
			}
			response.Body.Close()
			if response.StatusCode != 200 {
				return errors.New(response.Status)
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if c := server.counts(t); c.Logins < 4 || c.Logins > 12 || c.Rejections == 0 {
		t.Errorf("%+v", c)
	}
}

// A server that hears late of a login gets the time for that, and nobody logs in again.
func TestTransportGivesANewTokenTime(t *testing.T) {
	server := start(t, "--token-delay-ms", "400")
	client := server.connect(t)
	if err := fetch(carried(t, client), "http://"+server.Address+"/nacos/v1/cs/configs?"+config.Encode(), ""); err != nil {
		t.Fatal(err)
	}
	if c := server.counts(t); c.Logins != 1 || c.Rejections == 0 {
		t.Errorf("%+v", c)
	}
}

// The time that a server is given is the request's.
func TestTransportWaitsWithinTheContext(t *testing.T) {
	server := start(t, "--token-delay-ms", "60000")
	address := "http://" + server.Address + "/nacos/v1/cs/configs?" + config.Encode()
	client := server.connect(t)
	token(t, client)
	var sends atomic.Int32
	refused := make(chan struct{}, 16)
	web := &http.Client{Transport: &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
		sends.Add(1)
		defer func() { refused <- struct{}{} }()
		return http.DefaultTransport.RoundTrip(r)
	})}}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	// The third wait would be of 800 ms.
	ctx, cancel := context.WithTimeout(background, 700*time.Millisecond)
	defer cancel()
	response, err := web.Do(newRequest(t, http.MethodGet, address, "").WithContext(ctx))
	if err != nil || response.StatusCode != http.StatusForbidden || sends.Load() > 3 {
		t.Errorf("sent %d times: %v, %v", sends.Load(), response, err)
	}
	if ctx.Err() != nil {
		t.Error("waited for the end of the context, which was of no use")
	}
	if err == nil {
		response.Body.Close()
	}

	for len(refused) > 0 {
		<-refused
	}
	server.post(t, "/secret", nil)
	client = server.connect(t, func(o *nacosauth.Options) { o.UserAgent = "another session" })
	token(t, client)
	web.Transport.(*nacosauth.Transport).Client = client
	ctx, cancel = context.WithCancel(background)
	defer cancel()
	go func() {
		for range 3 {
			<-refused
		}
		cancel()
	}()
	before := time.Now()
	_, err = web.Do(newRequest(t, http.MethodGet, address, "").WithContext(ctx))
	wantError(t, err, context.Canceled)
	if took := time.Since(before); took > prompt {
		t.Errorf("took %s", took)
	}
}

// What a program says of the idempotence of its request counts as it does for net/http.
func TestTransportIdempotencyKey(t *testing.T) {
	for _, key := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		client := start(t).connect(t)
		sends := 0
		transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
			sends++
			r.Body.Close()
			response, _ := answer(http.StatusForbidden, strings.NewReader("no"))
			return response, nil
		})}
		request := newRequest(t, http.MethodPost, "http://127.0.0.1/", "x")
		request.Header.Set(key, "1")
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if sends != 2 {
			t.Errorf("%s: sent %d times", key, sends)
		}
	}
}

func TestReportRejected(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	info, err := client.TokenInfo(background)
	if err != nil {
		t.Fatal(err)
	}
	report := func(status int, change func(*nacosauth.Rejection)) nacosauth.Advised {
		t.Helper()
		r := nacosauth.Rejection{Generation: info.Generation, StatusCode: status, Server: "http://" + server.Address}
		change(&r)
		advised, err := client.ReportRejected(r)
		if err != nil {
			t.Fatal(err)
		}
		return advised
	}
	// A new token of a server that is known gets its time, more with each refusal.
	var waits []time.Duration
	for before := range 3 {
		advised := report(403, func(r *nacosauth.Rejection) { r.Body, r.RefusedBefore = []byte(expired), before })
		if advised.Advice != nacosauth.AdviceReplay {
			t.Errorf("%+v", advised)
		}
		waits = append(waits, advised.Wait)
	}
	if waits[0] <= 0 || waits[1] <= waits[0] || waits[2] <= waits[1] {
		t.Error(waits)
	}
	if got := report(200, func(*nacosauth.Rejection) {}); got != (nacosauth.Advised{}) {
		t.Errorf("%+v", got)
	}
	if got := report(429, func(r *nacosauth.Rejection) { r.RetryAfter = "7" }); got != (nacosauth.Advised{Wait: 7 * time.Second}) {
		t.Errorf("%+v", got)
	}
	if got := report(403, func(r *nacosauth.Rejection) { r.Body = []byte("authorization failed!") }); got.Advice != nacosauth.AdviceReturn {
		t.Errorf("%+v", got)
	}
	for name, wrong := range map[string]nacosauth.Rejection{
		"status":   {Generation: 1, StatusCode: math.MaxInt},
		"negative": {Generation: 1, StatusCode: -5},
		"before":   {Generation: 1, StatusCode: 403, RefusedBefore: -1},
		"NUL":      {Generation: 1, StatusCode: 403, Server: "a\x00b"},
	} {
		if _, err := client.ReportRejected(wrong); !errors.Is(err, nacosauth.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// net/http holds a lock while it reads the beginning of a compressed body, for which Close waits.
func TestCloseOfACompressedRefusalThatDoesNotCome(t *testing.T) {
	for _, protocols := range []string{"HTTP/1.1", "HTTP/2.0"} {
		server := httptest.NewUnstartedServer(loggingIn(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusForbidden)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}))
		server.EnableHTTP2 = protocols == "HTTP/2.0"
		server.StartTLS()
		t.Cleanup(server.Close)
		client := connectTo(t, server.URL, func(o *nacosauth.Options) {
			o.CAPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
			o.TLSServerName = "example.com"
		})
		ctx, cancel := context.WithCancel(background)
		t.Cleanup(cancel) // before the server waits for its connections
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/nacos/v1/cs/configs", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&nacosauth.Transport{Client: client, Base: server.Client().Transport}).RoundTrip(request)
		if err != nil || response.StatusCode != http.StatusForbidden || response.Proto != protocols {
			t.Fatal(response, err)
		}
		read := make(chan error, 1)
		go func() {
			_, err := response.Body.Read(make([]byte, 1))
			read <- err
		}()
		time.Sleep(50 * time.Millisecond)
		closed := make(chan error, 1)
		go func() { closed <- response.Body.Close() }()
		patience := time.After(5 * time.Second)
		for _, end := range []chan error{closed, read} {
			select {
			case err := <-end:
				if end == read && err == nil {
					t.Error("a body that has been closed can be read")
				}
			case <-patience:
				t.Fatal(protocols, ": a Read, or its Close, waits for the server")
			}
		}
	}
}
