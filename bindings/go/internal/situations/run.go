package situations

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// Answer is what a way returns.
type Answer struct {
	Status  int
	Problem string // with the body
}

func itoa(n int) string { return strconv.Itoa(n) }

// Run runs the whole table in one of Ways. transport makes what an http.Client sends with; nil stands for Client.Do.
func Run(t *testing.T, way string, transport func(ctx context.Context, client *nacosauth.Client, base http.RoundTripper) http.RoundTripper) {
	column := -1
	for i, name := range Ways {
		if name == way {
			column = i
		}
	}
	for _, s := range All() {
		want := s.Cells[column]
		if want == "-" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			world := newWorld(t, &s)
			client, err := nacosauth.New(nacosauth.Options{ServerAddr: world.Home, Username: "nacos", Password: "nacos", TokenIn: s.tokenIn,
				RequestTimeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx := context.Background()
			if s.deadline > 0 {
				limited, stop := context.WithTimeout(ctx, s.deadline)
				defer stop()
				ctx = limited
			} else if s.timeout > 0 && strings.HasPrefix(way, "oauth2") { // a source has a context of its own
				limited, stop := context.WithTimeout(ctx, s.timeout)
				defer stop()
				ctx = limited
			}
			before := time.Now()
			var answer *Answer
			if transport == nil {
				answer, err = do(ctx, client, &s)
			} else {
				base := &http.Transport{ExpectContinueTimeout: 5 * time.Second}
				defer base.CloseIdleConnections()
				answer, err = s.send(t, ctx, world, &http.Client{Transport: transport(ctx, client, base), Timeout: s.timeout})
			}
			if got := world.seen(answer, err); got != want {
				t.Errorf("%s, want %s (%v)", got, want, err)
			}
			if took := time.Since(before); took > 8*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func (s *Situation) send(t *testing.T, ctx context.Context, world *World, web *http.Client) (*Answer, error) {
	method, host := s.method, world.Home
	if method == "" {
		method = http.MethodGet
	}
	if s.abroad {
		host = world.Foreign
	}
	request, err := http.NewRequestWithContext(ctx, method, host+"/nacos/v1/cs/configs?dataId=a", s.reader(t))
	if err != nil {
		t.Fatal(err)
	}
	if s.body == fileWithGetBody {
		request.GetBody = func() (io.ReadCloser, error) { return s.open(t), nil }
	}
	if s.header != nil {
		request.Header = s.header.Clone()
	}
	response, err := web.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer := &Answer{Status: response.StatusCode}
	if s.stream {
		start := make([]byte, 4)
		if _, err := io.ReadFull(response.Body, start); err != nil || string(start) != "good" {
			answer.Problem = "without its beginning"
		}
		return answer, nil
	}
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode == 200 && string(text) != "good" && string(text) != "abroad" {
		answer.Problem = "with another body: " + string(text)
	}
	return answer, nil
}

func do(ctx context.Context, client *nacosauth.Client, s *Situation) (*Answer, error) {
	request := &nacosauth.Request{Method: s.method, Path: "/v1/cs/configs?dataId=a", Header: s.header, Body: []byte(s.body.text())}
	response, err := client.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	answer := &Answer{Status: response.StatusCode}
	if response.StatusCode == 200 && string(response.Body) != "good" {
		answer.Problem = "with another body: " + string(response.Body)
	}
	return answer, nil
}

func (s *Situation) open(t *testing.T) *os.File {
	path := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(path, []byte(s.body.text()), 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func (s *Situation) reader(t *testing.T) io.Reader {
	text := s.body.text()
	switch s.body {
	case bytesReader:
		return bytes.NewReader([]byte(text))
	case bytesBuffer:
		return bytes.NewBufferString(text)
	case stringsReader:
		return strings.NewReader(text)
	case httpNoBody:
		return http.NoBody
	case file, fileWithGetBody:
		return s.open(t)
	case pipe:
		out, in := io.Pipe()
		go func() {
			io.WriteString(in, text)
			in.Close()
		}()
		t.Cleanup(func() { out.Close() })
		return out
	}
	return nil
}
