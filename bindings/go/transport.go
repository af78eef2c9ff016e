package nacosauth

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// maxRejection is how much of a refusing answer the library needs to judge it.
const maxRejection = 4 << 10

// Transport is an [http.RoundTripper] that puts the token on each request, in the way chosen by [Options.Carriage].
//
// An answer that refuses the token is followed by one login and one replay, if the request has no body or has GetBody
// (as [http.NewRequest] sets it for buffers and readers of strings), and if the library holds it safe: a refusal of
// unknown origin only replays idempotent methods. Everything else is returned as it came.
//
// If no login succeeds but the server answers, the request is sent once without a token, for servers that want none; if
// it is refused the error of the login is returned. A redirect to another host is followed without the token.
type Transport struct {
	Client *Client           // required; it is not closed by the transport
	Base   http.RoundTripper // nil means http.DefaultTransport
}

// RoundTrip sends the request, which it does not change.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if leavesHost(request) {
		return t.base().RoundTrip(request)
	}
	token, err := t.Client.token(request.Context())
	if err != nil {
		return t.withoutToken(request, err)
	}
	response, advice, err := t.send(request, request.Body, token)
	if err != nil || !mayReplay(request, advice) {
		return response, err
	}
	again, err := t.Client.token(request.Context())
	if err != nil {
		if advice == AdviceReplayIfIdempotent { // nobody said that the token was the reason
			return response, nil
		}
		response.Body.Close()
		return nil, err
	}
	var body io.ReadCloser
	if request.GetBody != nil {
		if body, err = request.GetBody(); err != nil {
			return response, nil
		}
	}
	response.Body.Close()
	response, _, err = t.send(request, body, again)
	return response, err
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
	if !mayRefuse(response.StatusCode) {
		if t.Client.accepted.Swap(token.generation) != token.generation {
			// News for the library, which gives up after two tokens that nobody ever accepted.
			_, _ = t.Client.ReportRejected(token.generation, response.StatusCode, nil)
		}
		return response, AdviceReturn, nil
	}
	// A read that fails here fails again for the caller, who is the one to be told.
	start, _ := io.ReadAll(io.LimitReader(response.Body, maxRejection))
	response.Body = &restored{io.MultiReader(bytes.NewReader(start), response.Body), response.Body}
	advice, err := t.Client.ReportRejected(token.generation, response.StatusCode, start)
	if err != nil {
		advice = AdviceReturn // closed meanwhile: the answer is still good
	}
	return response, advice, nil
}

// withoutToken tries whether the server wants no token at all, when a login was answered but failed.
func (t *Transport) withoutToken(request *http.Request, login error) (*http.Response, error) {
	var failure *Error
	if !errors.As(login, &failure) || failure.HTTPStatus == 0 || failure.Status == ErrForbidden {
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
	switch c.carriage {
	case CarriageHeader:
		out.Header.Set("accessToken", token)
	case CarriageQuery:
		u := *request.URL
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += "accessToken=" + url.QueryEscape(token)
		out.URL = &u
	default:
		out.Header.Set("Authorization", "Bearer "+token)
	}
	return out
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

func mayReplay(request *http.Request, advice Advice) bool {
	if request.Body != nil && request.Body != http.NoBody && request.GetBody == nil {
		return false
	}
	return advice == AdviceReplay || advice == AdviceReplayIfIdempotent && slices.Contains(
		[]string{"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete},
		request.Method)
}

// restored is a body whose beginning has been read already.
type restored struct {
	io.Reader
	io.Closer
}
