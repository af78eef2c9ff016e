package nacosauth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// supplied makes a client that gets its credentials from a function.
func (s server) supplied(t testing.TB, supply func(context.Context) (nacosauth.Credentials, error), changes ...func(*nacosauth.Options)) *nacosauth.Client {
	return s.connect(t, append(changes, func(o *nacosauth.Options) { o.Username, o.Password, o.Credentials = "", "", supply })...)
}

// journal keeps what a client tells. It may be written while it is read.
type journal struct {
	lock   sync.Mutex
	events []nacosauth.Event
	lines  bytes.Buffer
}

func (j *journal) add(event nacosauth.Event) {
	j.lock.Lock()
	defer j.lock.Unlock()
	j.events = append(j.events, event)
}

func (j *journal) Write(line []byte) (int, error) {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.lines.Write(line)
}

func (j *journal) text() string {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.lines.String()
}

func (j *journal) has(kind nacosauth.EventKind) bool {
	j.lock.Lock()
	defer j.lock.Unlock()
	return slices.ContainsFunc(j.events, func(e nacosauth.Event) bool { return e.Kind == kind })
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestCredentialsFromAFunction(t *testing.T) {
	server := start(t)
	var password atomic.Value
	password.Store("nacos")
	client := server.supplied(t, func(context.Context) (nacosauth.Credentials, error) {
		return nacosauth.Credentials{Username: "nacos", Password: password.Load().(string)}, nil
	})
	token(t, client)
	server.post(t, "/password", fields{"username": "nacos", "password": "a new one"})
	password.Store("a new one")
	server.post(t, "/revoke", nil)
	if response := get(t, client); response.StatusCode != 200 || !response.Replayed {
		t.Errorf("%d, replayed %t", response.StatusCode, response.Replayed)
	}
}

func TestATokenFromAFunction(t *testing.T) {
	server := start(t)
	elsewhere := server.connect(t)
	client := server.supplied(t, func(ctx context.Context) (nacosauth.Credentials, error) {
		token, err := elsewhere.Token(ctx)
		return nacosauth.Credentials{Token: token, TTL: time.Minute}, err
	})
	info, err := client.TokenInfo(background)
	if err != nil || info.Token != token(t, elsewhere) || info.Remaining > time.Minute || info.Remaining < 50*time.Second {
		t.Errorf("%v, %v", info, err)
	}
	if response := get(t, client); response.StatusCode != 200 || server.counts(t).Logins != 1 {
		t.Errorf("%d after %d logins", response.StatusCode, server.counts(t).Logins)
	}
}

func TestAFunctionFails(t *testing.T) {
	server := start(t)
	for name, test := range map[string]struct {
		supply func(context.Context) (nacosauth.Credentials, error)
		want   string
	}{
		"error": {func(context.Context) (nacosauth.Credentials, error) {
			return nacosauth.Credentials{}, errors.New("the vault is sealed\x00\xff")
		}, "the vault is sealed"},
		"panic": {func(context.Context) (nacosauth.Credentials, error) { panic("hunter2") }, "panicked"},
		"error that panics": {func(context.Context) (nacosauth.Credentials, error) {
			var missing *goexitError
			return nacosauth.Credentials{}, missing
		}, "panicked"},
		"error that ends the goroutine": {func(context.Context) (nacosauth.Credentials, error) {
			return nacosauth.Credentials{}, &goexitError{}
		}, "ended its goroutine"},
		"nothing": {func(context.Context) (nacosauth.Credentials, error) { return nacosauth.Credentials{}, nil }, "username"},
		"NUL": {func(context.Context) (nacosauth.Credentials, error) {
			return nacosauth.Credentials{Token: "a\x00b"}, nil
		}, "NUL"},
		"negative": {func(context.Context) (nacosauth.Credentials, error) {
			return nacosauth.Credentials{Token: "a", TTL: -1}, nil
		}, "negative"},
	} {
		journal := &journal{}
		client := server.supplied(t, test.supply, func(o *nacosauth.Options) { o.Logger = journal.logger() })
		_, err := client.Token(background)
		wantError(t, err, nacosauth.ErrNoCredentials)
		if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "panic" && !strings.Contains(journal.text(), "panic=hunter2") {
			t.Errorf("nobody was told: %s", journal.text())
		}
	}
}

// goexitError is an error that is worse than what it is about.
type goexitError struct{ text string }

func (e *goexitError) Error() string {
	if e.text == "" { // panics for nil
		runtime.Goexit()
	}
	return e.text
}

func TestCloseEndsAFunctionThatWaits(t *testing.T) {
	server := start(t)
	asked, left := make(chan struct{}), make(chan error, 1)
	client := server.supplied(t, func(ctx context.Context) (nacosauth.Credentials, error) {
		close(asked)
		<-ctx.Done()
		left <- ctx.Err()
		return nacosauth.Credentials{}, ctx.Err()
	})
	results := make(chan error, 1)
	go func() {
		_, err := client.Token(background)
		results <- err
	}()
	<-asked
	before := time.Now()
	client.Close()
	wantError(t, <-left, context.Canceled)
	wantError(t, <-results, nacosauth.ErrClosed)
	if took := time.Since(before); took > prompt {
		t.Errorf("closing took %s", took)
	}
}

func TestPasswordFile(t *testing.T) {
	server := start(t)
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("nacos")
	client := server.connect(t, func(o *nacosauth.Options) { o.Password, o.PasswordFile = "", file })
	token(t, client)
	server.post(t, "/password", fields{"username": "nacos", "password": "a new one"})
	write("a new one")
	server.post(t, "/revoke", nil)
	if response := get(t, client); response.StatusCode != 200 || !response.Replayed {
		t.Errorf("%d, replayed %t", response.StatusCode, response.Replayed)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	server.post(t, "/revoke", nil)
	_, err := client.Get(background, "/v1/cs/configs", config)
	wantError(t, err, nacosauth.ErrNoCredentials)
}

func TestATokenOfSomebodyElse(t *testing.T) {
	server := start(t)
	elsewhere := server.connect(t)
	client := server.connect(t, func(o *nacosauth.Options) {
		o.Username, o.Password, o.Token = "", "", token(t, elsewhere)
	})
	if response := get(t, client); response.StatusCode != 200 {
		t.Errorf("%d %s", response.StatusCode, response.Body)
	}
	server.post(t, "/revoke", nil)
	_, err := client.Get(background, "/v1/cs/configs", config)
	wantError(t, err, nacosauth.ErrBadCredentials)
	get(t, elsewhere) // logs in again
	if err := client.SetToken(token(t, elsewhere), time.Hour); err != nil {
		t.Fatal(err)
	}
	if response := get(t, client); response.StatusCode != 200 {
		t.Errorf("%d %s", response.StatusCode, response.Body)
	}
	wantError(t, client.SetToken("a", -time.Second), nacosauth.ErrInvalidArgument)
	wantError(t, client.SetToken("a\x00b", 0), nacosauth.ErrInvalidArgument)
	client.Close()
	wantError(t, client.SetToken("a", 0), nacosauth.ErrClosed)
}

func TestEvents(t *testing.T) {
	server := start(t)
	journal := &journal{}
	client := server.connect(t, func(o *nacosauth.Options) { o.OnEvent, o.Logger = journal.add, journal.logger() })
	secret := token(t, client)
	server.post(t, "/secret", nil)
	get(t, client)
	for _, kind := range []nacosauth.EventKind{nacosauth.EventLoginStarted, nacosauth.EventTokenRefreshed, nacosauth.EventTokenRejected} {
		eventually(t, kind.String(), func() bool { return journal.has(kind) })
	}
	client.Close()
	journal.lock.Lock()
	events := slices.Clone(journal.events)
	journal.lock.Unlock()
	refreshed := events[slices.IndexFunc(events, func(e nacosauth.Event) bool { return e.Kind == nacosauth.EventTokenRefreshed })]
	if refreshed.Generation == 0 || refreshed.Level != slog.LevelInfo || refreshed.Status != 0 || refreshed.Message == "" {
		t.Errorf("%+v", refreshed)
	}
	text := journal.text()
	if !strings.Contains(text, "level=INFO") || !strings.Contains(text, "generation=") || strings.Contains(text, secret) {
		t.Errorf("a secret: %t; %q", strings.Contains(text, secret), text)
	}
}

func TestEventsOfFailures(t *testing.T) {
	server := start(t)
	journal := &journal{}
	client := server.connect(t, func(o *nacosauth.Options) {
		o.Password, o.OnEvent, o.Logger = "a wrong one", journal.add, journal.logger()
	})
	_, err := client.Token(background)
	wantError(t, err, nacosauth.ErrBadCredentials)
	eventually(t, "login failed", func() bool { return journal.has(nacosauth.EventLoginFailed) })
	client.Close()
	failed := journal.events[slices.IndexFunc(journal.events, func(e nacosauth.Event) bool { return e.Kind == nacosauth.EventLoginFailed })]
	if failed.Status != nacosauth.ErrBadCredentials || failed.HTTPStatus != 403 || failed.RetryAfter < time.Second || failed.Level != slog.LevelWarn ||
		failed.Server != server.Address || failed.Cause != nacosauth.CauseWrongCredentials {
		t.Errorf("%+v", failed)
	}
	want := "server=" + server.Address + " cause=wrong-credentials status=BAD_CREDENTIALS http_status=403 retry_after="
	if text := journal.text(); !strings.Contains(text, want) {
		t.Error(text)
	}
}

func TestAPanicOfOnEventIsContained(t *testing.T) {
	server := start(t)
	journal := &journal{}
	client := server.connect(t, func(o *nacosauth.Options) {
		o.Logger = journal.logger()
		o.OnEvent = func(e nacosauth.Event) {
			journal.add(e)
			panic("of the user")
		}
	})
	token(t, client)
	server.post(t, "/secret", nil)
	get(t, client)
	eventually(t, "a later event", func() bool { return journal.has(nacosauth.EventTokenRejected) })
	eventually(t, "a line about it", func() bool { return strings.Contains(journal.text(), `panic="of the user"`) })
}

// Whatever a function calls, nothing waits for itself.
func TestFunctionsCallTheClient(t *testing.T) {
	server := start(t)
	var client *nacosauth.Client
	ready, done := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	client = server.connect(t, func(o *nacosauth.Options) {
		o.OnEvent = func(e nacosauth.Event) {
			if e.Kind != nacosauth.EventTokenRefreshed {
				return
			}
			once.Do(func() {
				<-ready
				_, err := client.Stats()
				if _, e := client.Token(background); e != nil {
					err = errors.Join(err, e)
				}
				err = errors.Join(err, client.SetCredentials("nacos", "nacos"))
				client.Close()
				done <- err
			})
		}
	})
	close(ready)
	if _, err := client.Token(background); err != nil { // may be closed by then
		wantError(t, err, nacosauth.ErrClosed)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("no event in a minute")
	}
	_, err := client.Token(background)
	wantError(t, err, nacosauth.ErrClosed)
}

func TestNoEventAfterClose(t *testing.T) {
	server := start(t)
	for range 50 {
		var closed, late atomic.Bool
		client := server.connect(t, func(o *nacosauth.Options) {
			o.OnEvent = func(nacosauth.Event) {
				if closed.Load() {
					late.Store(true)
				}
				time.Sleep(time.Millisecond)
				if closed.Load() {
					late.Store(true)
				}
			}
		})
		token(t, client)
		report := nacosauth.Rejection{Generation: 1, StatusCode: 403, Body: []byte(expired)}
		if _, err := client.ReportRejected(report); err != nil {
			t.Fatal(err)
		}
		client.Close()
		closed.Store(true)
		server.counts(t) // time in which an event could come
		if late.Load() {
			t.Fatal("an event after Close")
		}
	}
}

// What the functions hold, the client itself for instance, is let go of by Close.
func TestCloseLetsGoOfTheFunctions(t *testing.T) {
	server := start(t)
	var freed atomic.Bool
	func() {
		var client *nacosauth.Client
		client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos",
			OnEvent: func(nacosauth.Event) { client.Stats() }})
		if err != nil {
			t.Fatal(err)
		}
		runtime.AddCleanup(client, func(freed *atomic.Bool) { freed.Store(true) }, &freed)
		token(t, client)
		client.Close()
	}()
	eventually(t, "the client is collected", func() bool { runtime.GC(); return freed.Load() })
}
