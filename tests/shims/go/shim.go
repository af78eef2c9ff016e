package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

type shim struct {
	clients map[string]*nacosauth.Client
}

// do returns the answer, and the generation of the token that it was got with (0: none).
func (s *shim) do(c *command) (answer, uint64, error) {
	switch c.Op {
	case "hello":
		return answer{"language": "go", "version": nacosauth.Version(), "abi": nacosauth.ABIVersion()}, 0, nil
	case "init":
		return nil, 0, s.init(c)
	case "parallel", "loop":
		fields, err := s.many(c)
		return fields, 0, err
	}
	client, err := s.client(c)
	if err != nil {
		return nil, 0, err
	}
	switch c.Op {
	case "get_token":
		return getToken(client, c)
	case "request":
		return request(client, c)
	case "report_rejected":
		advised, err := client.ReportRejected(nacosauth.Rejection{
			Generation: c.Generation, StatusCode: c.HTTPStatus, Body: []byte(c.Body)})
		names := map[nacosauth.Advice]string{
			nacosauth.AdviceReturn:             "return",
			nacosauth.AdviceReplay:             "replay",
			nacosauth.AdviceReplayIfIdempotent: "replay_if_idempotent",
		}
		return answer{"advice": names[advised.Advice]}, 0, err
	case "set_credentials":
		return nil, 0, client.SetCredentials(c.Username, c.Password)
	case "stats":
		fields, err := statistics(client)
		return fields, 0, err
	case "free":
		delete(s.clients, c.Auth) // the collector frees it
	}
	return nil, 0, client.Close() // close, free
}

func (s *shim) client(c *command) (*nacosauth.Client, error) {
	if client := s.clients[c.Auth]; client != nil {
		return client, nil
	}
	return nil, fmt.Errorf("unknown handle %q", c.Auth)
}

func (s *shim) init(c *command) error {
	if s.clients[c.Auth] != nil {
		return fmt.Errorf("handle %q is in use", c.Auth)
	}
	places := map[string]nacosauth.TokenIn{
		"":       nacosauth.TokenInAuto,
		"bearer": nacosauth.TokenInAuthorization,
		"header": nacosauth.TokenInHeader,
		"query":  nacosauth.TokenInQuery,
	}
	place, known := places[c.Carriage]
	if !known {
		return fmt.Errorf("unknown carriage %q", c.Carriage)
	}
	if c.has("context_path") && c.ContextPath == "" {
		c.ContextPath = "/" // none, in the words of Go
	}
	client, err := nacosauth.New(nacosauth.Options{
		ServerAddr:     c.ServerAddr,
		ContextPath:    c.ContextPath,
		Username:       c.Username,
		Password:       c.Password,
		CAFile:         c.CAFile,
		ClientCertFile: c.ClientCertFile,
		ClientKeyFile:  c.ClientKeyFile,
		Proxy:          c.Proxy,
		ConnectTimeout: milliseconds(c.ConnectTimeoutMS),
		RequestTimeout: milliseconds(c.RequestTimeoutMS),
		TokenIn:        place,
	})
	if err == nil {
		s.clients[c.Auth] = client
	}
	return err
}

// getToken goes the cached way, which is the one to test, and adds what only the library knows.
func getToken(client *nacosauth.Client, c *command) (answer, uint64, error) {
	ctx, cancel := limit(c)
	defer cancel()
	token, err := client.Token(ctx)
	if err != nil {
		return nil, 0, err
	}
	info, err := client.TokenInfo(ctx)
	if err != nil {
		return nil, 0, err
	}
	if info.Token != token { // renewed in between: then the cached way must give the new one
		if token, err = client.Token(ctx); err != nil {
			return nil, 0, err
		}
		if info, err = client.TokenInfo(ctx); err != nil {
			return nil, 0, err
		}
	}
	if info.Token != token {
		return nil, 0, errors.New("method Token gives another token than TokenInfo")
	}
	fields := answer{
		"length":       len(token),
		"generation":   info.Generation,
		"remaining_ms": info.Remaining.Milliseconds(),
		"expired":      info.Expired,
	}
	if c.Reveal {
		fields["token"] = token
	}
	return fields, info.Generation, nil
}

func request(client *nacosauth.Client, c *command) (answer, uint64, error) {
	ctx, cancel := limit(c)
	defer cancel()
	body := c.BodyBase64
	if c.has("body") {
		body = []byte(c.Body)
	}
	response, err := client.Do(ctx, &nacosauth.Request{
		Method: c.Method,
		Path:   c.Path,
		Query:  url.Values(c.Query),
		Header: http.Header(c.Headers),
		Form:   url.Values(c.Form),
		Body:   body,
	})
	if err != nil {
		return nil, 0, err
	}
	headers := [][2]string{}
	for name, values := range response.Header {
		for _, value := range values {
			headers = append(headers, [2]string{name, value})
		}
	}
	fields := answer{"http_status": response.StatusCode, "headers": headers, "replayed": response.Replayed}
	if utf8.Valid(response.Body) {
		fields["body"] = string(response.Body)
	} else {
		fields["body_base64"] = base64.StdEncoding.EncodeToString(response.Body)
	}
	return fields, response.Generation, nil
}

func statistics(client *nacosauth.Client) (answer, error) {
	stats, err := client.Stats()
	return answer{
		"logins":                stats.Logins,
		"login_failures":        stats.LoginFailures,
		"requests":              stats.Requests,
		"replays":               stats.Replays,
		"rejections":            stats.Rejections,
		"rejections_permission": stats.RejectionsPermission,
		"waits":                 stats.Waits,
		"generation":            stats.Generation,
		"remaining_ms":          stats.Remaining.Milliseconds(),
		"token_state":           stats.Token,
		"refresh_state":         stats.Refresh,
	}, err
}

// limit makes the context of a call; no timeout leaves the limit to the client.
func limit(c *command) (context.Context, context.CancelFunc) {
	if c.TimeoutMS == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), milliseconds(c.TimeoutMS))
}

func milliseconds(n uint32) time.Duration { return time.Duration(n) * time.Millisecond }
