package nacosauth_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

func ExampleNew() {
	client, err := nacosauth.New(nacosauth.Options{
		ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), // "10.0.0.1:8848,10.0.0.2:8848"
		Username:   "nacos",
		Password:   "nacos",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	response, err := client.Get(ctx, "/v1/cs/configs", url.Values{"dataId": {"demo"}, "group": {"DEFAULT_GROUP"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode)
	// Output: 200
}

func ExampleClient_Post() {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	response, err := client.Post(context.Background(), "/v1/cs/configs", url.Values{
		"dataId": {"limits"}, "group": {"DEFAULT_GROUP"}, "content": {"max=10"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode, string(response.Body))
	// Output: 200 true
}

func ExampleTransport() {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	web := &http.Client{Transport: &nacosauth.Transport{Client: client}}
	defer web.CloseIdleConnections()
	response, err := web.Get("http://" + os.Getenv("NACOS_SERVER_ADDR") + "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output: 200 OK
}

// The password is asked of whoever keeps it, for each login.
func ExampleOptions_credentials() {
	vault := func(ctx context.Context) (nacosauth.Credentials, error) {
		return nacosauth.Credentials{Username: "nacos", Password: "nacos"}, ctx.Err()
	}
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Credentials: vault})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	response, err := client.Get(context.Background(), "/v1/cs/configs", url.Values{"dataId": {"demo"}, "group": {"DEFAULT_GROUP"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode)
	// Output: 200
}

func ExampleOptions_onEvent() {
	events := make(chan nacosauth.Event, 16)
	client, err := nacosauth.New(nacosauth.Options{
		ServerAddr: os.Getenv("NACOS_SERVER_ADDR"),
		Credentials: func(context.Context) (nacosauth.Credentials, error) {
			return nacosauth.Credentials{Username: "nacos", Password: "nacos"}, nil
		},
		OnEvent: func(event nacosauth.Event) { events <- event },
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Token(context.Background()); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		select {
		case event := <-events:
			fmt.Println(event.Level, event.Kind)
		case <-time.After(10 * time.Second):
			fmt.Println("no event")
		}
	}
	// Output:
	// DEBUG login started
	// INFO token refreshed
}

func ExampleClient_Token() {
	address := os.Getenv("NACOS_SERVER_ADDR")
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: address, Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	token, err := client.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, "http://"+address+"/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP", nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output: 200 OK
}

// For code that must not wait: an event loop, a handler with something else to offer meanwhile.
func ExampleClient_TryToken() {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, err = client.TryToken() // begins the login
	fmt.Println(errors.Is(err, nacosauth.ErrWouldBlock))
	// Output: true
}

// A form with a secret in it, which may be sent twice but not to another server.
func ExampleRequest() {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	response, err := client.Do(context.Background(), &nacosauth.Request{
		Method:     http.MethodPost,
		Path:       "/v1/cs/configs",
		Form:       url.Values{"dataId": {"database"}, "group": {"DEFAULT_GROUP"}, "content": {"password=…"}},
		Sensitive:  []string{"content"},
		Idempotent: nacosauth.Idempotent,
		NoFailover: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode, response.Attempts, response.Server == os.Getenv("NACOS_SERVER_ADDR"))
	// Output: 200 1 true
}

func ExampleClient_ReportRejected() {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	info, err := client.TokenInfo(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	// A request sent with info.Token was answered:
	advised, err := client.ReportRejected(nacosauth.Rejection{
		Generation: info.Generation,
		StatusCode: http.StatusForbidden,
		Body:       []byte(`{"message":"token expired!"}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(advised.Advice, advised.Wait)
	// Output: replay 0s
}

func ExampleError() {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Username: "nacos", Password: "a wrong one"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, err = client.Token(context.Background())
	fmt.Println(errors.Is(err, nacosauth.ErrBadCredentials))
	var failure *nacosauth.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Status.Name(), failure.HTTPStatus, failure.Cause, failure.WasSent)
	}
	// Output:
	// true
	// BAD_CREDENTIALS 403 wrong-credentials false
}
