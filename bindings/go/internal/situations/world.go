// Package situations has the table of what may happen to a request on its way, and what becomes of it with each way to send one.
// The tests of this module and of its adapters run it.
package situations

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// World is a server that takes logins, another host, and what both have seen.
type World struct {
	Home    string // "http://127.0.0.1:port", the client's server
	Foreign string // "http://localhost:port", which is not

	lock     sync.Mutex
	logins   int
	sent     int    // requests at home, without logins
	bodies   string // of those, if they differ from what was sent
	foreign  string // "", "bare", or "TOKEN" once one has come there
	stall    chan struct{}
	hangs    atomic.Bool // logins hang
	behave   func(w *World, n int, out http.ResponseWriter, in *http.Request)
	wantBody string
}

func newWorld(t *testing.T, s *Situation) *World {
	w := &World{behave: s.behave, stall: make(chan struct{}), wantBody: s.body.text()}
	w.hangs.Store(s.loginHangs)
	home, foreign := httptest.NewUnstartedServer(http.HandlerFunc(w.atHome)), httptest.NewUnstartedServer(http.HandlerFunc(w.abroad))
	w.Home = "http://" + home.Listener.Addr().String()
	w.Foreign = strings.Replace("http://"+foreign.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	home.Start()
	foreign.Start()
	t.Cleanup(func() { close(w.stall); home.Close(); foreign.Close() })
	return w
}

func token(in *http.Request) string {
	for _, value := range []string{strings.TrimPrefix(in.Header.Get("Authorization"), "Bearer "), in.Header.Get("accessToken"),
		in.URL.Query().Get("accessToken")} {
		if strings.HasPrefix(value, "token-") {
			return value
		}
	}
	return ""
}

func (w *World) atHome(out http.ResponseWriter, in *http.Request) {
	if strings.HasSuffix(in.URL.Path, "/login") {
		if w.hangs.Load() {
			select {
			case <-w.stall:
			case <-in.Context().Done():
			}
			return
		}
		w.lock.Lock()
		w.logins++
		n := w.logins
		w.lock.Unlock()
		out.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(out, `{"accessToken":"token-of-login-%d","tokenTtl":18000,"globalAdmin":true}`, n)
		return
	}
	w.lock.Lock()
	w.sent++
	n := w.sent
	w.lock.Unlock()
	if token(in) == "" {
		w.note("without a token")
	}
	if in.Header.Get("Expect") == "" { // else it is sent only to who asks for it
		body, _ := io.ReadAll(in.Body)
		if in.Method == http.MethodPost && string(body) != w.wantBody {
			w.note(fmt.Sprintf("with another body: %.20q", body))
		}
	}
	w.behave(w, n, out, in)
}

func (w *World) note(what string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.bodies = what
}

func (w *World) abroad(out http.ResponseWriter, in *http.Request) {
	w.lock.Lock()
	defer w.lock.Unlock()
	switch {
	case token(in) != "" || strings.Contains(in.Referer(), "token-") || strings.Contains(in.URL.String(), "token-"):
		w.foreign = "TOKEN"
	case w.foreign == "":
		w.foreign = "bare"
	}
	if in.URL.Query().Has("back") {
		http.Redirect(out, in, w.Home+"/nacos/elsewhere", http.StatusFound)
		return
	}
	io.WriteString(out, "abroad")
}

// seen is what has become of a request, in words.
func (w *World) seen(answer *Answer, err error) string {
	w.lock.Lock()
	defer w.lock.Unlock()
	what := ""
	switch {
	case err != nil:
		what = kindOf(err)
	default:
		what = fmt.Sprint(answer.Status)
		if answer.Problem != "" {
			what += " " + answer.Problem
		}
	}
	if w.sent > 0 {
		what += fmt.Sprintf(" x%d", w.sent)
	}
	if w.bodies != "" {
		what += " " + w.bodies
	}
	if w.foreign != "" {
		what += " abroad:" + w.foreign
	}
	return what
}

func kindOf(err error) string {
	if timeout, ok := err.(interface{ Timeout() bool }); ok && timeout.Timeout() {
		return "timeout"
	}
	return "error"
}

// What the server does, by the number of the request.
type behaviour = func(w *World, n int, out http.ResponseWriter, in *http.Request)

func first(times int, does, then behaviour) behaviour {
	return func(w *World, n int, out http.ResponseWriter, in *http.Request) {
		if n <= times {
			does(w, n, out, in)
		} else {
			then(w, n-times, out, in)
		}
	}
}

func ok(_ *World, _ int, out http.ResponseWriter, _ *http.Request) { io.WriteString(out, "good") }

func says(status int, words string, headers ...string) behaviour {
	return func(_ *World, _ int, out http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			out.Header().Set(headers[i], headers[i+1])
		}
		out.WriteHeader(status)
		io.WriteString(out, words)
	}
}

// compressed sends its words as gzip, whoever asks.
func compressed(status int, words string) behaviour {
	var body bytes.Buffer
	out := gzip.NewWriter(&body)
	io.WriteString(out, strings.Repeat(" ", 1000)) // else it would not be worth it, and the words stand there as they are
	io.WriteString(out, words)
	out.Close()
	return says(status, body.String(), "Content-Encoding", "gzip")
}

func within(status int) behaviour {
	return func(w *World, _ int, out http.ResponseWriter, in *http.Request) {
		http.Redirect(out, in, w.Home+"/nacos/elsewhere", status)
	}
}

// without repeats the query, as servers do.
func without(status int) behaviour {
	return func(w *World, _ int, out http.ResponseWriter, in *http.Request) {
		http.Redirect(out, in, w.Foreign+"/nacos/elsewhere?"+in.URL.RawQuery, status)
	}
}

// thereAndBack leads to the foreign host, which leads back.
func thereAndBack(status int) behaviour {
	return func(w *World, _ int, out http.ResponseWriter, in *http.Request) {
		http.Redirect(out, in, w.Foreign+"/nacos/elsewhere?back&"+in.URL.RawQuery, status)
	}
}

// breaks closes the connection in the place of an answer.
func breaks(_ *World, _ int, _ http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }

// endless is an answer that never ends: fast, or one byte from time to time.
func endless(status int, words string, pause time.Duration) behaviour {
	return func(w *World, _ int, out http.ResponseWriter, in *http.Request) {
		out.WriteHeader(status)
		io.WriteString(out, words)
		chunk := []byte(strings.Repeat("x", 32<<10))
		if pause > 0 {
			chunk = chunk[:1]
		}
		for {
			out.(http.Flusher).Flush()
			select {
			case <-w.stall:
				return
			case <-in.Context().Done():
				return
			case <-time.After(pause):
			}
			if _, err := out.Write(chunk); err != nil {
				return
			}
		}
	}
}
