//go:build cgo

package nacosauth

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// carry copies the request and puts the token on the copy.
func (c *Client) carry(request *http.Request, body io.ReadCloser, token string) *http.Request {
	out := request.WithContext(request.Context())
	out.Header = request.Header.Clone()
	if out.Header == nil {
		out.Header = make(http.Header, 1)
	}
	out.Body = body
	if c.tokenIn == TokenInAuto || c.tokenIn == TokenInAuthorization { // which beats everything else
		remove(out.Header, "Authorization", nil)
		out.Header.Set("Authorization", "Bearer "+token)
		return out
	}
	remove(out.Header, "Authorization", func(value string) bool { _, is := bearerOf(value); return is })
	out.URL = withoutTokenParameter(request.URL)
	if c.tokenIn == TokenInHeader {
		remove(out.Header, "accessToken", nil)
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

// withoutTokenParameter returns the address itself unless its query has a token.
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
