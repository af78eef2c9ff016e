package nacosauth_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

func BenchmarkCachedToken(b *testing.B) {
	client := start(b).connect(b)
	token(b, client)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Token(background); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCachedTokenParallel(b *testing.B) {
	client := start(b).connect(b)
	token(b, client)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := client.Token(background); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The three ways to send a request, to be compared with each other within one run, with 1, 8 and 64 goroutines.
func BenchmarkRequest(b *testing.B) {
	address := quickServer(b)
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: address, Username: "nacos", Password: "nacos"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close() })
	page := "http://" + address + "/nacos/v1/cs/configs?" + config.Encode()
	base := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(base.CloseIdleConnections)
	bearer := "Bearer " + token(b, client)
	plain := &http.Client{Transport: base}
	carried := &http.Client{Transport: &nacosauth.Transport{Client: client, Base: base}}
	for _, n := range []int{1, 8, 64} {
		for _, way := range []struct {
			name string
			do   func() error
		}{
			{"nethttp", func() error { return fetch(plain, page, bearer) }},
			{"Transport", func() error { return fetch(carried, page, "") }},
			{"Do", func() error { _, err := client.Get(background, "/v1/cs/configs", config); return err }},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, way.name), func(b *testing.B) {
				b.ReportAllocs()
				var left atomic.Int64
				left.Store(int64(b.N))
				if err := errors.Join(together(n, func() error {
					for left.Add(-1) >= 0 {
						if err := way.do(); err != nil {
							return err
						}
					}
					return nil
				})...); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// asQuickServer makes the test binary a server that costs next to nothing, in a process of its own, so that a benchmark
// measures clients.
const asQuickServer = "NACOSAUTH_QUICK_SERVER"

func quickServer(b *testing.B) string {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	process := exec.Command(self)
	process.Env = append(os.Environ(), asQuickServer+"=1")
	process.Stderr = os.Stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := process.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stdin.Close(); process.Wait() })
	address := make([]byte, 64)
	n, err := stdout.Read(address)
	if err != nil {
		b.Fatal(err)
	}
	return string(bytes.TrimSpace(address[:n]))
}

// serveQuickly answers until standard input ends.
func serveQuickly() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"accessToken":"a.b.c","tokenTtl":18000}`)
			return
		}
		io.WriteString(w, "hello")
	}))
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
