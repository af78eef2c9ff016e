package nacosauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// deeper calls do with so much less of the goroutine's stack left.
//
//go:noinline
func deeper(frames int, do func()) {
	if frames == 0 {
		do()
		return
	}
	deeper(frames-1, do)
}

// A stack that grows is looked through for pointers, and one below 4096 ends the program. C has such for what is empty.
func TestEmptyAnswerWhileTheStackGrows(t *testing.T) {
	client := connectTo(t, nacos(t, func(http.ResponseWriter, *http.Request) {}))
	token(t, client)
	for frames := range 400 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			deeper(frames, func() {
				response, err := client.Get(background, "/v1/cs/configs", config)
				if err != nil || response.Body == nil || len(response.Body) != 0 {
					t.Errorf("%+v, %v", response, err)
				}
			})
		}()
		<-done
	}
}

// Everything that owns something of C's, at work while the collector never rests, overwrites what it frees, and while every
// pointer that crosses is checked. What is freed too early ends the program; what is never freed makes it grow.
func TestOwnersUnderTheCollector(t *testing.T) {
	const inside = "NACOSAUTH_UNDER_THE_COLLECTOR"
	if os.Getenv(inside) != "" {
		workUnderTheCollector(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=3m")
	process.Env = append(os.Environ(), inside+"=1", "GOGC=1", "GODEBUG=cgocheck=1,clobberfree=1,invalidptr=1", "MALLOC_PERTURB_=165")
	output, err := process.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("%v: %s", err, output)
	}
}

func workUnderTheCollector(t *testing.T) {
	server := start(t)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			default:
				runtime.GC()
			}
		}
	}()
	defer close(done)
	var told, rounds atomic.Int64
	round := func() error {
		client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos"})
		if err != nil {
			return err
		}
		value, err := client.Token(background)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(background)
		defer cancel()
		form := url.Values{"dataId": {"owned"}, "group": {"DEFAULT_GROUP"}, "content": {strings.Repeat("x", 10_000)}}
		if response, err := client.Post(ctx, "/v1/cs/configs", form); err != nil || string(response.Body) != "true" {
			return fmt.Errorf("%+v, %w", response, err)
		}
		form.Del("content")
		response, err := client.Do(ctx, &nacosauth.Request{Path: "/v1/cs/configs", Query: form, Header: http.Header{"X-A": {"1"}}, Body: make([]byte, 4000)})
		if err != nil || len(response.Body) != 10_000 || len(response.Header) == 0 {
			return fmt.Errorf("%+v, %w", response, err)
		}
		if _, err := client.Get(ctx, "no slash", nil); !errors.Is(err, nacosauth.ErrInvalidArgument) {
			return err
		}
		cancel()
		if _, err := client.TokenInfo(ctx); !errors.Is(err, nacosauth.ErrCancelled) {
			return err
		}
		if err := client.SetToken(value, time.Hour); err != nil {
			return err
		}
		if _, err := client.ReportRejected(nacosauth.Rejection{Generation: 1, StatusCode: 403, Body: []byte(forbidden), Server: server.Address}); err != nil {
			return err
		}
		if rounds.Add(1)%20 == 0 { // it takes ten times as long as all the rest
			if err := examineUnderTheCollector(server.Address, value); err != nil {
				return err
			}
		}
		// Left to the collector; the next one has functions and is closed.
		supplied, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address,
			Credentials: func(context.Context) (nacosauth.Credentials, error) {
				return nacosauth.Credentials{Token: value, TTL: time.Hour}, nil
			},
			OnEvent: func(nacosauth.Event) { told.Add(1) }})
		if err != nil {
			return err
		}
		if _, err := supplied.Get(background, "/v1/cs/configs", config); err != nil {
			return err
		}
		return supplied.Close()
	}
	run := func(times int) {
		if err := errors.Join(together(4, func() error {
			for range times {
				if err := round(); err != nil {
					return err
				}
			}
			return nil
		})...); err != nil {
			t.Fatal(err)
		}
	}
	run(25)
	before := resident(t)
	run(75)
	if after := resident(t); after > before+16<<20 {
		t.Errorf("grew from %d to %d KiB in 300 rounds", before>>10, after>>10)
	}
	if told.Load() < 400 {
		t.Errorf("%d events", told.Load())
	}
}

func examineUnderTheCollector(address, token string) error {
	diagnosis, err := nacosauth.Diagnose(background, nacosauth.Options{ServerAddr: address,
		Credentials: func(context.Context) (nacosauth.Credentials, error) {
			return nacosauth.Credentials{Username: "nacos", Password: "nacos"}, nil
		}}, nacosauth.DiagnoseOptions{Path: "/v1/cs/configs?dataId=owned&group=DEFAULT_GROUP", Token: token})
	if err != nil || diagnosis.Severity > nacosauth.SeverityInformation || len(diagnosis.Findings) == 0 {
		return fmt.Errorf("%+v, %w", diagnosis, err)
	}
	return nil
}

const forbidden = `{"status":403,"error":"Forbidden","message":"authorization failed!"}`

// resident is what the process has in memory, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("this system does not tell:", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
