package nacosauth

/*
#include <nacos_auth.h>

// Neither of the two for nacos_get_token: it may call Options.Credentials on its own thread. Nor for nacosauth_token_start: it may
// be the last to hold a client that is closed meanwhile.
#cgo noescape nacos_auth_report_rejected
#cgo nocallback nacos_auth_report_rejected
#cgo noescape nacos_token_describe
#cgo nocallback nacos_token_describe
#cgo noescape nacos_token_text
#cgo nocallback nacos_token_text

static nacos_status nacosauth_token_start(nacos_auth *auth, uint32_t timeout_ms, nacos_queue *queue, uintptr_t number,
		nacos_operation **operation, nacos_error **error) {
	nacos_call_options options = nacos_call_options_default();
	options.timeout_ms = timeout_ms;
	nacos_start_options start = nacos_start_options_default();
	start.queue = queue;
	start.data = (void *)number;
	return nacos_token_start(auth, &options, &start, operation, error);
}
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
// the context allows, and not for requests of this client, however many are under way. When the machine has been suspended, a token that has ended meanwhile may still be returned until the
// library has noticed, which takes milliseconds; TokenInfo never calls such a one good.
func (c *Client) Token(ctx context.Context) (string, error) {
	if c != nil {
		// The use of c below keeps the word alive while it is read.
		if t := c.cached.Load(); t != nil && t.generation == atomic.LoadUint64(c.word) {
			return t.value, nil
		}
	}
	return c.fetchToken(ctx)
}

// TryToken is [Client.Token] that waits for nothing: without a token that may be used at once it fails with [ErrWouldBlock],
// and a login begins in the background if one is due. Where a login has just failed, it fails with the error of that one.
func (c *Client) TryToken() (string, error) {
	if err := c.usable(); err != nil {
		return "", err
	}
	if t := c.current(); t != noToken {
		return t.value, nil
	}
	k := &call{client: c, ctx: context.Background()} // without a turn, for which it would wait
	info, err := k.tokenHere(C.NACOS_FLAG_NO_WAIT)
	if err != nil {
		return "", err
	}
	return c.keep(info).value, nil
}

func (c *Client) fetchToken(ctx context.Context) (string, error) {
	if err := c.usableWith(ctx); err != nil {
		return "", err
	}
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
	if err := c.usableWith(ctx); err != nil {
		return TokenInfo{}, err
	}
	k, err := c.begin(ctx, c.tokens, 0, false)
	if err != nil {
		return TokenInfo{}, err
	}
	defer k.end()
	return k.token()
}

// fetch asks the library and caches the answer. Of many goroutines that come at once, those that had to wait for their
// turn find the answer of the others.
func (c *Client) fetch(ctx context.Context) (*cachedToken, error) {
	k, err := c.begin(ctx, c.tokens, 0, false)
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
	return c.keep(info), nil
}

// keep caches what the library has said.
func (c *Client) keep(info TokenInfo) *cachedToken {
	t := &cachedToken{info.Generation, info.Token}
	c.cached.Store(t)
	return t
}

// token waits for the token as a goroutine, unless there is one.
func (k *call) token() (TokenInfo, error) {
	if atomic.LoadUint64(k.client.word) != 0 {
		if info, err := k.tokenHere(C.NACOS_FLAG_NO_WAIT); err == nil {
			return info, nil
		}
	}
	o, err := newOperation()
	if err != nil {
		return k.tokenWithThread()
	}
	defer o.release()
	crossings.take()
	status := C.nacosauth_token_start(k.client.native.handle, k.timeout, o.queue.native, o.number, &o.native, &o.ended.error)
	crossings.giveBack()
	switch status {
	case C.NACOS_OK:
	case C.NACOS_INTERNAL: // it has no thread for operations
		return k.tokenWithThread()
	default:
		return TokenInfo{}, k.fail(status, o.failure())
	}
	o.wait(k)
	runtime.KeepAlive(k.client)
	if o.ended.status != C.NACOS_OK {
		return TokenInfo{}, k.fail(o.ended.status, o.failure())
	}
	info := C.nacos_token_info{struct_size: C.sizeof_nacos_token_info}
	if status := C.nacos_token_describe(o.ended.token, &info, nil); status != C.NACOS_OK {
		return TokenInfo{}, new(failure).error(status)
	}
	return k.client.infoOf(C.GoStringN(C.nacos_token_text(o.ended.token), C.int(info.length)), &info), nil
}

// tokenWithThread waits with this thread.
func (k *call) tokenWithThread() (TokenInfo, error) {
	if err := k.takeThread(); err != nil {
		return TokenInfo{}, err
	}
	k.watch()
	return k.tokenHere(0)
}

func (c *Client) infoOf(value string, info *C.nacos_token_info) TokenInfo {
	c.issued.add(value)
	return TokenInfo{
		Token:      value,
		Generation: uint64(info.generation),
		Remaining:  signedMilliseconds(int64(info.remaining_ms)),
		Expired:    info.expired != 0,
	}
}

// tokenHere asks on this thread.
func (k *call) tokenHere(flags C.uint32_t) (TokenInfo, error) {
	var array [1024]byte // most tokens; the others need a second call
	buffer := array[:]
	defer func() { clear(buffer) }()
	options := C.nacos_call_options{
		struct_size: C.sizeof_nacos_call_options, cancel: k.cancel, timeout_ms: k.timeout, flags: flags}
	for {
		info := C.nacos_token_info{struct_size: C.sizeof_nacos_token_info}
		var detail failure
		status := C.nacos_get_token(k.client.native.handle, &options, (*C.char)(unsafe.Pointer(unsafe.SliceData(buffer))),
			C.size_t(len(buffer)), &info, &detail.detail)
		runtime.KeepAlive(k.client)
		switch status {
		case C.NACOS_OK:
			return k.client.infoOf(string(buffer[:info.length]), &info), nil
		case C.NACOS_BUFFER_TOO_SMALL:
			detail.release()
			clear(buffer)
			buffer = make([]byte, info.length+1)
		default:
			return TokenInfo{}, k.fail(status, &detail)
		}
	}
}

// Rejection is an answer to a request that was sent by an HTTP stack of one's own, with a token of the client.
type Rejection struct {
	Generation    uint64 // of the token, see TokenInfo
	StatusCode    int    // of the answer
	Body          []byte // its first 4 KiB are enough
	RefusedBefore int    // how often this request has been refused the same token before

	// Server is the one that answered, as it is written in [Options.ServerAddr], or any URL of it. With it a token is judged
	// server by server, and one that is only too new for a server gets its time; without it any refusal ends the token.
	Server     string
	RetryAfter string // the value of that header
}

// Advice is what to do with an answer.
type Advice int32

const (
	AdviceReturn             Advice = C.NACOS_ADVICE_RETURN               // hand the answer on as it is
	AdviceReplay             Advice = C.NACOS_ADVICE_REPLAY               // get the token again and send the request once more
	AdviceReplayIfIdempotent Advice = C.NACOS_ADVICE_REPLAY_IF_IDEMPOTENT // the same, but only if sending it twice does no harm
)

// Advised is what to do with an answer, and when.
type Advised struct {
	Advice Advice
	Wait   time.Duration // before that; with AdviceReturn, how long the server asks to be left alone
}

// ReportRejected tells the library what a server answered to a request with a token of this client, and returns what to do.
// An answer that refuses nothing gives AdviceReturn, and tells the library that the token is good. It never waits: the login
// happens in the next call that needs the token. Repeat a request at most twice for each token, and as often as Wait says.
// [Transport] does this by itself; it is for programs that put the token on requests in another way.
func (c *Client) ReportRejected(r Rejection) (Advised, error) {
	if err := c.usable(); err != nil {
		return Advised{}, err
	}
	if r.RefusedBefore < 0 {
		return Advised{}, invalid("RefusedBefore is negative")
	}
	m := newMemory(len(r.Server) + len(r.RetryAfter) + 2)
	defer m.release()
	in := C.nacos_rejection{
		struct_size:    C.sizeof_nacos_rejection,
		generation:     C.uint64_t(r.Generation),
		http_status:    C.int32_t(min(max(r.StatusCode, -1), math.MaxInt32)),
		refused_before: C.uint32_t(min(r.RefusedBefore, math.MaxInt32)),
		server:         m.optional("server", r.Server),
		retry_after:    m.optional("retry_after", r.RetryAfter),
	}
	in.body, in.body_len = m.body(r.Body)
	if m.err != nil {
		return Advised{}, m.err
	}
	advice := C.nacos_advice{struct_size: C.sizeof_nacos_advice}
	var detail failure
	status := C.nacos_auth_report_rejected(c.native.handle, &in, &advice, &detail.detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return Advised{}, detail.error(status)
	}
	return Advised{Advice(advice.advice), milliseconds(uint64(advice.wait_ms))}, nil
}
