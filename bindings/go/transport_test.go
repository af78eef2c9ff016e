package nacosauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

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
	for name, carriage := range map[string]nacosauth.Carriage{
		"bearer": nacosauth.CarriageBearer, "header": nacosauth.CarriageHeader, "query": nacosauth.CarriageQuery} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			client := server.connect(t, func(o *nacosauth.Options) { o.Carriage = carriage })
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
