//go:build cgo

package nacosauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Transport is an [http.RoundTripper] that puts the token on each request to the servers of its client, where
// [Options.TokenIn] says. Any number of goroutines may use it.
//
// The token goes to the hosts in [Options.ServerAddr], on any port, never by http where the client has https; and not along with
// a redirect to another host, another port, or off TLS. A request elsewhere is sent without it; of each server the first is told as
// a warning to [Options.Logger], or to [slog.Default] without one. A token of the client that somebody else has put there is taken off.
//
// An answer that refuses the token is followed by a login and a replay (by several if the new token is refused too: it may
// be of an old secret, or too new for this node, which gets up to a second to hear of it), if the request has no body or has
// GetBody (as [http.NewRequest] sets it for buffers and readers of strings), and if the library holds it safe: a refusal of
// unknown origin only replays idempotent methods, and what has a header Idempotency-Key. Everything else is returned as it
// came. Of an answer with status 400 and up at most 4 KiB of the body are read, for a second at the most, before RoundTrip
// returns; the body that is returned is whole.
//
// If no login has ever succeeded and a Nacos shows that it wants no token, the request is sent without one, unless
// [Options.Anonymous] forbids it; if it is refused the error of the login is returned.
//
// A token or an identity of the caller's own that would compete with the token is not sent.
type Transport struct {
	Client *Client           // required; it is not closed by the transport
	Base   http.RoundTripper // nil means http.DefaultTransport
}

// RoundTrip sends a copy of the request, which itself stays as it is; Response.Request is the request, without the token.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request == nil || request.URL == nil {
		return refuse(request, invalid("there is no request, or it has no URL"))
	}
	if t == nil || t.Client.usable() != nil {
		return refuse(request, invalid("Transport.Client is nil, or was not made by New"))
	}
	if leavesHost(request) || !t.Client.servers.has(request.URL) {
		t.Client.warnOf(request)
		response, err := roundTrip(t.base(), t.Client.issued.strip(request))
		if err == nil {
			response.Request = request
		}
		return response, err
	}
	token, err := t.Client.token(request.Context())
	if err != nil {
		return t.withoutToken(request, err)
	}
	return newAttempt(t.Client, t.base(), request, token).run()
}

// refuse is for a request that has not been given to the base, which would have closed its body.
func refuse(request *http.Request, err error) (*http.Response, error) {
	if request != nil && request.Body != nil {
		request.Body.Close()
	}
	return nil, err
}

// warned are the servers of which it has been said that requests there go without the token.
type warned struct {
	mutex   sync.Mutex
	servers map[string]bool
}

// mostWarnings is of one client: a program that goes anywhere must not fill the log, or the memory.
const mostWarnings = 100

// isFirst tells whether it is still to be said of this one.
func (w *warned) isFirst(server string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.servers[server] || len(w.servers) >= mostWarnings {
		return false
	}
	if w.servers == nil {
		w.servers = map[string]bool{}
	}
	w.servers[server] = true
	return true
}

// warnOf says once of each server that a request there goes without the token.
func (c *Client) warnOf(request *http.Request) {
	server := request.URL.Scheme + "://" + request.URL.Host
	if !c.warned.isFirst(server) {
		return
	}
	logger := c.logger
	if logger == nil {
		logger = slog.Default()
	}
	const warning = "nacosauth: a request through Transport leaves the hosts of Options.ServerAddr, or follows a redirect away " +
		"from its server: it is sent without the token (told once for each server)"
	logger.LogAttrs(request.Context(), slog.LevelWarn, warning, slog.String("server", server))
}

// later returns the token that there is after some time.
func (c *Client) later(ctx context.Context, wait time.Duration) (*cachedToken, error) {
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return noToken, contextError(ctx)
		case <-c.open.Done(): // the next call says so
		}
	}
	return c.token(ctx)
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (t *Transport) CloseIdleConnections() {
	if t == nil {
		return
	}
	if base, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// withoutToken sends the request without a token where the library finds, by a request of its own, that the servers want none.
func (t *Transport) withoutToken(request *http.Request, login error) (*http.Response, error) {
	var failure *Error
	if !errors.As(login, &failure) || failure.HTTPStatus == 0 || failure.Status == ErrForbidden {
		return refuse(request, login)
	}
	probe, err := t.Client.Get(request.Context(), "/v1/cs/configs",
		url.Values{"dataId": {"nacos-auth.absent"}, "group": {"nacos-auth"}})
	if err != nil || probe.Generation != 0 {
		return refuse(request, login)
	}
	response, err := roundTrip(t.base(), request)
	if err == nil && (response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized) {
		response.Body.Close()
		return nil, login
	}
	return response, err
}
