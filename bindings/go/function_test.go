package nacosauth_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// goexits is a slog.Handler whose records end the goroutine, as t.FailNow does.
type goexits struct {
	slog.Handler
	ended atomic.Int32
}

func (h *goexits) Enabled(context.Context, slog.Level) bool { return true }
func (h *goexits) Handle(context.Context, slog.Record) error {
	h.ended.Add(1)
	runtime.Goexit()
	return nil
}
func (h *goexits) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *goexits) WithGroup(string) slog.Handler      { return h }

func TestGoexitOfOnEventIsContained(t *testing.T) {
	server := start(t)
	journal := &journal{}
	var deferred atomic.Int32
	client := server.connect(t, func(o *nacosauth.Options) {
		o.Logger = journal.logger()
		o.OnEvent = func(e nacosauth.Event) {
			defer deferred.Add(1)
			journal.add(e)
			runtime.Goexit()
		}
	})
	token(t, client)
	server.post(t, "/secret", nil)
	get(t, client)
	eventually(t, "a later event", func() bool { return journal.has(nacosauth.EventTokenRejected) })
	eventually(t, "a line about it", func() bool {
		return strings.Contains(journal.text(), `level=ERROR msg="Options.OnEvent ended its goroutine (runtime.Goexit)"`)
	})
	if err := client.Close(); err != nil || deferred.Load() < 2 {
		t.Errorf("%v, %d deferred", err, deferred.Load())
	}
}

// What ends in Logger keeps no event from OnEvent, and ends nothing else.
func TestGoexitOfLoggerIsContained(t *testing.T) {
	server := start(t)
	journal, handler := &journal{}, &goexits{}
	client := server.connect(t, func(o *nacosauth.Options) {
		o.Logger = slog.New(handler)
		o.OnEvent = func(e nacosauth.Event) { journal.add(e); panic("told to a logger that ends, too") }
	})
	token(t, client)
	eventually(t, "the event", func() bool { return journal.has(nacosauth.EventTokenRefreshed) })
	if err := client.Close(); err != nil || handler.ended.Load() < 3 {
		t.Errorf("%v, %d lines", err, handler.ended.Load())
	}
}

func TestGoexitOfCredentialsIsContained(t *testing.T) {
	server := start(t)
	journal := &journal{}
	var asked atomic.Int32
	client := server.supplied(t, func(context.Context) (nacosauth.Credentials, error) {
		if asked.Add(1) == 1 {
			runtime.Goexit()
		}
		return nacosauth.Credentials{Username: "nacos", Password: "nacos"}, nil
	}, func(o *nacosauth.Options) { o.Logger = journal.logger() })
	_, err := client.Token(background)
	wantError(t, err, nacosauth.ErrNoCredentials)
	if !strings.Contains(err.Error(), "Options.Credentials ended its goroutine") || !strings.Contains(journal.text(), "Options.Credentials ended its goroutine") {
		t.Error(err, journal.text())
	}
	if err := client.Retry(); err != nil {
		t.Fatal(err)
	}
	token(t, client)
}

// A function that is about to end may still close its client, or another's, and waits for nothing.
func TestCloseWhileAFunctionEnds(t *testing.T) {
	server := start(t)
	for name, end := range map[string]func(){"return": func() {}, "panic": func() { panic("over") }, "Goexit": runtime.Goexit} {
		other, release := server.hanging(t, func(o *nacosauth.Options) { o.UserAgent = "other " + name })
		results := make(chan error, 64)
		var client *nacosauth.Client
		ready := make(chan struct{})
		client = server.connect(t, func(o *nacosauth.Options) {
			o.UserAgent = name
			o.OnEvent = func(nacosauth.Event) {
				<-ready
				defer func() { results <- other.Close(); results <- client.Close() }()
				end()
			}
		})
		close(ready)
		before := time.Now()
		_, _ = client.Token(background) // may be closed by then
		for range 2 {
			select {
			case err := <-results:
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case <-time.After(time.Minute):
				t.Fatal("it waits for itself")
			}
		}
		if took := time.Since(before); took > prompt {
			t.Errorf("%s: took %s", name, took)
		}
		close(release)
	}
}

// Events of a client that nobody holds any more keep coming, until somebody closes it: here one of its functions.
func TestAClientWithFunctionsLivesUntilItIsClosed(t *testing.T) {
	server := start(t, "--ttl", "3")
	for name, with := range map[string]func(*nacosauth.Options, *journal){
		"OnEvent": func(o *nacosauth.Options, j *journal) { o.OnEvent = j.add },
		"Logger":  func(o *nacosauth.Options, j *journal) { o.Logger = j.logger() },
		"Credentials": func(o *nacosauth.Options, j *journal) {
			o.Username, o.Password = "", ""
			o.Credentials = func(context.Context) (nacosauth.Credentials, error) {
				j.add(nacosauth.Event{})
				return nacosauth.Credentials{Username: "nacos", Password: "nacos"}, nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var freed atomic.Bool
			journal := &journal{}
			closing := make(chan func() error, 1)
			func() {
				options := nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos", UserAgent: name}
				with(&options, journal)
				client, err := nacosauth.New(options)
				if err != nil {
					t.Fatal(err)
				}
				runtime.AddCleanup(client, func(freed *atomic.Bool) { freed.Store(true) }, &freed)
				token(t, client)
				number := nacosauth.AsNumber(client)
				closing <- func() error { return nacosauth.FromNumber(number).Close() }
			}()
			told := func() int {
				journal.lock.Lock()
				defer journal.lock.Unlock()
				return len(journal.events) + strings.Count(journal.lines.String(), "token refreshed") + strings.Count(journal.lines.String(), "\n")
			}
			before := told()
			eventually(t, "the token is renewed", func() bool { runtime.GC(); return told() > before+1 })
			if freed.Load() {
				t.Fatal("it was collected")
			}
			if err := (<-closing)(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is collected", func() bool { runtime.GC(); return freed.Load() })
		})
	}
}

// The goroutine of cleanups waits for no function of a client.
func TestCleanupsWaitForNothing(t *testing.T) {
	server := start(t)
	client, release := server.hanging(t, func(o *nacosauth.Options) { o.RequestTimeout = 30 * time.Second })
	var freed, other atomic.Bool
	runtime.AddCleanup(client, func(freed *atomic.Bool) { freed.Store(true) }, &freed)
	ctx, stop := context.WithTimeout(background, 10*time.Millisecond)
	defer stop()
	wantError(t, client.CloseContext(ctx), nacosauth.ErrTimeout)
	defer close(release)
	before := time.Now()
	something := new([64]byte)
	runtime.AddCleanup(something, func(other *atomic.Bool) { other.Store(true) }, &other)
	eventually(t, "another cleanup has run", func() bool { runtime.GC(); return other.Load() })
	if took := time.Since(before); took > prompt {
		t.Errorf("took %s", took)
	}
}
