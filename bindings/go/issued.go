package nacosauth

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// issued are the last tokens that the client has given out, for requests and redirects that must not carry them.
type issued struct {
	lock   sync.Mutex
	tokens [4]string
	next   int
}

func (i *issued) add(token string) {
	i.lock.Lock()
	defer i.lock.Unlock()
	if !slices.Contains(i.tokens[:], token) {
		i.tokens[i.next] = token
		i.next = (i.next + 1) % len(i.tokens)
	}
}

func (i *issued) has(token string) bool {
	i.lock.Lock()
	defer i.lock.Unlock()
	return token != "" && slices.Contains(i.tokens[:], token)
}

// strip returns the request, or a copy without the tokens that others have put on it: a transport above this one, or a redirect
// that repeats the query.
func (i *issued) strip(request *http.Request) *http.Request {
	header := request.Header.Clone()
	isBearer := remove(header, "Authorization", func(value string) bool {
		token, is := bearerOf(value)
		return is && i.has(token)
	})
	isHeader := remove(header, "accessToken", i.has)
	query := i.withoutToken(request.URL.RawQuery)
	if !isBearer && !isHeader && query == request.URL.RawQuery {
		return request
	}
	out := request.WithContext(request.Context())
	out.Header = header
	address := *request.URL
	address.RawQuery = query
	out.URL = &address
	return out
}

// remove deletes a header in whatever spelling, as net/http sends the names that are in the map; nil: whatever its value. It tells
// whether there was one.
func remove(header http.Header, name string, is func(value string) bool) bool {
	before := len(header)
	maps.DeleteFunc(header, func(key string, values []string) bool {
		return strings.EqualFold(key, name) && (is == nil || slices.ContainsFunc(values, is))
	})
	return len(header) != before
}

// bearerOf is the token in the value of a header Authorization, if it is one of the scheme Bearer.
func bearerOf(value string) (string, bool) {
	scheme, token, _ := strings.Cut(value, " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// withoutToken takes parameters whose values are tokens out of a query.
func (i *issued) withoutToken(query string) string {
	if !strings.Contains(query, "=") {
		return query
	}
	pairs := strings.Split(query, "&")
	kept := slices.DeleteFunc(slices.Clone(pairs), func(pair string) bool {
		_, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		return err == nil && i.has(plain)
	})
	if len(kept) == len(pairs) {
		return query
	}
	return strings.Join(kept, "&")
}

// clean takes tokens out of where a server repeats the address of the request, as in a redirect: they would go wherever that
// leads, and into the header Referer of what follows.
func (i *issued) clean(header http.Header) {
	for _, name := range []string{"Location", "Content-Location"} {
		for n, address := range header[name] {
			start, query, _ := strings.Cut(address, "?")
			query, fragment, hasFragment := strings.Cut(query, "#")
			kept := i.withoutToken(query)
			if kept == query {
				continue
			}
			if kept != "" {
				start += "?" + kept
			}
			if hasFragment {
				start += "#" + fragment
			}
			header[name][n] = start
		}
	}
}
