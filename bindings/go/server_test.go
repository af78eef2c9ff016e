package nacosauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"github.com/nacos-auth/nacos-auth/bindings/go/internal/devserver"
)

// server is a devserver whose failures are those of a test.
type server struct{ *devserver.Server }

type fields = devserver.Fields

func (s server) post(t testing.TB, path string, in fields) {
	t.Helper()
	if err := s.Do(http.MethodPost, path, in, nil); err != nil {
		t.Fatal(err)
	}
}

func (s server) counts(t testing.TB) (c devserver.Counts) {
	t.Helper()
	if err := s.Do(http.MethodGet, "/counts", nil, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs a devserver of its own for one test, which must leave no goroutine behind.
func start(t testing.TB, arguments ...string) server {
	t.Helper()
	before := runtime.NumGoroutine()
	s, err := devserver.Launch(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		// Of clients that it has not closed the collector knows.
		if !eventually(t, "the goroutines of the test end", func() bool { runtime.GC(); return runtime.NumGoroutine() <= before }) {
			pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		}
	})
	return server{s}
}

// connect makes a client that the test closes. Each change edits the options.
func (s server) connect(t testing.TB, changes ...func(*nacosauth.Options)) *nacosauth.Client {
	t.Helper()
	options := nacosauth.Options{ServerAddr: s.Address, Username: "nacos", Password: "nacos"}
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

// prompt is how long a call that has been ended may take on a busy machine: less than it would wait by itself.
const prompt = 8 * time.Second

func eventually(t testing.TB, what string, holds func() bool) bool {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Errorf("a minute passed before %s", what)
			return false
		}
	}
	return true
}

func wantError(t testing.TB, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error is %v, want %v", err, target)
		}
	}
}

func token(t testing.TB, client *nacosauth.Client) string {
	t.Helper()
	token, err := client.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestMain runs one more devserver for the examples, which find it the way a program finds its server.
func TestMain(m *testing.M) {
	s, err := devserver.Launch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("NACOS_SERVER_ADDR", s.Address)
	code := m.Run()
	s.Stop()
	os.Exit(code)
}
