// Package nacosoauth2 gives a client's tokens to code that takes an [oauth2.TokenSource].
//
// It has no part in the answers: a token that the server refuses is used until its renewal, unless somebody calls
// [nacosauth.Client.ReportRejected]. Where the code is your own, [nacosauth.Transport] does more: it reports, logs in and
// sends the request again.
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
// a login ends after [nacosauth.Options.RequestTimeout]. The client stays the caller's to close. Any number of goroutines
// may use the source.
func TokenSource(ctx context.Context, client *nacosauth.Client) oauth2.TokenSource {
	return &source{ctx, client}
}

type source struct {
	ctx    context.Context
	client *nacosauth.Client
}

func (s *source) Token() (*oauth2.Token, error) {
	info, err := s.client.TokenInfo(s.ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: info.Token, TokenType: "Bearer", Expiry: time.Now().Add(info.Remaining)}, nil
}
