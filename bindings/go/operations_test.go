package nacosauth_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// holding is a server whose answers wait until they are released, or their client leaves; it counts those that wait.
func holding(t *testing.T) (address string, waiting *atomic.Int64, release func()) {
	t.Helper()
	waiting, gate := new(atomic.Int64), make(chan struct{})
	release = sync.OnceFunc(func() { close(gate) })
	address = nacos(t, func(_ http.ResponseWriter, r *http.Request) {
		waiting.Add(1)
		defer waiting.Add(-1)
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(release) // before the server waits for its connections
	return address, waiting, release
}

var poll = nacosauth.Request{Path: "/v1/cs/configs", Query: config, Header: http.Header{"Long-Pulling-Timeout": {"60000"}}}

// polls starts n long polls.
func polls(ctx context.Context, client *nacosauth.Client, n int) (results <-chan []error) {
	all := make(chan []error, 1)
	go func() { all <- together(n, func() error { _, err := client.Do(ctx, &poll); return err }) }()
	return all
}

func entries(t testing.TB, folder string) int {
	t.Helper()
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Skip("this system does not tell:", err)
	}
	return len(found)
}

func TestManyLongPollsBesideTokens(t *testing.T) {
	const many = 2000
	address, waiting, release := holding(t)
	client := connectTo(t, address, func(o *nacosauth.Options) { o.MaxConnections = many })
	token(t, client)
	threads := entries(t, "/proc/self/task")
	results := polls(background, client, many)
	eventually(t, "the polls are out", func() bool { return waiting.Load() == many })
	if more := entries(t, "/proc/self/task") - threads; more > 64 {
		t.Errorf("%d threads more", more)
	}
	for range 20 {
		before := time.Now()
		if _, err := client.TokenInfo(background); err != nil {
			t.Fatal(err)
		}
		if err := client.SetCredentials("nacos", "nacos"); err != nil { // another login
			t.Fatal(err)
		}
		token(t, client)
		if took := time.Since(before); took > prompt {
			t.Errorf("a token took %s", took)
		}
	}
	release()
	if err := errors.Join(<-results...); err != nil {
		t.Error(err)
	}
}

func TestManyLongPollsAreCancelledAtOnce(t *testing.T) {
	const many = 500
	address, waiting, _ := holding(t)
	client := connectTo(t, address, func(o *nacosauth.Options) { o.MaxConnections = many })
	reason := errors.New("enough")
	for _, end := range []struct {
		how     string
		do      func(context.CancelCauseFunc)
		targets []error
	}{
		{"cancelled", func(cancel context.CancelCauseFunc) { cancel(reason) }, []error{context.Canceled, nacosauth.ErrCancelled, reason}},
		{"closed", func(context.CancelCauseFunc) { client.Close() }, []error{nacosauth.ErrClosed}},
	} {
		ctx, cancel := context.WithCancelCause(background)
		results := polls(ctx, client, many)
		eventually(t, "the polls are out", func() bool { return waiting.Load() == many })
		before := time.Now()
		end.do(cancel)
		for _, err := range <-results {
			wantError(t, err, end.targets...)
			if !details(t, err).WasSent {
				t.Fatalf("%s: %+v", end.how, details(t, err))
			}
		}
		if took := time.Since(before); took > prompt {
			t.Errorf("%s after %s", end.how, took)
		}
		eventually(t, "the connections are cut", func() bool { return waiting.Load() == 0 })
		cancel(nil)
	}
}

// What is cancelled at any moment of its life ends once, with the answer or the reason.
func TestCancelledAtAnyMoment(t *testing.T) {
	client := connectTo(t, nacos(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	token(t, client)
	var answered, cancelled atomic.Int64
	err := errors.Join(together(16, func() error { // more than wait in C
		for range 200 {
			reason := errors.New("enough")
			ctx, cancel := context.WithCancelCause(background)
			timer := time.AfterFunc(time.Duration(rand.IntN(1000))*time.Microsecond, func() { cancel(reason) })
			response, err := client.Get(ctx, "/v1/cs/configs", nil)
			timer.Stop()
			cancel(nil)
			switch {
			case err == nil && string(response.Body) == "hello":
				answered.Add(1)
			case errors.Is(err, reason) && errors.Is(err, nacosauth.ErrCancelled):
				cancelled.Add(1)
			default:
				return fmt.Errorf("%+v, %w", response, err)
			}
		}
		return nil
	})...)
	if err != nil || answered.Load()+cancelled.Load() != 16*200 {
		t.Error(answered.Load(), cancelled.Load(), err)
	}
	t.Logf("%d answered, %d cancelled", answered.Load(), cancelled.Load())
}

// A context of the user's own may panic wherever it is asked; what has been started is not left behind.
type panicking struct {
	context.Context
	left *atomic.Int64 // how often it may be asked before
}

func (p panicking) Err() error {
	if p.left.Add(-1) < 0 {
		panic("the test wants it")
	}
	return p.Context.Err()
}

func TestContextsThatPanic(t *testing.T) {
	address, waiting, _ := holding(t)
	client := connectTo(t, address)
	token(t, client)
	users := nacosauth.QueueUsers()
	for questions := range 4 {
		ctx, cancel := context.WithCancel(background)
		own := panicking{ctx, new(atomic.Int64)}
		own.left.Store(int64(questions))
		timer := time.AfterFunc(50*time.Millisecond, cancel)
		func() {
			defer func() { _ = recover() }()
			_, err := client.Do(own, &poll)
			wantError(t, err, context.Canceled)
		}()
		timer.Stop()
		cancel()
		if now := nacosauth.QueueUsers(); now != users {
			t.Errorf("asked %d times: %d operations left", questions, now-users)
		}
		eventually(t, "the connection is cut", func() bool { return waiting.Load() == 0 })
	}
	eventually(t, "a request gets through", func() bool { _, err := client.Token(background); return err == nil })
}

func TestMaxOperations(t *testing.T) {
	address, waiting, release := holding(t)
	client := connectTo(t, address, func(o *nacosauth.Options) { o.MaxOperations, o.RequestTimeout = 3, time.Second })
	token(t, client)
	results := polls(background, client, 3)
	eventually(t, "the polls are out", func() bool { return waiting.Load() == 3 })

	_, err := client.Do(background, &nacosauth.Request{Path: "/v1/cs/configs", NoWait: true})
	wantError(t, err, nacosauth.ErrWouldBlock)
	if detail := details(t, err); detail.Cause != nacosauth.CauseTooManyOperations || !detail.Retryable || !strings.Contains(detail.Message, "MaxOperations") {
		t.Errorf("%+v", detail)
	}
	_, err = client.Get(background, "/v1/cs/configs", nil)
	wantError(t, err, nacosauth.ErrTimeout)
	if errors.Is(err, context.DeadlineExceeded) || !details(t, err).Retryable || details(t, err).WasSent {
		t.Errorf("%+v", details(t, err))
	}
	reason := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(background, 50*time.Millisecond, reason)
	defer cancel()
	_, err = client.Do(ctx, &poll)
	wantError(t, err, context.DeadlineExceeded, reason, nacosauth.ErrTimeout)

	// Tokens do not wait for requests.
	if err := client.SetCredentials("poor", "poor"); err != nil {
		t.Fatal(err)
	}
	token(t, client)

	next := polls(background, client, 1)
	release()
	if err := errors.Join(append(<-results, <-next...)...); err != nil {
		t.Error(err)
	}
	for _, most := range []int{-1, 1 << 32} {
		_, err := nacosauth.New(nacosauth.Options{ServerAddr: address, Username: "u", Password: "p", MaxOperations: most})
		wantError(t, err, nacosauth.ErrInvalidConfig)
	}
}

func TestCloseWhileRequestsWaitForTheirTurn(t *testing.T) {
	address, waiting, _ := holding(t)
	client := connectTo(t, address, func(o *nacosauth.Options) { o.MaxOperations = 3 })
	results := polls(background, client, 50)
	eventually(t, "some polls are out", func() bool { return waiting.Load() == 3 })
	client.Close()
	for _, err := range <-results {
		wantError(t, err, nacosauth.ErrClosed)
	}
}

// goroutines are the stacks of all but those that free what the collector has found, of whatever test.
func goroutines() []string {
	stacks := make([]byte, 1<<20)
	all := strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n")
	return slices.DeleteFunc(all, func(stack string) bool {
		return strings.Contains(stack, "nacos_auth_free") || strings.Contains(stack, "runtime.runCleanups")
	})
}

// One queue for all clients, which goes with the last of them.
func TestTheQueueGoesWithTheLastClient(t *testing.T) {
	server := start(t)
	eventually(t, "other tests have left nothing", func() bool { runtime.GC(); return nacosauth.QueueUsers() == 0 })
	before := len(goroutines())
	for range 3 {
		clients := make([]*nacosauth.Client, 20)
		for i := range clients {
			clients[i] = server.connect(t)
			if response := get(t, clients[i]); response.StatusCode != 200 {
				t.Errorf("%d %s", response.StatusCode, response.Body)
			}
		}
		if now := goroutines(); len(now) > before+1 {
			t.Errorf("%d goroutines for 20 clients:\n%s", len(now)-before, strings.Join(now, "\n\n"))
		}
		for _, client := range clients {
			client.Close()
			client.Close()
		}
		eventually(t, "the goroutine ends", func() bool { return len(goroutines()) <= before })
		if n := nacosauth.QueueUsers(); n != 0 {
			t.Errorf("%d users", n)
		}
	}
}

// What is started and ended ten thousand times, in every way, leaves nothing behind.
func TestOperationsLeaveNothing(t *testing.T) {
	const inside = "NACOSAUTH_OPERATIONS"
	if os.Getenv(inside) == "" {
		runAlone(t, inside)
		return
	}
	address := nacos(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("never") {
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, strings.Repeat("x", 1000))
	})
	options := nacosauth.Options{ServerAddr: address, Username: "nacos", Password: "nacos"} // connections go when a client is collected
	round := func(client *nacosauth.Client, i int) error {
		switch i % 5 {
		case 0:
			_, err := client.Get(background, "/v1/cs/configs", config)
			return err
		case 1:
			ctx, cancel := context.WithTimeout(background, time.Duration(rand.IntN(3000))*time.Microsecond)
			defer cancel()
			if _, err := client.Get(ctx, "/v1/cs/configs?never", nil); !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("no deadline: %w", err)
			}
		case 2:
			ctx, cancel := context.WithCancel(background)
			time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, cancel)
			if _, err := client.Get(ctx, "/v1/cs/configs?never", nil); !errors.Is(err, context.Canceled) {
				return fmt.Errorf("no end: %w", err)
			}
		case 3:
			if _, err := client.Get(background, "no slash", nil); !errors.Is(err, nacosauth.ErrInvalidArgument) {
				return fmt.Errorf("no error: %w", err)
			}
		case 4:
			if i%100 == 4 {
				client.SetCredentials("nacos", "nacos")
			}
			_, err := client.TokenInfo(background)
			return err
		}
		return nil
	}
	run := func(rounds int) {
		client, err := nacosauth.New(options)
		if err != nil {
			t.Fatal(err)
		}
		other, err := nacosauth.New(options) // which is closed with calls of its own under way
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(together(16, func() error {
			for i := range rounds / 16 {
				if err := round(client, i); err != nil {
					return err
				}
			}
			return nil
		})...); err != nil {
			t.Fatal(err)
		}
		results := polls(background, other, 50)
		time.Sleep(20 * time.Millisecond)
		other.Close()
		<-results
		client.Close()
	}
	quiet := func() (goroutines, descriptors int) {
		eventually(t, "nobody uses the queue", func() bool { runtime.GC(); return nacosauth.QueueUsers() == 0 })
		http.DefaultClient.CloseIdleConnections()
		time.Sleep(200 * time.Millisecond)
		return runtime.NumGoroutine(), entries(t, "/proc/self/fd")
	}
	run(2000)
	goroutines, descriptors := quiet()
	before := resident(t)
	run(10_000)
	var g, d int
	if !eventually(t, "goroutines and descriptors are as many as before", func() bool {
		g, d = quiet()
		return g <= goroutines && d <= descriptors
	}) {
		t.Errorf("%d goroutines, were %d; %d descriptors, were %d", g, goroutines, d, descriptors)
	}
	if after := resident(t); after > before+16<<20 && !underRace {
		t.Errorf("grew from %d to %d KiB", before>>10, after>>10)
	}
}

// With few descriptors left, or none, a call succeeds or says so, and never hangs.
func TestFewDescriptors(t *testing.T) {
	const inside = "NACOSAUTH_FEW_DESCRIPTORS"
	if os.Getenv(inside) == "" {
		runAlone(t, inside)
		return
	}
	server := start(t)
	value := token(t, server.connect(t))
	eventually(t, "a new queue is needed", func() bool { runtime.GC(); return nacosauth.QueueUsers() <= 1 })
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	limit.Cur = 100
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	succeeded := false
	for left := range 12 {
		client := server.connect(t, func(o *nacosauth.Options) { o.Username, o.Password, o.Token = "", "", value })
		var files []*os.File
		for {
			file, err := os.Open(os.DevNull)
			if err != nil {
				break
			}
			files = append(files, file)
		}
		for _, file := range files[:left] {
			file.Close()
		}
		response, err := client.Get(background, "/v1/cs/configs", config)
		for _, file := range files[left:] {
			file.Close()
		}
		client.Close()
		if err == nil {
			succeeded = succeeded || response.StatusCode == 200
		} else if detail := details(t, err); detail.Status == nacosauth.ErrTimeout || detail.Message == "" {
			t.Errorf("%d left: %+v", left, detail)
		}
	}
	if !succeeded {
		t.Error("not even with ten descriptors")
	}
}

// runAlone runs the test in a process of its own.
func runAlone(t *testing.T, inside string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	process.Env = append(os.Environ(), inside+"=1")
	output, err := process.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("%v: %s", err, output)
	}
}
