//go:build cgo

package nacosauth

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxReplays is two: the token of the first may have been on its way already when the one before it was refused.
const maxReplays = 2

// maxRejection is how much of a refusing answer the library needs to judge it.
const maxRejection = 4 << 10

// Transport is an [http.RoundTripper] that puts the token on each request, in the way chosen by [Options.Carriage]. It is
// for requests to the servers of its client: the token goes wherever the request goes, but not along with a redirect to
// another host. Any number of goroutines may use it.
//
// An answer that refuses the token is followed by a login and a replay (by several if the new token is refused too: it may
// be of an old secret, or too new for this node), if the request has no body or has GetBody
// (as [http.NewRequest] sets it for buffers and readers of strings), and if the library holds it safe: a refusal of
// unknown origin only replays idempotent methods. Everything else is returned as it came. Of an answer with status 401,
// 403 or 500 the first 4 KiB of the body are read before RoundTrip returns; the body that is returned is whole.
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
	body := request.Body
	for replays := 0; ; replays++ {
		response, advice, err := t.send(request, body, token)
		if err != nil || replays == maxReplays || !mayReplay(request, advice, replays) {
			return response, err
		}
		unsure := advice == AdviceReplayIfIdempotent // nobody said that the token was the reason
		next, err := t.Client.token(request.Context())
		switch {
		case unsure && (err != nil || next.generation == token.generation):
			return response, nil
		case err != nil:
			response.Body.Close()
			return nil, err
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

// send sends a copy of the request with the token, and reports an answer that may refuse it.
func (t *Transport) send(request *http.Request, body io.ReadCloser, token *cachedToken) (*http.Response, Advice, error) {
	response, err := t.base().RoundTrip(t.Client.carry(request, body, token.value))
	if err != nil {
		return nil, AdviceReturn, err
	}
	response.Request = request // callers print it
	if !mayRefuse(response.StatusCode) {
		if t.Client.accepted.Load() != token.generation {
			// News for the library, which gives up after two tokens that nobody ever accepted.
			t.Client.accepted.Store(token.generation)
			_, _ = t.Client.ReportRejected(token.generation, response.StatusCode, nil)
		}
		return response, AdviceReturn, nil
	}
	start, err := io.ReadAll(io.LimitReader(response.Body, maxRejection))
	rest := io.Reader(response.Body)
	if err != nil {
		rest = broken{err} // it is the caller's to be told
	}
	response.Body = &restored{io.MultiReader(bytes.NewReader(start), rest), response.Body}
	advice, err := t.Client.ReportRejected(token.generation, response.StatusCode, start)
	if err != nil {
		advice = AdviceReturn // closed meanwhile: the answer is still good
	}
	return response, advice, nil
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
	if c.carriage == CarriageAuto || c.carriage == CarriageBearer { // which beats everything else
		out.Header.Set("Authorization", "Bearer "+token)
		return out
	}
	if scheme, _, _ := strings.Cut(out.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		out.Header.Del("Authorization")
	}
	out.URL = withoutTokenParameter(request.URL)
	if c.carriage == CarriageHeader {
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

// mayRefuse names the statuses a Nacos server refuses a token with: 401 comes from proxies, 500 from Nacos 1.4.
func mayRefuse(status int) bool {
	return status == http.StatusForbidden || status == http.StatusUnauthorized || status == http.StatusInternalServerError
}

func mayReplay(request *http.Request, advice Advice, replays int) bool {
	if request.Body != nil && request.Body != http.NoBody && request.GetBody == nil {
		return false
	}
	return advice == AdviceReplay || advice == AdviceReplayIfIdempotent && replays == 0 && slices.Contains(
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
