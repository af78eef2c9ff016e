package nacosgrpc_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	nacosgrpc "github.com/nacos-auth/nacos-auth/bindings/go/grpc"
	"github.com/nacos-auth/nacos-auth/bindings/go/internal/devserver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// serve runs a gRPC server that answers whoever has a token that Nacos takes.
func serve(nacos string, options ...grpc.ServerOption) (address string, stop func(), err error) {
	check := func(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		values := metadata.ValueFromIncomingContext(ctx, "accessToken")
		if len(values) != 1 {
			return nil, status.Errorf(codes.Unauthenticated, "%d tokens", len(values))
		}
		request, err := http.NewRequest(http.MethodGet, "http://"+nacos+"/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP", nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+values[0])
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, status.Error(codes.Unauthenticated, response.Status)
		}
		return next(ctx, in)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := grpc.NewServer(append(options, grpc.UnaryInterceptor(check))...)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go server.Serve(listener)
	return listener.Addr().String(), server.Stop, nil
}

func connect(t *testing.T) (*devserver.Server, *nacosauth.Client) {
	t.Helper()
	server, err := devserver.Launch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return server, client
}

// call makes one call to the server and returns its code.
func call(t *testing.T, ctx context.Context, address string, options ...grpc.DialOption) (codes.Code, error) {
	t.Helper()
	connection, err := grpc.NewClient(address, options...)
	if err != nil {
		return codes.Unknown, err
	}
	defer connection.Close()
	_, err = grpc_health_v1.NewHealthClient(connection).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return status.Code(err), err
}

func plain() grpc.DialOption { return grpc.WithTransportCredentials(insecure.NewCredentials()) }

func TestTokenIsInTheMetadata(t *testing.T) {
	nacos, client := connect(t)
	address, stop, err := serve(nacos.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	with := grpc.WithPerRPCCredentials(nacosgrpc.Credentials{Client: client, Insecure: true})
	if got, err := call(t, context.Background(), address, plain(), with); got != codes.OK {
		t.Errorf("with the token: %v", err)
	}
	if got, err := call(t, context.Background(), address, plain()); got != codes.Unauthenticated {
		t.Errorf("without: %v", err)
	}

	longest, stop := context.WithTimeout(context.Background(), math.MaxInt64)
	defer stop()
	if got, err := call(t, longest, address, plain(), with); got != codes.OK {
		t.Errorf("with the longest time-out: %v", err)
	}

	// A refused token is replaced once the client has been told.
	if err := nacos.Do(http.MethodPost, "/secret", nil, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := call(t, context.Background(), address, plain(), with); got != codes.Unauthenticated {
		t.Errorf("with the old token: %v", err)
	}
	info, err := client.TokenInfo(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	refused := nacosauth.Rejection{Generation: info.Generation, StatusCode: http.StatusUnauthorized}
	if advised, err := client.ReportRejected(refused); err != nil || advised.Advice == nacosauth.AdviceReturn {
		t.Errorf("%v, %v", advised, err)
	}
	if got, err := call(t, context.Background(), address, plain(), with); got != codes.OK {
		t.Errorf("with the new token: %v", err)
	}
}

func TestTransportSecurity(t *testing.T) {
	nacos, client := connect(t)
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	address, stop, err := serve(nacos.Address, grpc.Creds(credentials.NewServerTLSFromCert(&certified.TLS.Certificates[0])))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	with := grpc.WithPerRPCCredentials(nacosgrpc.Credentials{Client: client})
	if _, err := call(t, context.Background(), address, plain(), with); err == nil || !strings.Contains(err.Error(), "security") {
		t.Errorf("without TLS: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	tls := grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "example.com"))
	if got, err := call(t, context.Background(), address, tls, with); got != codes.OK {
		t.Errorf("with TLS: %v", err)
	}
}

func TestCodes(t *testing.T) {
	nacos, client := connect(t)
	address, stop, err := serve(nacos.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	check := func(ctx context.Context, client *nacosauth.Client, want codes.Code) {
		t.Helper()
		with := grpc.WithPerRPCCredentials(nacosgrpc.Credentials{Client: client, Insecure: true})
		if got, err := call(t, ctx, address, plain(), with); got != want {
			t.Errorf("%s, want %s: %v", got, want, err)
		}
	}
	wrong, err := nacosauth.New(nacosauth.Options{ServerAddr: nacos.Address, Username: "nacos", Password: "a wrong one"})
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	check(context.Background(), wrong, codes.Unauthenticated)
	nobody, err := nacosauth.New(nacosauth.Options{ServerAddr: "127.0.0.1:1", Username: "nacos", Password: "nacos"})
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	check(context.Background(), nobody, codes.Unavailable)
	if err := nacos.Do(http.MethodPost, "/faults", devserver.Fields{"on": "login", "kind": "hang"}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	check(ctx, client, codes.DeadlineExceeded)
	ctx, cancel = context.WithCancel(context.Background())
	time.AfterFunc(200*time.Millisecond, cancel)
	check(ctx, client, codes.Canceled)
	hasty, err := nacosauth.New(nacosauth.Options{ServerAddr: nacos.Address, Username: "nacos", Password: "nacos",
		RequestTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	check(context.Background(), hasty, codes.Unavailable) // the library's own time-out, in a call without a deadline
	ctx, cancel = context.WithTimeout(context.Background(), math.MaxInt64)
	defer cancel()
	hasty.Close()
	check(ctx, hasty, codes.Internal)
	check(ctx, nil, codes.Internal)
	check(ctx, &nacosauth.Client{}, codes.Internal)
}

func ExampleCredentials() {
	nacos := os.Getenv("NACOS_SERVER_ADDR")
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: nacos, Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	address, stop, err := serve(nacos)
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // TLS outside of examples, and no Insecure below
		grpc.WithPerRPCCredentials(nacosgrpc.Credentials{Client: client, Insecure: true}))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	answer, err := grpc_health_v1.NewHealthClient(connection).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Status)
	// Output: SERVING
}

// TestMain runs one more devserver for the example.
func TestMain(m *testing.M) {
	server, err := devserver.Launch()
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("NACOS_SERVER_ADDR", server.Address)
	code := m.Run()
	server.Stop()
	os.Exit(code)
}
