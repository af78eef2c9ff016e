//go:build cgo

package nacosauth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A request is sent with three tokens at the most, as the second may have been on its way already when the first was refused,
// and with each as often as the library waits for a server to hear of a new one.
const (
	maxTokens = 3
	maxTries  = 4
)

// maxRejection is how much of a refusing answer the library needs to judge it.
const maxRejection = 4 << 10

// Transport is an [http.RoundTripper] that puts the token on each request, where [Options.TokenIn] says. It is
// for requests to the servers of its client: the token goes wherever the request goes, but not along with a redirect to
// another host. Any number of goroutines may use it.
//
// An answer that refuses the token is followed by a login and a replay (by several if the new token is refused too: it may
// be of an old secret, or too new for this node, which gets up to a second to hear of it), if the request has no body or has
// GetBody (as [http.NewRequest] sets it for buffers and readers of strings), and if the library holds it safe: a refusal of
// unknown origin only replays idempotent methods, and what has a header Idempotency-Key. Everything else is returned as it
// came. Of an answer with status 400 and up the first 4 KiB of the body are read before RoundTrip returns; the body that is
// returned is whole.
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
	if request.URL == nil || leavesHost(request) { // the base says what is wrong with the first
		return t.base().RoundTrip(request)
	}
	token, err := t.Client.token(request.Context())
	if err != nil {
		return t.withoutToken(request, err)
	}
	body, tokens, tries := request.Body, 1, 1
	for again := false; ; again = true {
		response, advised, err := t.send(request, body, token, tries, again)
		if err != nil || !mayReplay(request, advised.Advice, again) || endsWithin(request.Context(), advised.Wait) {
			return response, err
		}
		if tokens == maxTokens && advised.Wait == 0 { // which would be with a fourth
			return response, nil
		}
		next, err := t.Client.later(request.Context(), advised.Wait)
		unsure := advised.Advice == AdviceReplayIfIdempotent // nobody said that the token was the reason
		switch {
		case unsure && (err != nil || next.generation == token.generation):
			return response, nil
		case err != nil:
			response.Body.Close()
			return nil, err
		case next.generation == token.generation:
			tries++
		default:
			tokens, tries = tokens+1, 1
		}
		if tokens > maxTokens || tries > maxTries {
			return response, nil
		}
		token = next
		if request.GetBody != nil {
			if body, err = request.GetBody(); err != nil {
				return response, nil
			}
		}
		response.Body.Close() // a refusal of less than 4 KiB has been read to its end, so its connection is used again
	}
}

// endsWithin tells whether the context is over before the time is.
func endsWithin(ctx context.Context, wait time.Duration) bool {
	deadline, limited := ctx.Deadline()
	return limited && wait > 0 && time.Until(deadline) < wait
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

// send sends a copy of the request with the token, and reports the answer.
func (t *Transport) send(request *http.Request, body io.ReadCloser, token *cachedToken, tries int, again bool) (*http.Response, Advised, error) {
	response, err := t.base().RoundTrip(t.Client.carry(request, body, token.value))
	if err != nil {
		return nil, Advised{}, err
	}
	response.Request = request // callers print it
	report := Rejection{
		Generation:    token.generation,
		StatusCode:    response.StatusCode,
		RefusedBefore: tries - 1,
		Server:        request.URL.Scheme + "://" + request.URL.Host,
		RetryAfter:    strings.ToValidUTF8(response.Header.Get("Retry-After"), "?"),
	}
	if response.StatusCode < http.StatusBadRequest {
		if again || t.Client.accepted.Load() != token.generation {
			// News for the library, which gives up after two tokens that nobody ever accepted.
			t.Client.accepted.Store(token.generation)
			_, _ = t.Client.ReportRejected(report)
		}
		return response, Advised{}, nil
	}
	start, err := io.ReadAll(io.LimitReader(response.Body, maxRejection))
	rest := io.Reader(response.Body)
	if err != nil {
		rest = broken{err} // it is the caller's to be told
	}
	response.Body = &restored{io.MultiReader(bytes.NewReader(start), rest), response.Body}
	report.Body = start
	advised, err := t.Client.ReportRejected(report)
	if err != nil {
		advised = Advised{} // closed meanwhile: the answer is still good
	}
	return response, advised, nil
}

// withoutToken sends the request without a token where the library finds, by a request of its own, that the servers want none.
func (t *Transport) withoutToken(request *http.Request, login error) (*http.Response, error) {
	var failure *Error
	if !errors.As(login, &failure) || failure.HTTPStatus == 0 || failure.Status == ErrForbidden {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, login
	}
	probe, err := t.Client.Get(request.Context(), "/v1/cs/configs",
		url.Values{"dataId": {"nacos-auth.absent"}, "group": {"nacos-auth"}})
	if err != nil || probe.Generation != 0 {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, login
	}
	response, err := t.base().RoundTrip(request)
	if err == nil && (response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized) {
		response.Body.Close()
		return nil, login
	}
	return response, err
}

// carry copies the request and puts the token on the copy.
func (c *Client) carry(request *http.Request, body io.ReadCloser, token string) *http.Request {
	out := request.WithContext(request.Context())
	out.Header = request.Header.Clone()
	if out.Header == nil {
		out.Header = make(http.Header, 1)
	}
	out.Body = body
	if c.tokenIn == TokenInAuto || c.tokenIn == TokenInAuthorization { // which beats everything else
		out.Header.Set("Authorization", "Bearer "+token)
		return out
	}
	if scheme, _, _ := strings.Cut(out.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		out.Header.Del("Authorization")
	}
	out.URL = withoutTokenParameter(request.URL)
	if c.tokenIn == TokenInHeader {
		out.Header.Set("accessToken", token)
		return out
	}
	u := *out.URL
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "accessToken=" + url.QueryEscape(token)
	out.URL = &u
	return out
}

// withoutTokenParameter returns the address itself unless its query has a token, as after a redirect that repeats it.
func withoutTokenParameter(address *url.URL) *url.URL {
	if !strings.Contains(address.RawQuery, "accessToken=") {
		return address
	}
	pairs := slices.DeleteFunc(strings.Split(address.RawQuery, "&"), func(pair string) bool {
		return strings.HasPrefix(pair, "accessToken=")
	})
	u := *address
	u.RawQuery = strings.Join(pairs, "&")
	return &u
}

// leavesHost tells whether the request follows a redirect away from the server it was first sent to, or off TLS.
func leavesHost(request *http.Request) bool {
	first := request
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	return first != request && (first.URL.Host != request.URL.Host || first.URL.Scheme != request.URL.Scheme)
}

func mayReplay(request *http.Request, advice Advice, again bool) bool {
	if request.Body != nil && request.Body != http.NoBody && request.GetBody == nil {
		return false
	}
	return advice == AdviceReplay || advice == AdviceReplayIfIdempotent && !again && isIdempotent(request)
}

// isIdempotent goes by the method, and by the headers that net/http goes by.
func isIdempotent(request *http.Request) bool {
	_, key := request.Header["Idempotency-Key"]
	_, extension := request.Header["X-Idempotency-Key"]
	return key || extension || slices.Contains(
		[]string{"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete},
		request.Method)
}

// broken is the rest of a body that could not be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// restored is a body whose beginning has been read already.
type restored struct {
	io.Reader
	io.Closer
}
