package nacosauth_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// devserver is a running look-alike of Nacos; what it counts and the faults it can show are set over Control.
type devserver struct {
	Address string `json:"address"`
	Control string `json:"control"`
	process *exec.Cmd
	stdin   io.Closer
	http    *http.Client
}

type counts struct {
	Logins               int `json:"logins"`
	LoginFailures        int `json:"login_failures"`
	Requests             int `json:"requests"`
	Rejections           int `json:"rejections"`
	PermissionRejections int `json:"permission_rejections"`
}

func launch(arguments ...string) (*devserver, error) {
	binary, err := locate()
	if err != nil {
		return nil, err
	}
	process := exec.Command(binary, append([]string{"--stdin"}, arguments...)...)
	process.Stderr = os.Stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	s := &devserver{process: process, stdin: stdin, http: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("the devserver did not say where it listens: %w", err)
	}
	return s, nil
}

func locate() (string, error) {
	candidates := []string{"../../target/debug/nacos-devserver", "../../target/release/nacos-devserver"}
	if named := os.Getenv("NACOS_DEVSERVER"); named != "" {
		candidates = []string{named}
	}
	for _, candidate := range candidates {
		if _, err := os.Stat(candidate); err == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("no devserver at %q: run cargo build --package devserver, or set NACOS_DEVSERVER", candidates)
}

func (s *devserver) stop() {
	s.http.CloseIdleConnections()
	s.stdin.Close()
	limit := time.AfterFunc(10*time.Second, func() { s.process.Process.Kill() })
	defer limit.Stop()
	s.process.Wait()
}

// control sends a command and decodes the answer into out, unless that is nil.
func (s *devserver) control(t testing.TB, method, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, "http://"+s.Control+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, answer, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatal(err)
		}
	}
}

type fields map[string]any

func (s *devserver) post(t testing.TB, path string, in fields) {
	t.Helper()
	if in == nil {
		in = fields{}
	}
	s.control(t, http.MethodPost, path, in, nil)
}

func (s *devserver) counts(t testing.TB) (c counts) {
	t.Helper()
	s.control(t, http.MethodGet, "/counts", fields{}, &c)
	return c
}

// start runs a devserver of its own for one test, which must leave no goroutine behind.
func start(t testing.TB, arguments ...string) *devserver {
	t.Helper()
	before := runtime.NumGoroutine()
	s, err := launch(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.stop()
		if !eventually(t, "the goroutines of the test end", func() bool { return runtime.NumGoroutine() <= before }) {
			pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		}
	})
	return s
}

// connect makes a client that the test closes. Each change edits the options.
func (s *devserver) connect(t testing.TB, changes ...func(*nacosauth.Options)) *nacosauth.Client {
	t.Helper()
	options := nacosauth.Options{ServerAddr: s.Address, Username: "nacos", Password: "nacos"}
	for _, change := range changes {
		change(&options)
	}
	client, err := nacosauth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func eventually(t testing.TB, what string, holds func() bool) bool {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Errorf("10 s passed before %s", what)
			return false
		}
	}
	return true
}

func wantError(t testing.TB, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error is %v, want %v", err, target)
		}
	}
}

func token(t testing.TB, client *nacosauth.Client) string {
	t.Helper()
	token, err := client.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestMain runs one more devserver for the examples, which find it the way a program finds its server.
func TestMain(m *testing.M) {
	if os.Getenv(asQuickServer) != "" {
		if err := serveQuickly(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	s, err := launch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("NACOS_SERVER_ADDR", s.Address)
	code := m.Run()
	s.stop()
	os.Exit(code)
}
