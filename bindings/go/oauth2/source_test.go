package nacosoauth2_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"os"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"github.com/nacos-auth/nacos-auth/bindings/go/internal/devserver"
	"github.com/nacos-auth/nacos-auth/bindings/go/internal/situations"
	nacosoauth2 "github.com/nacos-auth/nacos-auth/bindings/go/oauth2"
	"golang.org/x/oauth2"
)

const page = "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"

func connect(t *testing.T, arguments ...string) (*devserver.Server, *nacosauth.Client) {
	t.Helper()
	server, err := devserver.Launch(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return server, client
}

func TestToken(t *testing.T) {
	_, client := connect(t, "--ttl", "60")
	token, err := nacosoauth2.TokenSource(context.Background(), client).Token()
	if err != nil {
		t.Fatal(err)
	}
	want, err := client.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	left := time.Until(token.Expiry)
	if token.AccessToken != want || token.Type() != "Bearer" || !token.Valid() || left < 50*time.Second || left > time.Minute {
		t.Errorf("type %s, valid %t, %s left", token.Type(), token.Valid(), left)
	}
}

func TestRequestsOverExpiry(t *testing.T) {
	server, client := connect(t, "--ttl", "3")
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	web := &http.Client{Transport: &oauth2.Transport{Source: nacosoauth2.TokenSource(context.Background(), client), Base: base}}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		response, err := web.Get("http://" + server.Address + page)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response.Status, err)
		}
	}
	if stats, err := client.Stats(); err != nil || stats.Logins < 2 {
		t.Error(stats.Logins, err)
	}
}

func TestErrors(t *testing.T) {
	server, client := connect(t)
	if err := server.Do(http.MethodPost, "/faults", devserver.Fields{"on": "login", "kind": "hang"}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := nacosoauth2.TokenSource(ctx, client).Token(); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	client.Close()
	if _, err := nacosoauth2.TokenSource(context.Background(), client).Token(); !errors.Is(err, nacosauth.ErrClosed) {
		t.Error(err)
	}
}

func TestSituations(t *testing.T) {
	over := func(ctx context.Context, client *nacosauth.Client, base http.RoundTripper) http.RoundTripper {
		return &oauth2.Transport{Source: nacosoauth2.TokenSource(ctx, client), Base: &nacosauth.Transport{Client: client, Base: base}}
	}
	alone := func(ctx context.Context, client *nacosauth.Client, base http.RoundTripper) http.RoundTripper {
		return &oauth2.Transport{Source: nacosoauth2.TokenSource(ctx, client), Base: base}
	}
	t.Run("over it", func(t *testing.T) { situations.Run(t, "oauth2 over it", over) })
	t.Run("alone", func(t *testing.T) { situations.Run(t, "oauth2 alone", alone) })
}

// A token of unknown life is one that is used, and the longest life does not become a short one.
func TestUnendingTokens(t *testing.T) {
	server, login := connect(t)
	value, err := login.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, ttl := range []time.Duration{0, math.MaxInt64, math.MaxInt64 - 1} {
		client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Token: "another"})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.SetToken(value, ttl); err != nil {
			t.Fatal(err)
		}
		token, err := nacosoauth2.TokenSource(context.Background(), client).Token()
		if err != nil || !token.Valid() || token.AccessToken != value {
			t.Errorf("%s: valid %t, %v", ttl, token.Valid(), err)
		}
	}
}

func TestNoClient(t *testing.T) {
	for _, client := range []*nacosauth.Client{nil, {}} {
		if token, err := nacosoauth2.TokenSource(context.Background(), client).Token(); token != nil || !errors.Is(err, nacosauth.ErrInvalidArgument) {
			t.Error(err)
		}
	}
	_, client := connect(t)
	var none context.Context
	if _, err := nacosoauth2.TokenSource(none, client).Token(); !errors.Is(err, nacosauth.ErrInvalidArgument) {
		t.Error(err)
	}
}

// The library's own time-out is not the context's, whose cause is kept.
func TestTimeouts(t *testing.T) {
	server, _ := connect(t)
	if err := server.Do(http.MethodPost, "/faults", devserver.Fields{"on": "login", "kind": "hang"}, nil); err != nil {
		t.Fatal(err)
	}
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos",
		RequestTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := nacosoauth2.TokenSource(context.Background(), client).Token(); !errors.Is(err, nacosauth.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	reason := errors.New("no more time")
	ctx, stop := context.WithTimeoutCause(context.Background(), 100*time.Millisecond, reason)
	defer stop()
	if _, err := nacosoauth2.TokenSource(ctx, client).Token(); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, reason) {
		t.Error(err)
	}
}

func ExampleTokenSource() {
	address := os.Getenv("NACOS_SERVER_ADDR")
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: address, Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	web := &http.Client{Transport: &oauth2.Transport{
		Source: nacosoauth2.TokenSource(context.Background(), client),
		Base:   &nacosauth.Transport{Client: client}, // sends a refused request again, and the token nowhere else
	}}
	defer web.CloseIdleConnections()
	response, err := web.Get("http://" + address + page)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output: 200 OK
}

// TestMain runs one more devserver for the example.
func TestMain(m *testing.M) {
	server, err := devserver.Launch()
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("NACOS_SERVER_ADDR", server.Address)
	code := m.Run()
	server.Stop()
	os.Exit(code)
}
