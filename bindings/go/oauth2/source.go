// Package nacosoauth2 gives a client's tokens to code that takes an [oauth2.TokenSource].
//
// A source sees neither requests nor answers: [oauth2.Transport] sends the token wherever a request goes, also along with a
// redirect to another host, and a token that the server refuses is used until its renewal. With [nacosauth.Transport] as its Base
// that is cured: tokens are taken off what goes elsewhere, refusals are reported, and the request is sent again.
//
//	&oauth2.Transport{Source: nacosoauth2.TokenSource(ctx, client), Base: &nacosauth.Transport{Client: client}}
//
// Where the code is your own, [nacosauth.Transport] alone is enough.
package nacosoauth2

import (
	"context"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"golang.org/x/oauth2"
)

// TokenSource returns the current token of the client, of type Bearer, with its reckoned expiry. A token is asked of the
// client each time, so wrapping the source in [oauth2.ReuseTokenSource], as [oauth2.NewClient] does, gains nothing and
// keeps a refused token for longer: use [oauth2.Transport].
//
// The context limits each call of Token, as a token source has none of its own; without a deadline a call that waits for
// a login ends after [nacosauth.Options.RequestTimeout], whatever the request's own limit is. The client stays the caller's to close. Any number of goroutines
// may use the source.
func TokenSource(ctx context.Context, client *nacosauth.Client) oauth2.TokenSource {
	return &source{ctx, client}
}

// unending is the life of a token that is used until a server refuses it.
const unending = 100 * 365 * 24 * time.Hour

type source struct {
	ctx    context.Context
	client *nacosauth.Client
}

func (s *source) Token() (*oauth2.Token, error) {
	info, err := s.client.TokenInfo(s.ctx)
	if err != nil {
		return nil, err
	}
	if info.Remaining > unending { // an expiry that far off cannot be reckoned with
		return &oauth2.Token{AccessToken: info.Token, TokenType: "Bearer"}, nil
	}
	return &oauth2.Token{AccessToken: info.Token, TokenType: "Bearer", Expiry: time.Now().Add(info.Remaining)}, nil
}
