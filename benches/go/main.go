// Command go measures the Go package beside net/http and nacos-sdk-go: go cached | go requests GOROUTINES… | go handles COUNT…,
// on the server of NACOS_SERVER_ADDR. TOKEN is what its login gives.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/http_agent"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"
)

const loops = 100_000

var (
	background = context.Background()
	server     = os.Getenv("NACOS_SERVER_ADDR")
	config     = url.Values{"dataId": {"demo"}, "group": {"DEFAULT_GROUP"}}
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("what to measure?")
	}
	if os.Args[1] == "cached" {
		cached()
	}
	for _, argument := range os.Args[2:] {
		n, err := strconv.Atoi(argument)
		if err != nil {
			log.Fatal(err)
		}
		if os.Args[1] == "handles" {
			handles(n)
		} else {
			requests(n)
		}
	}
}

// sdk is the part of nacos-sdk-go that keeps a program logged in, logged in.
func sdk(username string) *security.NacosAuthClient {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		log.Fatal(err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		log.Fatal(err)
	}
	client := security.NewNacosAuthClient(
		*constant.NewClientConfig(constant.WithUsername(username), constant.WithPassword("nacos"), constant.WithTimeoutMs(5000)),
		[]constant.ServerConfig{*constant.NewServerConfig(host, number)}, &http_agent.HttpAgent{})
	if ok, err := client.Login(); !ok {
		log.Fatal(err)
	}
	return client
}

func connected() *nacosauth.Client {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: server, Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Token(background); err != nil {
		log.Fatal(err)
	}
	return client
}

var errEmpty = errors.New("an empty token")

func cached() {
	ours, theirs := connected(), sdk("nacos")
	defer ours.Close()
	takeTurns("cached", "Go", 1, []contender{
		{"nacos-sdk-go, GetSecurityInfo", func() error {
			for range loops {
				if len(theirs.GetSecurityInfo(security.RequestResource{})) == 0 {
					return errEmpty
				}
			}
			return nil
		}, loops},
		{"nacos-sdk-go, GetAccessToken", func() error {
			for range loops {
				if theirs.GetAccessToken() == "" {
					return errEmpty
				}
			}
			return nil
		}, loops},
		{"nacosauth, Client.Token", func() error {
			for range loops {
				if token, err := ours.Token(background); err != nil || token == "" {
					return errors.Join(errEmpty, err)
				}
			}
			return nil
		}, loops},
	}, "ns", "allocations")
}

// fetch reads a page whole.
func fetch(client *http.Client, bearer string) error {
	request, err := http.NewRequest(http.MethodGet, "http://"+server+"/nacos/v1/cs/configs?"+config.Encode(), nil)
	if err != nil {
		return err
	}
	if bearer != "" {
		request.Header.Set("Authorization", bearer)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return check(response.StatusCode, body, err)
}

func check(status int, body []byte, err error) error {
	if err == nil && (status != http.StatusOK || len(body) == 0) {
		err = fmt.Errorf("HTTP status %d, %d bytes", status, len(body))
	}
	return err
}

func requests(goroutines int) {
	client := connected()
	defer client.Close()
	base := &http.Transport{MaxIdleConnsPerHost: goroutines}
	defer base.CloseIdleConnections()
	bearer := "Bearer " + os.Getenv("TOKEN")
	plain := &http.Client{Transport: base}
	carried := &http.Client{Transport: &nacosauth.Transport{Client: client, Base: base}}
	name := fmt.Sprintf("%d goroutines", goroutines)
	if goroutines == 1 {
		name = "1 goroutine"
	}
	takeTurns("go", name, goroutines, []contender{
		{"net/http", func() error { return fetch(plain, bearer) }, 1},
		{"net/http with the RoundTripper", func() error { return fetch(carried, "") }, 1},
		{"Client.Do", func() error {
			response, err := client.Get(background, "/v1/cs/configs", config)
			if err != nil {
				return err
			}
			return check(response.StatusCode, response.Body, nil)
		}, 1},
	}, "requests/s", "CPU µs")
}

// handles counts what clients of nacos-sdk-go take, as benches/c/counts.c does for handles of the library.
func handles(n int) {
	ctx, stop := context.WithCancel(background)
	defer stop()
	all := make([]*security.NacosAuthClient, n)
	sdk("nacos").AutoRefresh(ctx)
	before, goroutines := memory(), runtime.NumGoroutine()
	for i := range all {
		all[i] = sdk(fmt.Sprintf("user-%d", i))
		all[i].AutoRefresh(ctx)
	}
	time.Sleep(500 * time.Millisecond)
	each := (memory() - before) / float64(n)
	started := float64(runtime.NumGoroutine() - goroutines)
	idle := time.Duration(setting("IDLE_SECONDS", 60)) * time.Second
	woken := wakeUps()
	time.Sleep(idle)
	printRow("handles", fmt.Sprintf("%d of as many identities", n), "nacos-sdk-go", []column{
		{"KiB each", []float64{each}},
		{"goroutines", []float64{started}},
		{"wake-ups a minute", []float64{(wakeUps() - woken) / idle.Minutes()}},
	})
	runtime.KeepAlive(all)
}

// memory is what of it is the process's own, in KiB.
func memory() float64 {
	debug.FreeOSMemory()
	return number("/proc/self/status", "RssAnon:")
}

// wakeUps is how often the threads of the process have been put on a processor.
func wakeUps() (sum float64) {
	files, _ := filepath.Glob("/proc/self/task/*/status")
	for _, file := range files {
		sum += number(file, "voluntary_ctxt_switches:") + number(file, "nonvoluntary_ctxt_switches:")
	}
	return sum
}

func number(file, name string) float64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0 // a thread that has ended
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return n
		}
	}
	return 0
}
