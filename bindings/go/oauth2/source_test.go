package nacosoauth2_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"github.com/nacos-auth/nacos-auth/bindings/go/internal/devserver"
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

func ExampleTokenSource() {
	address := os.Getenv("NACOS_SERVER_ADDR")
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: address, Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	web := &http.Client{Transport: &oauth2.Transport{Source: nacosoauth2.TokenSource(context.Background(), client)}}
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
