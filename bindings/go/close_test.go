package nacosauth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// hanging makes a client whose OnEvent does not return before the channel is closed, and waits until it runs.
func (s server) hanging(t *testing.T, changes ...func(*nacosauth.Options)) (*nacosauth.Client, chan struct{}) {
	t.Helper()
	inside, release := make(chan struct{}, 16), make(chan struct{})
	client := s.connect(t, append(changes, func(o *nacosauth.Options) {
		o.OnEvent = func(nacosauth.Event) { inside <- struct{}{}; <-release }
	})...)
	token(t, client)
	<-inside
	return client, release
}

func TestCloseIsBounded(t *testing.T) {
	client, release := start(t).hanging(t, func(o *nacosauth.Options) { o.RequestTimeout = 2 * time.Second })
	before := time.Now()
	err := client.Close()
	wantError(t, err, nacosauth.ErrTimeout)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("there was no context")
	}
	if took := time.Since(before); took < 1900*time.Millisecond || took > prompt {
		t.Errorf("closing took %s", took)
	}
	_, err = client.Token(background)
	wantError(t, err, nacosauth.ErrClosed)
	close(release)
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseContext(t *testing.T) {
	client, release := start(t).hanging(t)
	ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
	defer cancel()
	before := time.Now()
	wantError(t, client.CloseContext(ctx), context.DeadlineExceeded, nacosauth.ErrTimeout)
	wantError(t, client.CloseContext(ctx), context.DeadlineExceeded) // it is over, and so is the client
	reason := errors.New("the user left")
	cancelled, end := context.WithCancelCause(background)
	time.AfterFunc(100*time.Millisecond, func() { end(reason) })
	wantError(t, client.CloseContext(cancelled), context.Canceled, reason)
	if took := time.Since(before); took > prompt {
		t.Errorf("closing took %s", took)
	}
	_, err := client.Token(background)
	wantError(t, err, nacosauth.ErrClosed)
	time.AfterFunc(200*time.Millisecond, func() { close(release) })
	if err := client.CloseContext(background); err != nil {
		t.Error(err)
	}
}

// Inside a function of the options, nothing is waited for.
func TestCloseContextInsideOnEvent(t *testing.T) {
	results := make(chan error, 16)
	var client *nacosauth.Client
	ready := make(chan struct{})
	client = start(t).connect(t, func(o *nacosauth.Options) {
		o.OnEvent = func(nacosauth.Event) { <-ready; results <- client.CloseContext(background) }
	})
	close(ready)
	_, _ = client.Token(background) // may be closed by then
	select {
	case err := <-results:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits for itself")
	}
}
