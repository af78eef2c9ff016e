package nacosauth_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

const withoutThreads = "NACOSAUTH_WITHOUT_THREADS"

// Where the library cannot start a thread, it asks Options.Credentials on the thread of the call that needs a token.
func TestCredentialsWhereThereAreNoThreads(t *testing.T) {
	if os.Getenv(withoutThreads) == "" {
		runWithoutThreads(t)
		return
	}
	asked, told := 0, 0
	client, err := nacosauth.New(nacosauth.Options{
		ServerAddr: os.Getenv("NACOS_SERVER_ADDR"),
		Credentials: func(context.Context) (nacosauth.Credentials, error) {
			asked++
			grow(1000) // a stack that moves while C is below it
			return nacosauth.Credentials{Username: "nacos", Password: "nacos"}, nil
		},
		OnEvent: func(nacosauth.Event) { told++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if response := get(t, client); response.StatusCode != 200 {
		t.Errorf("%d %s", response.StatusCode, response.Body)
	}
	token(t, client)
	if _, err := client.TryToken(); err != nil || asked != 1 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	if _, err := client.ReportRejected(nacosauth.Rejection{Generation: 1, StatusCode: 403, Body: []byte(expired)}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(client.Retry(), client.SetCredentials("nacos", "nacos"), client.Close()); err != nil || told == 0 {
		t.Errorf("told %d events, %v", told, err)
	}
}

func runWithoutThreads(t *testing.T) {
	if nacosauth.Linkage != "dynamic" {
		t.Skip("a library inside the program cannot be told from it")
	}
	preloaded := filepath.Join(t.TempDir(), "no_threads.so")
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-o", preloaded, "testdata/no_threads.c", "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
	process.Env = append(os.Environ(), withoutThreads+"=1", "LD_PRELOAD="+preloaded)
	if output, err := process.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}

//go:noinline
func grow(depth int) byte {
	var frame [1024]byte
	if depth > 0 {
		frame[depth%len(frame)] = grow(depth - 1)
	}
	return frame[depth%len(frame)]
}
