// Package nacosgrpc puts a client's token on gRPC calls.
//
// [Credentials] are for gRPC servers that take a Nacos token from the metadata of a call: a gateway in front of Nacos, or a
// service of your own that checks tokens against Nacos.
//
// They are not what Nacos itself reads on its gRPC port (8848 + 1000): there the token is part of the message, under the
// key "accessToken", case-sensitive, of the map Payload.metadata.headers. Code that speaks that protocol sets it itself:
//
//	payload.Metadata.Headers["accessToken"], err = client.Token(ctx)
package nacosgrpc

import (
	"context"
	"errors"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// MetadataKey is where the token is: gRPC writes keys in lower case.
const MetadataKey = "accesstoken"

// Credentials are [credentials.PerRPCCredentials] for [grpc.WithPerRPCCredentials] or [grpc.PerRPCCredentials].
//
// They see no answers. When a server refuses a token before its expiry, tell the client with
// [nacosauth.Client.ReportRejected], and call again.
type Credentials struct {
	Client *nacosauth.Client // required; it stays the caller's to close

	// Insecure allows connections without TLS, where everybody on the way can read the token. gRPC refuses to use the
	// credentials on such a connection otherwise.
	Insecure bool
}

var _ credentials.PerRPCCredentials = Credentials{}

// GetRequestMetadata is called by gRPC for each call. It waits for a login if there is no token, within the call's
// deadline. Without a token it ends the call, with the code
//   - Canceled or DeadlineExceeded if the call's context has ended,
//   - Unavailable if trying again may help: no server can be reached or answers in time, [nacosauth.Options.RequestTimeout] has
//     passed in a call without a deadline, or the next login has to wait,
//   - Unauthenticated if the servers refuse the credentials, or there are none,
//   - Internal if the program is at fault: Client is nil or closed.
func (c Credentials) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := c.Client.Token(ctx)
	if err != nil {
		return nil, status.Error(code(err), err.Error())
	}
	return map[string]string{MetadataKey: token}, nil
}

func code(err error) codes.Code {
	var failure *nacosauth.Error
	switch {
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, nacosauth.ErrClosed), errors.Is(err, nacosauth.ErrInvalidArgument):
		return codes.Internal
	case errors.As(err, &failure) && failure.Retryable, errors.Is(err, nacosauth.ErrTimeout):
		return codes.Unavailable
	}
	return codes.Unauthenticated
}

// RequireTransportSecurity is called by gRPC when it connects.
func (c Credentials) RequireTransportSecurity() bool { return !c.Insecure }
