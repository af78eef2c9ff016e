package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_get_token
#cgo nocallback nacos_get_token
#cgo noescape nacos_auth_report_rejected
#cgo nocallback nacos_auth_report_rejected
*/
import "C"

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// cachedToken is what Token returns while the generation word of the library stands.
type cachedToken struct {
	generation uint64
	value      string
}

// noToken is of a generation that the library never gives.
var noToken = &cachedToken{generation: math.MaxUint64}

// current returns the cached token if it may be used without asking, noToken otherwise.
func (c *Client) current() *cachedToken {
	t := c.cached.Load()
	if t.generation != atomic.LoadUint64(c.word) {
		t = noToken
	}
	runtime.KeepAlive(c)
	return t
}

// Token returns a token to put on a request. While the last one stands this is one comparison in Go memory: no call
// into C, no allocation, no lock, and the context is not looked at. Otherwise it waits for the login, not longer than
// the context allows.
func (c *Client) Token(ctx context.Context) (string, error) {
	// The use of c below keeps the word alive while it is read.
	if t := c.cached.Load(); t.generation == atomic.LoadUint64(c.word) {
		return t.value, nil
	}
	return c.fetchToken(ctx)
}

func (c *Client) fetchToken(ctx context.Context) (string, error) {
	t, err := c.fetch(ctx)
	return t.value, err
}

// token is Token with the generation.
func (c *Client) token(ctx context.Context) (*cachedToken, error) {
	if t := c.current(); t != noToken {
		return t, nil
	}
	return c.fetch(ctx)
}

// TokenInfo is a token and what the library knows about it.
type TokenInfo struct {
	Token      string        `json:"-"`
	Generation uint64        // for ReportRejected; never 0
	Remaining  time.Duration // until the estimated expiry; negative once past it
	Expired    bool          // past its expiry, handed out because no server could renew it
}

// Format prints the information without the token, whatever the verb.
func (t TokenInfo) Format(f fmt.State, _ rune) {
	io.WriteString(f, fmt.Sprintf("nacosauth.TokenInfo{Generation:%d, Remaining:%s, Expired:%t}",
		t.Generation, t.Remaining, t.Expired))
}

// TokenInfo is [Client.Token] with the generation, which [Client.ReportRejected] wants, and the rest of the token's
// life. It always asks the library.
func (c *Client) TokenInfo(ctx context.Context) (TokenInfo, error) {
	k, err := c.begin(ctx, false)
	if err != nil {
		return TokenInfo{}, err
	}
	defer k.end()
	return k.token()
}

// fetch asks the library and caches the answer. Of many goroutines that come at once, those that had to wait for their
// turn find the answer of the others.
func (c *Client) fetch(ctx context.Context) (*cachedToken, error) {
	k, err := c.begin(ctx, false)
	if err != nil {
		return noToken, err
	}
	defer k.end()
	if t := c.current(); t != noToken {
		return t, nil
	}
	info, err := k.token()
	if err != nil {
		return noToken, err
	}
	t := &cachedToken{info.Generation, info.Token}
	c.cached.Store(t)
	return t, nil
}

func (k *call) token() (TokenInfo, error) {
	var array [1024]byte // most tokens; the others need a second call
	buffer := array[:]
	defer func() { clear(buffer) }()
	options := C.nacos_call_options{struct_size: C.sizeof_nacos_call_options, cancel: k.cancel, timeout_ms: k.timeout}
	for {
		info := C.nacos_token_info{struct_size: C.sizeof_nacos_token_info}
		var detail *C.nacos_error
		status := C.nacos_get_token(k.client.handle, &options, (*C.char)(unsafe.Pointer(unsafe.SliceData(buffer))),
			C.size_t(len(buffer)), &info, &detail)
		runtime.KeepAlive(k.client)
		switch status {
		case C.NACOS_OK:
			return TokenInfo{
				Token:      string(buffer[:info.length]),
				Generation: uint64(info.generation),
				Remaining:  time.Duration(info.remaining_ms) * time.Millisecond,
				Expired:    info.expired != 0,
			}, nil
		case C.NACOS_BUFFER_TOO_SMALL:
			_ = newError(status, detail)
			buffer = make([]byte, info.length+1)
		default:
			return TokenInfo{}, k.fail(status, detail)
		}
	}
}

// Advice is what to do with a request whose token the server refused.
type Advice int32

const (
	AdviceReturn             Advice = C.NACOS_ADVICE_RETURN               // hand the answer on as it is
	AdviceReplay             Advice = C.NACOS_ADVICE_REPLAY               // get the token again and send the request once more
	AdviceReplayIfIdempotent Advice = C.NACOS_ADVICE_REPLAY_IF_IDEMPOTENT // the same, but only if sending it twice does no harm
)

// ReportRejected tells the library that the server refused a request with the token of that generation, with this HTTP
// status and (the beginning of) this body. It never waits: the login happens in the next call that needs the token. Repeat a
// request at most twice.
// [Transport] does this by itself; it is for programs that put the token on requests in another way.
func (c *Client) ReportRejected(generation uint64, httpStatus int, body []byte) (Advice, error) {
	var advice C.int32_t
	var detail *C.nacos_error
	status := C.nacos_auth_report_rejected(c.handle, C.uint64_t(generation), C.int32_t(httpStatus),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(body))), C.size_t(len(body)), &advice, &detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return AdviceReturn, newError(status, detail)
	}
	return Advice(advice), nil
}
