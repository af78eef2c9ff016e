package nacosauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

var (
	background = context.Background()
	config     = url.Values{"dataId": {"demo"}, "group": {"DEFAULT_GROUP"}}
)

// get reads the configuration that every devserver has.
func get(t testing.TB, client *nacosauth.Client) *nacosauth.Response {
	t.Helper()
	response, err := client.Get(background, "/v1/cs/configs", config)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// together runs n goroutines that start at the same moment and returns their errors.
func together(n int, do func() error) []error {
	errs := make([]error, n)
	gate := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			<-gate
			errs[i] = do()
		}()
	}
	close(gate)
	all.Wait()
	return errs
}

func TestTokenIsCachedWithoutLeavingGo(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	first := token(t, client)
	calls := runtime.NumCgoCall()
	allocations := testing.AllocsPerRun(1000, func() {
		if again, err := client.Token(background); err != nil || again != first {
			t.Fatal(again == first, err)
		}
	})
	if n := runtime.NumCgoCall() - calls; n != 0 || allocations != 0 {
		t.Errorf("%d calls into C and %v allocations for cached tokens", n, allocations)
	}
	if n := server.counts(t).Logins; n != 1 {
		t.Errorf("%d logins", n)
	}
}

func TestTokenInfo(t *testing.T) {
	client := start(t, "--ttl", "60").connect(t)
	info, err := client.TokenInfo(background)
	if err != nil {
		t.Fatal(err)
	}
	if info.Token != token(t, client) || info.Generation == 0 || info.Expired || info.Remaining < 50*time.Second || info.Remaining > time.Minute {
		t.Errorf("%v", info)
	}
}

func TestRequest(t *testing.T) {
	client := start(t).connect(t)
	form := url.Values{"dataId": {"größe & co"}, "group": {"DEFAULT_GROUP"}, "content": {strings.Repeat("a=b&c ", 1000)}}
	response, err := client.Post(background, "/v1/cs/configs", form)
	if err != nil || response.StatusCode != 200 || string(response.Body) != "true" {
		t.Fatal(response, err)
	}
	form.Del("content")
	response, err = client.Do(background, &nacosauth.Request{
		Path: "/v1/cs/configs", Query: form, Header: http.Header{"Accept": {"text/plain", "*/*"}}})
	if err != nil || response.StatusCode != 200 || string(response.Body) != strings.Repeat("a=b&c ", 1000) {
		t.Fatal(response, err)
	}
	if response.Generation == 0 || response.Replayed || response.Header.Get("Content-Type") == "" {
		t.Errorf("%+v", response)
	}
	response, err = client.Do(background, &nacosauth.Request{Method: http.MethodPut, Path: "/v1/no/such", Body: []byte("x")})
	if err != nil || response.StatusCode < 400 {
		t.Errorf("%+v, %v", response, err)
	}
}

func TestTokensExpire(t *testing.T) {
	server := start(t, "--ttl", "2")
	client := server.connect(t)
	generations := map[uint64]bool{}
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		response := get(t, client)
		if response.StatusCode != 200 {
			t.Fatalf("%d %s", response.StatusCode, response.Body)
		}
		generations[response.Generation] = true
		token(t, client)
	}
	if len(generations) < 3 {
		t.Errorf("%d generations in three lifetimes of a token", len(generations))
	}
}

func TestSecretChanges(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	old := token(t, client)
	server.post(t, "/secret", nil)
	response := get(t, client)
	if response.StatusCode != 200 || !response.Replayed {
		t.Errorf("%d, replayed %t", response.StatusCode, response.Replayed)
	}
	if token(t, client) == old {
		t.Error("the refused token is still cached")
	}
	stats, err := client.Stats()
	if err != nil || stats.Logins != 2 || stats.Replays != 1 || stats.Rejections != 1 || stats.Token != nacosauth.TokenFresh {
		t.Errorf("%+v, %v", stats, err)
	}
}

func TestOneLoginForAllGoroutines(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	request := func() error {
		response, err := client.Get(background, "/v1/cs/configs", config)
		if err == nil && response.StatusCode != 200 {
			err = fmt.Errorf("HTTP %d", response.StatusCode)
		}
		return err
	}
	fetch := func() error {
		_, err := client.Token(background)
		return err
	}
	for logins, step := range []struct {
		n  int
		do func() error
	}{{1000, fetch}, {64, request}, {64, request}} {
		if err := errors.Join(together(step.n, step.do)...); err != nil {
			t.Fatal(err)
		}
		if n := server.counts(t).Logins; n != logins+1 {
			t.Errorf("%d logins, want %d", n, logins+1)
		}
		server.post(t, "/revoke", nil)
	}
}

func TestGoroutinesAtExpiry(t *testing.T) {
	server := start(t, "--ttl", "4")
	client := server.connect(t)
	info, err := client.TokenInfo(background)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(info.Remaining + 500*time.Millisecond)
	errs := together(64, func() error {
		for time.Now().Before(end) {
			if _, err := client.Token(background); err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	// A third if a busy machine is asked only after the next renewal.
	if n := server.counts(t).Logins; n != 2 && n != 3 {
		t.Errorf("%d logins over one expiry", n)
	}
}

func TestMissingPermission(t *testing.T) {
	server := start(t)
	client := server.connect(t, func(o *nacosauth.Options) { o.Username, o.Password = "poor", "poor" })
	for range 10 {
		if response := get(t, client); response.StatusCode != 403 || response.Replayed {
			t.Fatalf("%d, replayed %t", response.StatusCode, response.Replayed)
		}
	}
	stats, err := client.Stats()
	if err != nil || stats.Logins != 1 || stats.RejectionsPermission != 10 {
		t.Errorf("%+v, %v", stats, err)
	}
}

func TestWrongPasswordThenTheRightOne(t *testing.T) {
	client := start(t).connect(t, func(o *nacosauth.Options) { o.Password = "a wrong one" })
	_, err := client.Token(background)
	wantError(t, err, nacosauth.ErrBadCredentials)
	var detail *nacosauth.Error
	if !errors.As(err, &detail) || detail.HTTPStatus == 0 || detail.Cause != nacosauth.CauseWrongCredentials ||
		detail.Server == "" || strings.Contains(err.Error(), "a wrong one") {
		t.Errorf("%#v", err)
	}
	_, err = client.Token(background)
	if !errors.As(err, &detail) || detail.RetryAfter < time.Second {
		t.Errorf("%#v", err)
	}
	if err := client.SetCredentials("nacos", "nacos"); err != nil {
		t.Fatal(err)
	}
	token(t, client)
}

func TestDeadline(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang"})
	client := server.connect(t)
	for name, call := range map[string]func(context.Context) error{
		"Token": func(ctx context.Context) error { _, err := client.Token(ctx); return err },
		"Do":    func(ctx context.Context) error { _, err := client.Get(ctx, "/v1/cs/configs", config); return err },
	} {
		ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
		before := time.Now()
		err := call(ctx)
		wantError(t, err, context.DeadlineExceeded, nacosauth.ErrTimeout)
		if took := time.Since(before); took < 90*time.Millisecond || took > prompt {
			t.Errorf("%s took %s", name, took)
		}
		<-ctx.Done()
		wantError(t, call(ctx), context.DeadlineExceeded) // before anything is sent
		cancel()
	}
	client = server.connect(t, func(o *nacosauth.Options) { o.RequestTimeout = 100 * time.Millisecond })
	_, err := client.Token(background)
	wantError(t, err, nacosauth.ErrTimeout)
}

func TestLongPollHasTheTimeItAsksFor(t *testing.T) {
	server := start(t)
	client := server.connect(t, func(o *nacosauth.Options) { o.RequestTimeout = time.Second })
	token(t, client)
	server.post(t, "/faults", fields{"on": "request", "kind": "delay", "delay_ms": 2500, "times": 0})
	poll := nacosauth.Request{
		Path: "/v1/cs/configs", Query: config, Header: http.Header{"long-pulling-timeout": {"20000"}},
	}
	if response, err := client.Do(background, &poll); err != nil || response.StatusCode != http.StatusOK {
		t.Error(response, err)
	}
	ctx, cancel := context.WithTimeout(background, 300*time.Millisecond)
	defer cancel()
	_, err := client.Do(ctx, &poll)
	wantError(t, err, context.DeadlineExceeded, nacosauth.ErrTimeout)
	poll.Header = nil
	_, err = client.Do(background, &poll)
	wantError(t, err, nacosauth.ErrTimeout)
}

func TestCancel(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang"})
	client := server.connect(t)
	reason := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(background)
	results := make(chan error, 1)
	go func() {
		_, err := client.Get(ctx, "/v1/cs/configs", config)
		results <- err
	}()
	eventually(t, "the call waits", func() bool { s, _ := client.Stats(); return s.Refresh == nacosauth.RefreshInFlight })
	before := time.Now()
	cancel(reason)
	wantError(t, <-results, context.Canceled, nacosauth.ErrCancelled, reason)
	if took := time.Since(before); took > prompt {
		t.Errorf("a cancelled call went on for %s", took)
	}
}

// More goroutines than may be inside the library wait outside, and leave when their context ends.
func TestManyWaiters(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang"})
	client := server.connect(t)
	ctx, cancel := context.WithTimeout(background, 300*time.Millisecond)
	defer cancel()
	before := time.Now()
	for _, err := range together(2000, func() error { _, err := client.Token(ctx); return err }) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	if took := time.Since(before); took > prompt {
		t.Errorf("took %s", took)
	}
}

func TestCloseWakesCallsInFlight(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "login", "kind": "hang"})
	client := server.connect(t)
	results := make(chan []error, 1)
	go func() {
		results <- together(400, func() error { _, err := client.Token(background); return err })
	}()
	eventually(t, "the calls wait", func() bool { s, _ := client.Stats(); return s.Waits >= 64 })
	before := time.Now()
	client.Close()
	client.Close()
	for _, err := range <-results {
		if !errors.Is(err, nacosauth.ErrClosed) {
			t.Fatal(err)
		}
	}
	if took := time.Since(before); took > prompt {
		t.Errorf("closing took %s", took)
	}
	_, err := client.Token(background)
	wantError(t, err, nacosauth.ErrClosed)
	_, err = client.Get(background, "/v1/cs/configs", config)
	wantError(t, err, nacosauth.ErrClosed)
}

func TestCloseWhileTokensAreRead(t *testing.T) {
	server := start(t)
	for range 20 {
		client := server.connect(t)
		token(t, client)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			client.Close()
			runtime.GC()
		}()
		for _, err := range together(8, func() error {
			for {
				if _, err := client.Token(background); err != nil {
					return err
				}
			}
		}) {
			wantError(t, err, nacosauth.ErrClosed)
		}
		<-closed
	}
}

// A client that is dropped without Close must be released by the collector, and not while a call is under way.
func TestForgottenClients(t *testing.T) {
	server := start(t)
	for range 50 {
		client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos"})
		if err != nil {
			t.Fatal(err)
		}
		go runtime.GC()
		if _, err := client.Token(background); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInvalidOptions(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*nacosauth.Options)
		want   string
	}{
		"no server":        {func(o *nacosauth.Options) { o.ServerAddr = "" }, "server_addr"},
		"no user":          {func(o *nacosauth.Options) { o.Username = "" }, "username"},
		"no password":      {func(o *nacosauth.Options) { o.Password = "" }, "password"},
		"token_in":         {func(o *nacosauth.Options) { o.TokenIn = 7 }, "token_in"},
		"anonymous":        {func(o *nacosauth.Options) { o.Anonymous = 7 }, "anonymous"},
		"max response":     {func(o *nacosauth.Options) { o.MaxResponseSize = -1 }, "MaxResponseSize"},
		"user agent":       {func(o *nacosauth.Options) { o.UserAgent = "a\nb" }, "user_agent"},
		"two authorities":  {func(o *nacosauth.Options) { o.CAFile, o.CAPEM = "no/such/file.pem", []byte("x") }, "ca_file"},
		"no PEM":           {func(o *nacosauth.Options) { o.CAPEM = []byte("x") }, "ca_pem"},
		"server name":      {func(o *nacosauth.Options) { o.TLSServerName = "a b" }, "tls_server_name"},
		"negative timeout": {func(o *nacosauth.Options) { o.RequestTimeout = -1 }, "timeout"},
		"NUL":              {func(o *nacosauth.Options) { o.Password = "a\x00b" }, "password"},
		"no such file":     {func(o *nacosauth.Options) { o.CAFile = "no/such/file.pem" }, "ca_file"},
		"UTF-8":            {func(o *nacosauth.Options) { o.Username = "\xff" }, "username"},
		"no password file": {func(o *nacosauth.Options) { o.Password, o.PasswordFile = "", "no/such/file" }, "password_file"},
		"two sources":      {func(o *nacosauth.Options) { o.Token = "t" }, "token"},
		"a function that is not called": {func(o *nacosauth.Options) {
			o.ServerAddr, o.OnEvent = "", func(nacosauth.Event) { t.Error("called, but there is no client") }
		}, "server_addr"},
	} {
		options := nacosauth.Options{ServerAddr: "127.0.0.1:1", Username: "u", Password: "p"}
		test.change(&options)
		client, err := nacosauth.New(options)
		var detail *nacosauth.Error
		if client != nil || !errors.As(err, &detail) || detail.Status/100 != 1 || !strings.Contains(detail.Message, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: "127.0.0.1:1", Username: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.Token(background)
	wantError(t, err, nacosauth.ErrConnect)
	var detail *nacosauth.Error
	if !errors.As(err, &detail) || !detail.Retryable || !strings.Contains(detail.Message, "127.0.0.1:1") ||
		detail.Cause != nacosauth.CauseConnectionRefused || detail.Server != "127.0.0.1:1" || detail.WasSent {
		t.Errorf("%v", err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	options := nacosauth.Options{ServerAddr: "127.0.0.1:1", Username: "u", Password: "hunter2", Token: "hunter2",
		ClientKeyPEM: []byte("hunter2")}
	credentials := nacosauth.Credentials{Username: "u", Password: "hunter2", Token: "hunter2"}
	info := nacosauth.TokenInfo{Token: "hunter2", Generation: 3}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(strings.Repeat(verb+" ", 4), options, &options, info, credentials); strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") {
			t.Error(verb, text)
		}
	}
	options.Proxy = "http://u:hunter2@127.0.0.1:1"
	for _, shown := range []any{options, &options, info, credentials} {
		if text, err := json.Marshal(shown); err != nil || strings.Contains(string(text), "hunter2") {
			t.Errorf("%T: %s, %v", shown, text, err)
		}
	}
}

func TestClientIsPrintedWithoutItsToken(t *testing.T) {
	client := connectTo(t, nacos(t, func(http.ResponseWriter, *http.Request) {}))
	if value := token(t, client); value != "a.b.c" {
		t.Fatal(value)
	}
	transport := &nacosauth.Transport{Client: client}
	type private struct{ client *nacosauth.Client } // of which package fmt calls no method
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, shown := range []any{client, transport, *transport, private{client}, []*nacosauth.Client{client}} {
			if text := fmt.Sprintf(verb, shown); strings.Contains(text, "a.b.c") || strings.Contains(text, "612e622e63") {
				t.Errorf("%s of %T: %s", verb, shown, text)
			}
		}
	}
	answer := get(t, client)
	want := fmt.Sprintf("nacosauth.Client{ServerAddr:%q, Generation:%d} nacosauth.Client(nil) nacosauth.Client{ServerAddr:\"\", Generation:0}",
		answer.Server, answer.Generation)
	if text := fmt.Sprint(client, (*nacosauth.Client)(nil), new(nacosauth.Client)); text != want {
		t.Error(text)
	}
}

func TestVersions(t *testing.T) {
	if nacosauth.Version() == "" || nacosauth.ABIVersion() != 1 || nacosauth.ErrBadCredentials.Name() != "BAD_CREDENTIALS" {
		t.Error(nacosauth.Version(), nacosauth.ABIVersion(), nacosauth.ErrBadCredentials.Name())
	}
}

func TestLinkage(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip("this system does not show the libraries of a process:", err)
	}
	want := "static"
	if strings.Contains(string(maps), "libnacos_auth") {
		want = "dynamic"
	}
	if nacosauth.Linkage != want {
		t.Errorf("%s, but it is %s", nacosauth.Linkage, want)
	}
}
