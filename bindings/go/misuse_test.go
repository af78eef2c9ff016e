package nacosauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// A Client that New has not made fails, whatever is called, and nothing panics.
func TestClientsThatNewHasNotMade(t *testing.T) {
	for name, client := range map[string]*nacosauth.Client{"nil": nil, "zero": {}} {
		for method, call := range map[string]func() error{
			"Token":          func() error { _, err := client.Token(background); return err },
			"TryToken":       func() error { _, err := client.TryToken(); return err },
			"TokenInfo":      func() error { _, err := client.TokenInfo(background); return err },
			"Get":            func() error { _, err := client.Get(background, "/v1", nil); return err },
			"Post":           func() error { _, err := client.Post(background, "/v1", nil); return err },
			"Do":             func() error { _, err := client.Do(background, &nacosauth.Request{}); return err },
			"Stats":          func() error { _, err := client.Stats(); return err },
			"Retry":          client.Retry,
			"SetCredentials": func() error { return client.SetCredentials("a", "b") },
			"SetToken":       func() error { return client.SetToken("a", 0) },
			"ReportRejected": func() error { _, err := client.ReportRejected(nacosauth.Rejection{}); return err },
			"Close":          client.Close,
			"CloseContext":   func() error { return client.CloseContext(background) },
			"Transport": func() error {
				_, err := (&nacosauth.Transport{Client: client}).RoundTrip(newRequest(t, http.MethodGet, "http://127.0.0.1/", ""))
				return err
			},
		} {
			if err := call(); !errors.Is(err, nacosauth.ErrInvalidArgument) {
				t.Errorf("%s client, %s: %v", name, method, err)
			}
		}
	}
}

func TestNilArguments(t *testing.T) {
	client := start(t).connect(t)
	var none context.Context
	for name, call := range map[string]func() error{
		"Token":        func() error { _, err := client.Token(none); return err },
		"TokenInfo":    func() error { _, err := client.TokenInfo(none); return err },
		"Do":           func() error { _, err := client.Do(none, &nacosauth.Request{Path: "/v1"}); return err },
		"no request":   func() error { _, err := client.Do(background, nil); return err },
		"CloseContext": func() error { return client.CloseContext(none) },
	} {
		if err := call(); !errors.Is(err, nacosauth.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	token(t, client)
}

func TestTransportsThatCannotWork(t *testing.T) {
	client := start(t).connect(t)
	body := func() *tracked { return &tracked{Reader: strings.NewReader("x")} }
	address, err := url.Parse("http://127.0.0.1/")
	if err != nil {
		t.Fatal(err)
	}
	nothing := base(func(*http.Request) (*http.Response, error) { return nil, nil })
	for name, test := range map[string]struct {
		transport *nacosauth.Transport
		request   *http.Request
	}{
		"nil":           {nil, &http.Request{URL: address, Body: body()}},
		"zero":          {&nacosauth.Transport{}, &http.Request{URL: address, Body: body()}},
		"no URL":        {&nacosauth.Transport{Client: client}, &http.Request{Body: body()}},
		"no request":    {&nacosauth.Transport{Client: client}, nil},
		"no answer":     {&nacosauth.Transport{Client: client, Base: nothing}, &http.Request{URL: address}},
		"none, foreign": {&nacosauth.Transport{Client: client, Base: nothing}, &http.Request{URL: &url.URL{Scheme: "http", Host: "elsewhere.example"}}},
	} {
		_, err := test.transport.RoundTrip(test.request)
		if !errors.Is(err, nacosauth.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
		if test.request != nil && test.request.Body != nil && !test.request.Body.(*tracked).closed.Load() {
			t.Errorf("%s: the body was left open", name)
		}
		test.transport.CloseIdleConnections()
	}
	if _, err := (&http.Client{Transport: &nacosauth.Transport{}}).Get("http://127.0.0.1/"); !errors.Is(err, nacosauth.ErrInvalidArgument) {
		t.Error(err)
	}
}

// Neither a request nor an answer has to be complete.
func TestTransportFillsIn(t *testing.T) {
	client := start(t).connect(t)
	for _, status := range []int{200, 302, 403, 500} {
		transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status}, nil
		})}
		request := &http.Request{URL: &url.URL{Scheme: "http", Host: "127.0.0.1"},
			GetBody: func() (io.ReadCloser, error) { return nil, errors.New("there was no body to begin with") }}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(response.Body); err != nil || len(text) != 0 || response.StatusCode != status {
			t.Errorf("%d %q %v", response.StatusCode, text, err)
		}
		if response.Body.Close() != nil || request.Header != nil {
			t.Error("the request was changed")
		}
	}
}

func TestHostsOfTheToken(t *testing.T) {
	for _, test := range []struct {
		servers, address string
		token            bool
	}{
		{"127.0.0.1:8848", "http://127.0.0.1:8848/nacos", true},
		{"127.0.0.1:8848", "http://127.0.0.1:8080/v3", true}, // the console
		{"127.0.0.1:8848", "https://127.0.0.1/nacos", true},
		{"https://127.0.0.1:8848", "http://127.0.0.1:8848/nacos", false},
		{"https://127.0.0.1:8848", "https://127.0.0.1:8848/nacos", true},
		{"127.0.0.1:8848,https://127.0.0.1:8849", "http://127.0.0.1:8848/nacos", false},
		{"Nacos.Example:1 ; http://b.example", "http://nacos.example/", true},
		{"nacos.example, b.example:3", "http://B.EXAMPLE.:5/", true},
		{"nacos.example", "http://nacos.example.evil.example/", false},
		{"nacos.example", "http://nacos.example@evil.example/", false},
		{"nacos.example", "http://evil.example/nacos.example", false},
		{"[::1]:8848", "http://[::1]:8848/", true},
		{"[::1]:8848", "http://[::2]:8848/", false},
		{"nacos.example", "ftp://nacos.example/", false},
		{"nacos.example", "http:opaque", false},
	} {
		client, err := nacosauth.New(nacosauth.Options{ServerAddr: test.servers, Token: "a.b.c", Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
			seen = r.Header.Get("Authorization") != ""
			response, _ := answer(200, strings.NewReader(""))
			return response, nil
		})}
		address, err := url.Parse(test.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transport.RoundTrip(&http.Request{URL: address}); err != nil || seen != test.token {
			t.Errorf("%s of %s: with the token: %t, %v", test.address, test.servers, seen, err)
		}
		client.Close()
	}
}

// Of each server the first request without the token is told, and no other; of a hundred at the most.
func TestTheWrongHostsAreToldOnce(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Basic mine" {
			t.Errorf("what is the caller's own was changed: %q", r.Header.Get("Authorization"))
		}
	}))
	defer elsewhere.Close()
	address := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	journal, fallback := &journal{}, &journal{}
	previous := slog.Default()
	slog.SetDefault(fallback.logger())
	defer slog.SetDefault(previous)
	server := start(t)
	for _, client := range []*nacosauth.Client{server.connect(t, func(o *nacosauth.Options) { o.Logger = journal.logger() }), server.connect(t)} {
		web := carried(t, client)
		for range 3 {
			if err := fetch(web, address+"/?secret=1", "Basic mine"); err != nil {
				t.Fatal(err)
			}
		}
		transport := &nacosauth.Transport{Client: client, Base: base(func(*http.Request) (*http.Response, error) {
			return nil, io.ErrUnexpectedEOF
		})}
		for number := range 300 {
			transport.RoundTrip(newRequest(t, http.MethodGet, fmt.Sprintf("http://%d.elsewhere.example/", number%150), ""))
		}
	}
	for name, text := range map[string]string{"Logger": journal.text(), "slog.Default": fallback.text()} {
		if strings.Count(text, "sent without the token") != 100 || strings.Count(text, "level=WARN") != 100 ||
			strings.Count(text, "server="+address+"\n") != 1 || strings.Count(text, "server=http://7.elsewhere.example\n") != 1 ||
			strings.Contains(text, "secret") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// A token that somebody else has put on a request does not go elsewhere either, nor one that has been replaced meanwhile.
func TestTokensAreTakenOffForeignRequests(t *testing.T) {
	server := start(t)
	client := server.connect(t, func(o *nacosauth.Options) { o.Logger = slog.New(slog.DiscardHandler) })
	old := token(t, client)
	server.post(t, "/secret", nil)
	get(t, client)
	for _, value := range []string{old, token(t, client)} {
		transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("Authorization") != "" || r.Header.Get("accessToken") != "" || r.URL.RawQuery != "a=1&b=2" {
				t.Errorf("%v %v", r.Header, r.URL)
			}
			response, _ := answer(200, strings.NewReader(""))
			return response, nil
		})}
		request := newRequest(t, http.MethodGet, "http://elsewhere.example/?a=1&accessToken="+url.QueryEscape(value)+"&b=2", "")
		request.Header.Set("Authorization", "bearer "+value)
		request.Header.Set("accessToken", value)
		before := request.URL.String()
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if request.Header.Get("accessToken") != value || request.URL.String() != before || response.Request != request {
			t.Error("the request was changed")
		}
	}
}

// A server that repeats the query in a redirect does not bring the token into addresses, which logs and Referer keep.
func TestRedirectsDoNotRepeatTheToken(t *testing.T) {
	server := start(t)
	client := server.connect(t, func(o *nacosauth.Options) { o.TokenIn = nacosauth.TokenInQuery })
	value := token(t, client)
	for location, want := range map[string]string{
		"/a?accessToken=" + value:                  "/a",
		"/a?x=1&accessToken=" + value + "&y=2#end": "/a?x=1&y=2#end",
		"http://b.example/?token=" + value + "#e":  "http://b.example/#e",
		"/a?accessToken=mine":                      "/a?accessToken=mine",
		"/a":                                       "/a",
	} {
		transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
			response, _ := answer(302, strings.NewReader(""))
			response.Header = http.Header{"Location": {location}}
			return response, nil
		})}
		response, err := transport.RoundTrip(newRequest(t, http.MethodGet, "http://"+server.Address+"/", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header.Get("Location"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A base that follows redirects by itself hands on a stranger's answer: it says nothing about the token.
func TestABaseThatFollowsRedirects(t *testing.T) {
	client := start(t).connect(t)
	sent := 0
	transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
		sent++
		response, _ := answer(403, strings.NewReader(expired))
		response.Request = &http.Request{URL: &url.URL{Scheme: "http", Host: "elsewhere.example"}}
		return response, nil
	})}
	response, err := transport.RoundTrip(newRequest(t, http.MethodGet, "http://127.0.0.1/", ""))
	if err != nil || response.StatusCode != 403 || sent != 1 {
		t.Errorf("%v, %v, sent %d times", response, err, sent)
	}
	if stats, err := client.Stats(); err != nil || stats.Rejections != 0 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// Of a refusal without end little is read, and the caller can read on.
func TestRefusalsAreReadALittle(t *testing.T) {
	client := start(t).connect(t)
	read := 0
	transport := &nacosauth.Transport{Client: client, Base: base(func(r *http.Request) (*http.Response, error) {
		response, _ := answer(500, readerOf(func(p []byte) (int, error) {
			for i := range p {
				p[i] = byte(read + i)
			}
			read += len(p)
			return len(p), nil
		}))
		return response, nil
	})}
	before := time.Now()
	response, err := transport.RoundTrip(newRequest(t, http.MethodGet, "http://127.0.0.1/", ""))
	if err != nil || read > 4<<10 || time.Since(before) > prompt {
		t.Fatalf("%v, %d bytes read, %s", err, read, time.Since(before))
	}
	whole := make([]byte, 100_000)
	if _, err := io.ReadFull(response.Body, whole); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		if whole[i] != byte(i) {
			t.Fatalf("byte %d is another", i)
		}
	}
	response.Body.Close()
}

type readerOf func([]byte) (int, error)

func (r readerOf) Read(p []byte) (int, error) { return r(p) }
