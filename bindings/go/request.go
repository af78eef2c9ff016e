package nacosauth

/*
#include <nacos_auth.h>

// Neither of the two for nacos_request: it may call Options.Credentials on its own thread.
#cgo noescape nacos_response_free
#cgo nocallback nacos_response_free
#cgo noescape nacosauth_view
#cgo nocallback nacosauth_view
#cgo noescape nacosauth_headers
#cgo nocallback nacosauth_headers

// One crossing instead of nine.
typedef struct {
	const uint8_t *body;
	size_t body_len;
	size_t header_count;
	const char *server;
	uint64_t generation;
	int32_t status;
	int32_t is_truncated;
	uint32_t attempts;
	uint32_t replays;
} nacosauth_response_view;

static void nacosauth_view(const nacos_response *response, nacosauth_response_view *view) {
	view->body = nacos_response_body(response, &view->body_len);
	view->header_count = nacos_response_header_count(response);
	view->server = nacos_response_server(response);
	view->generation = nacos_response_generation(response);
	view->status = nacos_response_status(response);
	view->is_truncated = nacos_response_is_truncated(response);
	view->attempts = nacos_response_attempts(response);
	view->replays = nacos_response_replays(response);
}

static nacos_status nacosauth_headers(const nacos_response *response, nacos_pair *headers, size_t count) {
	nacos_status status = NACOS_OK;
	for (size_t i = 0; i < count && status == NACOS_OK; i++) {
		status = nacos_response_header_at(response, i, &headers[i].name, &headers[i].value, NULL);
	}
	return status;
}
*/
import "C"

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"unsafe"
)

// Idempotence is whether sending a request twice does no more than sending it once: then it is sent again when a connection
// breaks over it, or a refusal does not say why.
type Idempotence int8

const (
	IdempotentByMethod Idempotence = iota // as HTTP has it: GET, HEAD, PUT, DELETE and the like are
	Idempotent                            // it is, whatever the method
	NotIdempotent                         // it is not, whatever the method
)

// Request is what [Client.Do] sends.
type Request struct {
	Method string      // "" means GET
	Path   string      // after the context path, such as "/v1/cs/configs"; may carry "?query" already percent-encoded; no dot segments
	Query  url.Values  // percent-encoded by the library and added to the path
	Header http.Header // without the token, which the library adds, and without Host, Content-Length and the like
	Form   url.Values  // sent as application/x-www-form-urlencoded; not together with Body
	Body   []byte      // must not be changed before Do returns

	// Sensitive names the parameters, headers and fields of a form whose values no message may hold, not even where a server
	// repeats them.
	Sensitive []string

	Idempotent  Idempotence
	NoReplay    bool // sends it once at the most: a refusal of the token is the answer then
	NoFailover  bool // asks one server only, whatever becomes of it
	NoAnonymous bool // never sends it without a token, see [Anonymous]

	// NoWait fails with [ErrWouldBlock] where Do would have to wait for a login, a pause or a connection that other calls use;
	// a login begins in the background if one is due. It still waits for the server's answer.
	NoWait bool
}

// flags are those of the C interface.
func (r *Request) flags() (flags C.uint32_t) {
	for _, flag := range []struct {
		is  bool
		bit C.uint32_t
	}{
		{r.NoWait, C.NACOS_FLAG_NO_WAIT},
		{r.NoReplay, C.NACOS_FLAG_NO_REPLAY},
		{r.NoFailover, C.NACOS_FLAG_NO_FAILOVER},
		{r.Idempotent == Idempotent, C.NACOS_FLAG_IDEMPOTENT},
		{r.Idempotent == NotIdempotent, C.NACOS_FLAG_NOT_IDEMPOTENT},
		{r.NoAnonymous, C.NACOS_FLAG_NO_ANONYMOUS},
	} {
		if flag.is {
			flags |= flag.bit
		}
	}
	return flags
}

// Response is the answer of the server, whatever its status.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte // decoded, if it came as gzip or deflate; Header has no Content-Encoding then
	Truncated  bool   // Body was cut: that of a refusal (status 400 and up) beyond 64 KiB
	Server     string // the one that answered, as "host:port"
	Generation uint64 // of the token that got this answer; 0 = it was sent without one
	Attempts   int    // how often the request was sent in all: 1 nearly always
	Replayed   bool   // an earlier answer refused the token
}

// Get requests a path, see [Request.Path].
func (c *Client) Get(ctx context.Context, path string, query url.Values) (*Response, error) {
	return c.Do(ctx, &Request{Path: path, Query: query})
}

// Post sends a form to a path, see [Request.Path].
func (c *Client) Post(ctx context.Context, path string, form url.Values) (*Response, error) {
	return c.Do(ctx, &Request{Method: http.MethodPost, Path: path, Form: form})
}

// Do sends a request with the token and returns the answer. A status such as 403 or 500 is an answer, not an error. An
// answer that refuses the token as expired or unknown is followed by a login and a replay, inside the same deadline. A
// context without one is limited by [Options.RequestTimeout], and as much more as a header Long-Pulling-Timeout says; then the
// error matches [ErrTimeout], and not context.DeadlineExceeded.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	if err := c.usableWith(ctx); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, invalid("there is no Request")
	}
	size, pairs := sizeOf(r.Query, r.Header, r.Form)
	m := newMemory(size+len(r.Method)+len(r.Path)+2, pairs)
	defer m.release()
	in := C.nacos_request_options{
		struct_size: C.sizeof_nacos_request_options,
		method:      m.optional("method", r.Method),
		path:        m.string("path", r.Path),
	}
	in.query, in.query_count = m.list(r.Query, r.Sensitive)
	in.headers, in.header_count = m.list(r.Header, r.Sensitive)
	in.form, in.form_count = m.list(r.Form, r.Sensitive)
	in.body, in.body_len = m.body(r.Body)
	if m.err != nil {
		return nil, m.err
	}

	k, err := c.begin(ctx, c.requests, r.flags(), isLongPoll(r.Header))
	if err != nil {
		return nil, err
	}
	defer k.end()
	in.cancel, in.timeout_ms, in.flags = k.cancel, k.timeout, k.flags
	var answer nativeResponse
	defer answer.release()
	var detail failure
	status := C.nacos_request(c.native.handle, &in, &answer.response, &detail.detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return nil, k.fail(status, &detail)
	}
	return answer.copy()
}

// nativeResponse is where a call puts the C object of its answer.
type nativeResponse struct{ response *C.nacos_response }

func (r *nativeResponse) release() {
	C.nacos_response_free(r.response)
	r.response = nil
}

// isLongPoll tells whether a header says how long the server may hold back its answer.
func isLongPoll(header http.Header) bool {
	for name := range header {
		if strings.EqualFold(name, "Long-Pulling-Timeout") {
			return true
		}
	}
	return false
}

func (r *nativeResponse) copy() (*Response, error) {
	var view C.nacosauth_response_view
	C.nacosauth_view(r.response, &view)
	pairs := make([]C.nacos_pair, view.header_count)
	if status := C.nacosauth_headers(r.response, unsafe.SliceData(pairs), view.header_count); status != C.NACOS_OK {
		return nil, new(failure).error(status)
	}
	header := make(http.Header, len(pairs))
	for _, pair := range pairs {
		header.Add(C.GoString(pair.name), C.GoString(pair.value))
	}
	return &Response{
		StatusCode: int(view.status),
		Header:     header,
		Body:       bytes.Clone(unsafe.Slice((*byte)(view.body), view.body_len)),
		Truncated:  view.is_truncated != 0,
		Server:     C.GoString(view.server),
		Generation: uint64(view.generation),
		Attempts:   int(view.attempts),
		Replayed:   view.replays != 0,
	}, nil
}
