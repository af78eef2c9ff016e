// Reads a configuration every 200 ms and tells when a new token served it; the library logs in whenever it has to.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"strconv"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

func main() {
	client, err := nacosauth.New(nacosauth.Options{
		ServerAddr: cmp.Or(os.Getenv("NACOS_SERVER_ADDR"), "127.0.0.1:8848"),
		Username:   cmp.Or(os.Getenv("NACOS_USERNAME"), "nacos"),
		Password:   cmp.Or(os.Getenv("NACOS_PASSWORD"), "nacos"),
	})
	if err != nil {
		log.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(append(os.Args, "30")[1], 64)
	if err != nil {
		log.Fatal(err)
	}
	config := url.Values{"dataId": {cmp.Or(os.Getenv("NACOS_DATA_ID"), "demo")}, "group": {"DEFAULT_GROUP"}}
	replays := func() uint64 { stats, _ := client.Stats(); return stats.Replays }

	requests, failures, tokens, last := 0, 0, map[uint64]bool{}, uint64(0)
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for ; time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		requests++
		response, err := client.Get(context.Background(), "/v1/cs/configs", config)
		var failure *nacosauth.Error
		if errors.As(err, &failure) {
			failures++
			fmt.Printf("failed %s: %s\n", failure.Status.Name(), failure.Message)
			continue
		}
		if response.Generation != last {
			last, tokens[response.Generation] = response.Generation, true
			fmt.Printf("token generation=%d requests=%d replays=%d\n", last, requests, replays())
		}
		if response.StatusCode != 200 && response.StatusCode != 404 { // 404: there is no such configuration
			failures++
			fmt.Printf("failed HTTP %d: %.200s\n", response.StatusCode, response.Body)
		}
	}
	fmt.Printf("done requests=%d tokens=%d replays=%d failures=%d\n", requests, len(tokens), replays(), failures)
	client.Close()
	if failures > 0 {
		os.Exit(1)
	}
}
