//go:build cgo

package nacosauth

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A request is sent with three tokens at the most, as the second may have been on its way already when the first was refused,
// and with each as often as the library waits for a server to hear of a new one.
const (
	maxTokensOfOne = 3
	maxTries       = 4
)

// attempt is one request on its way through the rule: send, judge, perhaps once more. How it may be repeated is read from the
// request once, before anything is sent.
type attempt struct {
	client   *Client
	base     http.RoundTripper
	first    *http.Request
	again    func() (io.ReadCloser, error) // the body of a repetition; nil: there can be none
	harmless bool                          // sent twice it does no more than once

	token         *cachedToken
	tokens, tries int // so far; the tries with this token
	isRepeated    bool
}

func newAttempt(client *Client, base http.RoundTripper, request *http.Request, token *cachedToken) *attempt {
	a := &attempt{client: client, base: base, first: request, harmless: isIdempotent(request), token: token, tokens: 1, tries: 1}
	switch body := request.Body; {
	case body == nil || body == http.NoBody:
		a.again = func() (io.ReadCloser, error) { return body, nil }
	case request.GetBody != nil:
		a.again = request.GetBody
	}
	return a
}

// run returns the answer that is the caller's.
func (a *attempt) run() (*http.Response, error) {
	body := a.first.Body
	for {
		response, err := a.send(body)
		if err != nil {
			return nil, err
		}
		next, err := a.judge(response)
		if err != nil {
			response.Body.Close()
			return nil, err
		}
		if next == nil {
			return response, nil
		}
		if body, err = a.again(); err != nil { // the refusal is the answer then
			return response, nil
		}
		a.use(next)
		response.Body.Close() // a refusal of less than 4 KiB has been read to its end, so its connection is used again
	}
}

// send sends a copy of the request with the token.
func (a *attempt) send(body io.ReadCloser) (*http.Response, error) {
	sent := a.client.carry(a.first, body, a.token.value)
	response, err := roundTrip(a.base, sent)
	if err != nil {
		return nil, err
	}
	if answered := response.Request; answered != nil && answered.URL != nil && !isSameServer(answered.URL, sent.URL) {
		a.again = nil // the base has followed a redirect itself: it is a stranger's answer
		a.tries = 0
	}
	a.client.issued.clean(response.Header)
	response.Request = a.first // callers print it
	return response, nil
}

// judge reports the answer. It returns the token to send the request with once more; nil if the answer is the caller's.
func (a *attempt) judge(response *http.Response) (*cachedToken, error) {
	if a.tries == 0 {
		return nil, nil
	}
	report := Rejection{
		Generation:    a.token.generation,
		StatusCode:    response.StatusCode,
		RefusedBefore: a.tries - 1,
		Server:        a.first.URL.Scheme + "://" + a.first.URL.Host,
		RetryAfter:    strings.ReplaceAll(strings.ToValidUTF8(response.Header.Get("Retry-After"), "?"), "\x00", "?"),
	}
	if response.StatusCode < http.StatusBadRequest {
		if a.isRepeated || a.client.accepted.Load() != a.token.generation {
			// News for the library, which gives up after two tokens that nobody ever accepted.
			a.client.accepted.Store(a.token.generation)
			_, _ = a.client.ReportRejected(report)
		}
		return nil, nil
	}
	report.Body, response.Body = beginning(response.Body)
	advised, err := a.client.ReportRejected(report)
	if err != nil || !a.mayRepeat(advised) {
		return nil, nil // closed meanwhile: the answer is good all the same
	}
	next, err := a.client.later(a.first.Context(), advised.Wait)
	if advised.Advice == AdviceReplayIfIdempotent && (err != nil || next.generation == a.token.generation) {
		return nil, nil // nobody said that the token was the reason
	}
	if err != nil {
		return nil, err
	}
	isNew := next.generation != a.token.generation
	if isNew && a.tokens == maxTokensOfOne || !isNew && a.tries == maxTries {
		return nil, nil
	}
	return next, nil
}

func (a *attempt) mayRepeat(advised Advised) bool {
	switch {
	case a.again == nil:
		return false
	case advised.Advice == AdviceReplayIfIdempotent:
		if a.isRepeated || !a.harmless {
			return false
		}
	case advised.Advice != AdviceReplay:
		return false
	}
	if a.tokens == maxTokensOfOne && advised.Wait == 0 { // which would be with a fourth
		return false
	}
	deadline, limited := a.first.Context().Deadline()
	return !limited || time.Until(deadline) >= advised.Wait
}

// use makes another token the one that the request is sent with next.
func (a *attempt) use(next *cachedToken) {
	a.isRepeated = true
	if next.generation == a.token.generation {
		a.tries++
	} else {
		a.tokens, a.tries = a.tokens+1, 1
	}
	a.token = next
}

// roundTrip does not trust a base to keep the promises of an [http.RoundTripper].
func roundTrip(base http.RoundTripper, request *http.Request) (*http.Response, error) {
	response, err := base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response == nil {
		return nil, invalid("Transport.Base returned neither an answer nor an error")
	}
	if response.Body == nil {
		response.Body = http.NoBody
	}
	return response, nil
}

// isIdempotent goes by the method, and by the headers that net/http goes by.
func isIdempotent(request *http.Request) bool {
	_, key := request.Header["Idempotency-Key"]
	_, extension := request.Header["X-Idempotency-Key"]
	return key || extension || slices.Contains(
		[]string{"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete},
		request.Method)
}
