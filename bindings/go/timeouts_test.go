package nacosauth_test

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// ways are what takes a context and waits.
func ways(client *nacosauth.Client, address string) map[string]func(context.Context) error {
	web := &http.Client{Transport: &nacosauth.Transport{Client: client}}
	page := "http://" + address + "/nacos/v1/cs/configs?" + config.Encode()
	return map[string]func(context.Context) error{
		"Token":     func(ctx context.Context) error { _, err := client.Token(ctx); return err },
		"TokenInfo": func(ctx context.Context) error { _, err := client.TokenInfo(ctx); return err },
		"Get":       func(ctx context.Context) error { _, err := client.Get(ctx, "/v1/cs/configs", config); return err },
		"Post":      func(ctx context.Context) error { _, err := client.Post(ctx, "/v1/cs/configs", config); return err },
		"Do": func(ctx context.Context) error {
			_, err := client.Do(ctx, &nacosauth.Request{Path: "/v1/cs/configs", Query: config})
			return err
		},
		"Transport": func(ctx context.Context) error {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
			if err != nil {
				return err
			}
			response, err := web.Do(request)
			if err == nil {
				response.Body.Close()
				web.CloseIdleConnections()
			}
			return err
		},
	}
}

var everyWay = []string{"Token", "TokenInfo", "Get", "Post", "Do", "Transport"}

// However long somebody is willing to wait.
func TestTheLongestTimeouts(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "delay", "delay_ms": 50, "times": 0})
	for _, most := range []time.Duration{25 * time.Hour, 50 * 24 * time.Hour, math.MaxInt64 - time.Hour, math.MaxInt64 - 1, math.MaxInt64} {
		for _, name := range everyWay {
			client := server.connect(t, func(o *nacosauth.Options) { o.UserAgent = name + most.String() }) // and a login of its own
			ctx, stop := context.WithTimeout(background, most)
			if err := ways(client, server.Address)[name](ctx); err != nil {
				t.Errorf("%s, %s: %v", most, name, err)
			}
			if err := client.CloseContext(ctx); err != nil {
				t.Errorf("%s, CloseContext: %v", most, err)
			}
			stop()
		}
		client := server.connect(t, func(o *nacosauth.Options) {
			o.ConnectTimeout, o.RequestTimeout, o.UserAgent = most, most, "options "+most.String()
		})
		if err := client.SetToken(token(t, client), most); err != nil {
			t.Error(err)
		}
		if info, err := client.TokenInfo(background); err != nil || info.Expired || info.Remaining < 24*time.Hour {
			t.Errorf("%s: %v, %v", most, info, err)
		}
		if stats, err := client.Stats(); err != nil || stats.Remaining < 24*time.Hour {
			t.Errorf("%s: %+v, %v", most, stats, err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		supplied := server.supplied(t, func(context.Context) (nacosauth.Credentials, error) {
			return nacosauth.Credentials{Token: "a.b.c", TTL: most}, nil
		})
		if info, err := supplied.TokenInfo(background); err != nil || info.Expired || info.Remaining < time.Hour {
			t.Errorf("%s: %v, %v", most, info, err)
		}
	}
}

func TestTheShortestTimeouts(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang", "times": 0})
	client := server.connect(t)
	past, stop := context.WithDeadline(background, time.Now().Add(-time.Hour))
	defer stop()
	for _, limit := range []time.Duration{-1, 0, 1, time.Microsecond} {
		for name, way := range ways(client, server.Address) {
			ctx, stop := context.WithTimeout(background, limit)
			before := time.Now()
			err := way(ctx)
			wantError(t, err, context.DeadlineExceeded)
			wantError(t, way(past), context.DeadlineExceeded)
			if took := time.Since(before); took > prompt {
				t.Errorf("%s: took %s", name, took)
			}
			stop()
		}
	}
	for _, options := range []nacosauth.Options{{ConnectTimeout: -1}, {RequestTimeout: -1}, {RequestTimeout: math.MinInt64}} {
		options.ServerAddr, options.Username, options.Password = server.Address, "nacos", "nacos"
		_, err := nacosauth.New(options)
		wantError(t, err, nacosauth.ErrInvalidConfig)
	}
	hasty := server.connect(t, func(o *nacosauth.Options) { o.RequestTimeout = 1 })
	before := time.Now()
	_, err := hasty.Token(background)
	wantError(t, err, nacosauth.ErrTimeout)
	if took := time.Since(before); took > prompt {
		t.Errorf("a nanosecond took %s", took)
	}
}

// The library's own time-out is not the context's.
func TestTheLibrarysOwnTimeout(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang", "times": 0})
	client := server.connect(t, func(o *nacosauth.Options) { o.RequestTimeout = 200 * time.Millisecond })
	for name, way := range ways(client, server.Address) {
		err := way(background)
		wantError(t, err, nacosauth.ErrTimeout)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, but the context has no deadline", name, err)
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || !details(t, err).Retryable {
			t.Errorf("%s: %v is no time-out", name, err)
		}
	}
}

// A context says why it ended.
func TestCauses(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang", "times": 0})
	client := server.connect(t)
	reason := errors.New("the user left")
	for name, way := range ways(client, server.Address) {
		for range 10 { // the library and the context notice a deadline at the same time
			ctx, stop := context.WithTimeoutCause(background, 20*time.Millisecond, reason)
			err := way(ctx)
			wantError(t, err, context.DeadlineExceeded, reason)
			stop()
		}
		ctx, cancel := context.WithCancelCause(background)
		time.AfterFunc(20*time.Millisecond, func() { cancel(reason) })
		err := way(ctx)
		wantError(t, err, context.Canceled, reason)
		err = way(ctx) // before anything is done
		wantError(t, err, context.Canceled, reason)
		if name != "Transport" { // http.Client has words of its own
			wantError(t, err, nacosauth.ErrCancelled)
		}
		with, stop := context.WithTimeout(ctx, time.Hour)
		wantError(t, way(with), context.Canceled, reason)
		stop()
	}
}

// stuck is a context that promises a deadline, and never ends.
type stuck struct{ context.Context }

func (stuck) Deadline() (time.Time, bool) { return time.Now().Add(50 * time.Millisecond), true }

func TestAContextThatNeverEnds(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang", "times": 0})
	before := time.Now()
	_, err := server.connect(t).Token(stuck{background})
	wantError(t, err, nacosauth.ErrTimeout)
	if took := time.Since(before); took > prompt {
		t.Errorf("took %s", took)
	}
}

func TestTimeoutOfAnHTTPClient(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang", "times": 0})
	web := carried(t, server.connect(t))
	for _, limit := range []time.Duration{1, 200 * time.Millisecond} {
		web.Timeout = limit
		before := time.Now()
		_, err := web.Get("http://" + server.Address + "/nacos/v1/cs/configs")
		wantError(t, err, context.DeadlineExceeded)
		if took := time.Since(before); took > prompt {
			t.Errorf("took %s", took)
		}
	}
	if err := server.Do(http.MethodDelete, "/faults", nil, nil); err != nil {
		t.Fatal(err)
	}
	web = carried(t, server.connect(t, func(o *nacosauth.Options) { o.UserAgent = "another session" }))
	web.Timeout = math.MaxInt64
	if err := fetch(web, "http://"+server.Address+"/nacos/v1/cs/configs?"+config.Encode(), ""); err != nil {
		t.Error(err)
	}
}
