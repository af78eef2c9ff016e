package nacosauth

/*
#include <stdlib.h>
#include <string.h>
#include <nacos_auth.h>

#cgo noescape nacosauth_view
#cgo nocallback nacosauth_view

// A request without its strings, which are in one buffer: method, path and pairs, each with a NUL behind it.
typedef struct {
	size_t method_len;
	size_t path_len;
	size_t query_count;
	size_t header_count;
	size_t form_count;
	size_t body_len;
	uint32_t timeout_ms;
	uint32_t flags;
} nacosauth_request;

typedef struct {
	size_t name_len;
	size_t value_len;
	uint32_t flags;
} nacosauth_lengths;

static const char *nacosauth_next(const char **text, size_t length) {
	const char *start = *text;
	*text += length + 1;
	return start;
}

// Neither noescape nor nocallback for these two: nacos_request may call Options.Credentials on its own thread, and both may be the
// last to hold a client that is closed meanwhile.
static nacos_status nacosauth_send(nacos_auth *auth, const nacosauth_request *request, const char *text,
		const nacosauth_lengths *lengths, const uint8_t *body, nacos_cancel *cancel, const nacos_start_options *start,
		nacos_operation **operation, nacos_response **response, nacos_error **error) {
	nacos_request_options options = nacos_request_options_default();
	nacos_pair few[32], *pairs = few;
	size_t count = request->query_count + request->header_count + request->form_count;
	if (count > sizeof few / sizeof *few && (pairs = malloc(count * sizeof *pairs)) == NULL) return NACOS_INTERNAL;
	if (request->method_len > 0) options.method = text;
	nacosauth_next(&text, request->method_len);
	options.path = nacosauth_next(&text, request->path_len);
	for (size_t i = 0; i < count; i++) {
		pairs[i].name = nacosauth_next(&text, lengths[i].name_len);
		pairs[i].value = nacosauth_next(&text, lengths[i].value_len);
		pairs[i].name_len = lengths[i].name_len;
		pairs[i].value_len = lengths[i].value_len;
		pairs[i].flags = lengths[i].flags;
		pairs[i].reserved0 = 0;
	}
	options.query = pairs;
	options.query_count = request->query_count;
	options.headers = options.query + request->query_count;
	options.header_count = request->header_count;
	options.form = options.headers + request->header_count;
	options.form_count = request->form_count;
	options.body = body;
	options.body_len = request->body_len;
	options.cancel = cancel;
	options.timeout_ms = request->timeout_ms;
	options.flags = request->flags;
	nacos_status status = start == NULL ? nacos_request(auth, &options, response, error)
		: nacos_request_start(auth, &options, start, operation, error);
	if (pairs != few) free(pairs);
	return status;
}

static nacos_status nacosauth_request_start(nacos_auth *auth, const nacosauth_request *request, const char *text,
		const nacosauth_lengths *lengths, const uint8_t *body, nacos_queue *queue, uintptr_t number, nacos_operation **operation,
		nacos_error **error) {
	nacos_start_options start = nacos_start_options_default();
	start.queue = queue;
	start.data = (void *)number;
	return nacosauth_send(auth, request, text, lengths, body, NULL, &start, operation, NULL, error);
}

static nacos_status nacosauth_request_wait(nacos_auth *auth, const nacosauth_request *request, const char *text,
		const nacosauth_lengths *lengths, const uint8_t *body, nacos_cancel *cancel, nacos_response **response, nacos_error **error) {
	return nacosauth_send(auth, request, text, lengths, body, cancel, NULL, NULL, response, error);
}

// One crossing instead of many.
typedef struct {
	const uint8_t *body;
	size_t body_len;
	const char *server;
	size_t server_len;
	size_t header_count;
	uint64_t generation;
	int32_t status;
	int32_t is_truncated;
	uint32_t attempts;
	uint32_t replays;
} nacosauth_response_view;

static void nacosauth_view(const nacos_response *response, nacosauth_response_view *view, nacos_pair *headers, size_t most) {
	view->body = nacos_response_body(response, &view->body_len);
	if (view->body_len == 0) view->body = (const uint8_t *)""; // else it may be 1, which Go takes for a damaged pointer
	view->server = nacos_response_server(response);
	view->server_len = strlen(view->server);
	view->header_count = nacos_response_header_count(response);
	view->generation = nacos_response_generation(response);
	view->status = nacos_response_status(response);
	view->is_truncated = nacos_response_is_truncated(response);
	view->attempts = nacos_response_attempts(response);
	view->replays = nacos_response_replays(response);
	for (size_t i = 0; i < view->header_count && i < most; i++) {
		nacos_pair *header = &headers[i];
		if (nacos_response_header_at(response, i, &header->name, &header->value, NULL) != NACOS_OK) header->name = header->value = "";
		header->name_len = strlen(header->name);
		header->value_len = strlen(header->value);
	}
}
*/
import "C"

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// inFlight counts the requests of all clients that are under way, but long polls. As long as they are few, each waits in C, on a
// thread: the answer is back sooner than the thread of the library and the Go runtime can wake each other. Many are better off as
// operations; some of both would be worse than either, so that once there are more than mostBlocking, all that come are
// operations until nearly none are left.
var (
	inFlight atomic.Int64
	areMany  atomic.Bool
)

const nearlyNone = 2

// mayBlock counts a request, and tells whether it waits in C.
func mayBlock() bool {
	switch n := inFlight.Add(1); {
	case n > mostBlocking:
		areMany.Store(true)
	case n <= nearlyNone:
		areMany.Store(false)
	}
	return !areMany.Load()
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
	if strings.ContainsRune(r.Method, 0) || strings.ContainsRune(r.Path, 0) {
		return nil, invalid("method or path: holds a NUL byte")
	}
	isLongPoll := isLongPoll(r.Header)
	k, err := c.begin(ctx, c.requests, r.flags(), isLongPoll)
	if err != nil {
		return nil, err
	}
	defer k.end()
	if !isLongPoll {
		defer inFlight.Add(-1)
		if mayBlock() {
			return k.sendHere(r)
		}
	}
	o, err := newOperation()
	if err != nil {
		return k.sendWithThread(r)
	}
	defer o.release()
	switch status := k.start(o, r); status {
	case C.NACOS_OK:
	case C.NACOS_INTERNAL: // it has no thread for operations
		return k.sendWithThread(r)
	default:
		return nil, k.fail(status, o.failure())
	}
	o.wait(k)
	runtime.KeepAlive(c)
	if o.ended.status != C.NACOS_OK {
		return nil, k.fail(o.ended.status, o.failure())
	}
	return copyResponse(o.ended.response), nil
}

// start makes the operation that of the request.
func (k *call) start(o *operation, r *Request) C.nacos_status {
	l := lay(r, k)
	defer l.release()
	crossings.take()
	defer crossings.giveBack()
	return C.nacosauth_request_start(k.client.native.handle, &l.request, l.start(), unsafe.SliceData(l.lengths), bodyOf(r),
		o.queue.native, o.number, &o.native, &o.ended.error)
}

// sendWithThread is for what cannot be an operation.
func (k *call) sendWithThread(r *Request) (*Response, error) {
	if err := k.takeThread(); err != nil {
		return nil, err
	}
	return k.sendHere(r)
}

// sendHere sends the request on this thread, and holds it until the answer is there.
func (k *call) sendHere(r *Request) (*Response, error) {
	k.watch()
	l := lay(r, k)
	defer l.release()
	var response *C.nacos_response
	var detail failure
	status := C.nacosauth_request_wait(k.client.native.handle, &l.request, l.start(), unsafe.SliceData(l.lengths), bodyOf(r),
		k.cancel, &response, &detail.detail)
	runtime.KeepAlive(k.client)
	defer func() { C.nacos_response_free(response) }()
	if status != C.NACOS_OK {
		return nil, k.fail(status, &detail)
	}
	return copyResponse(response), nil
}

// layout is a request as it crosses to C: without a pointer in it, so that nothing has to be pinned. It is used again.
type layout struct {
	request C.nacosauth_request
	text    []byte
	lengths []C.nacosauth_lengths
	names   []string
}

var layouts = sync.Pool{New: func() any { return new(layout) }}

// lay lays a request out. It must be followed by release.
func lay(r *Request, k *call) *layout {
	l := layouts.Get().(*layout)
	l.text = slices.Grow(l.text, len(r.Method)+len(r.Path)+2+sizeOf(r.Query)+sizeOf(r.Header)+sizeOf(r.Form)) // once: it is wiped
	l.text = append(append(l.text, r.Method...), 0)
	l.text = append(append(l.text, r.Path...), 0)
	l.request = C.nacosauth_request{
		method_len:   C.size_t(len(r.Method)),
		path_len:     C.size_t(len(r.Path)),
		query_count:  l.add(r.Query, r.Sensitive),
		header_count: l.add(r.Header, r.Sensitive),
		form_count:   l.add(r.Form, r.Sensitive),
		body_len:     C.size_t(len(r.Body)),
		timeout_ms:   k.timeout,
		flags:        k.flags,
	}
	return l
}

// add appends pairs, ordered by name. Those whose names are sensitive, in any case, are marked so.
func (l *layout) add(values map[string][]string, sensitive []string) C.size_t {
	if len(values) == 0 {
		return 0
	}
	before := len(l.lengths)
	l.names = slices.AppendSeq(l.names[:0], maps.Keys(values))
	slices.Sort(l.names)
	for _, name := range l.names {
		var flags C.uint32_t
		if slices.ContainsFunc(sensitive, func(s string) bool { return strings.EqualFold(s, name) }) {
			flags = C.NACOS_PAIR_SENSITIVE
		}
		for _, value := range values[name] {
			l.text = append(append(l.text, name...), 0)
			l.text = append(append(l.text, value...), 0)
			l.lengths = append(l.lengths, C.nacosauth_lengths{
				name_len: C.size_t(len(name)), value_len: C.size_t(len(value)), flags: flags})
		}
	}
	return C.size_t(len(l.lengths) - before)
}

// sizeOf counts the bytes that add appends.
func sizeOf(values map[string][]string) (bytes int) {
	for name, list := range values {
		for _, value := range list {
			bytes += len(name) + len(value) + 2
		}
	}
	return bytes
}

func (l *layout) start() *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(l.text))) }

// release wipes the strings, which may be secrets.
func (l *layout) release() {
	clear(l.text)
	clear(l.names)
	l.text, l.lengths, l.names = l.text[:0], l.lengths[:0], l.names[:0]
	if cap(l.text) <= 64<<10 {
		layouts.Put(l)
	}
}

// bodyOf is NULL for none. It is not copied here.
func bodyOf(r *Request) *C.uint8_t {
	if len(r.Body) == 0 {
		return nil
	}
	return (*C.uint8_t)(unsafe.SliceData(r.Body))
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

// copyResponse copies an answer out of C's memory: all of its head into one piece of text.
func copyResponse(response *C.nacos_response) *Response {
	var few [32]C.nacos_pair
	var view C.nacosauth_response_view
	C.nacosauth_view(response, &view, unsafe.SliceData(few[:]), C.size_t(len(few))) // of &few[0] cgo would make a copy, for a check
	pairs := few[:min(int(view.header_count), len(few))]
	if len(pairs) < int(view.header_count) {
		pairs = make([]C.nacos_pair, view.header_count)
		C.nacosauth_view(response, &view, unsafe.SliceData(pairs), view.header_count)
	}
	size := int(view.server_len)
	for i := range pairs {
		size += int(pairs[i].name_len + pairs[i].value_len)
	}
	var text strings.Builder
	text.Grow(size)
	take := func(start *C.char, length C.size_t) string {
		before := text.Len()
		text.WriteString(unsafe.String((*byte)(unsafe.Pointer(start)), length))
		return text.String()[before:]
	}
	header, values := make(http.Header, len(pairs)), make([]string, len(pairs))
	for i := range pairs {
		name := http.CanonicalHeaderKey(take(pairs[i].name, pairs[i].name_len))
		values[i] = take(pairs[i].value, pairs[i].value_len)
		if others := header[name]; others != nil {
			header[name] = append(others, values[i])
		} else {
			header[name] = values[i : i+1 : i+1]
		}
	}
	return &Response{
		StatusCode: int(view.status),
		Header:     header,
		Body:       bytes.Clone(unsafe.Slice((*byte)(view.body), view.body_len)),
		Truncated:  view.is_truncated != 0,
		Server:     take(view.server, view.server_len),
		Generation: uint64(view.generation),
		Attempts:   int(view.attempts),
		Replayed:   view.replays != 0,
	}
}
