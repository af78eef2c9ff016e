package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_auth_init
#cgo nocallback nacos_auth_init
#cgo noescape nacos_auth_generation_pointer
#cgo nocallback nacos_auth_generation_pointer
#cgo noescape nacos_auth_set_credentials
#cgo nocallback nacos_auth_set_credentials
#cgo noescape nacos_auth_set_token
#cgo nocallback nacos_auth_set_token
#cgo noescape nacos_auth_retry
#cgo nocallback nacos_auth_retry
*/
import "C"

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

const defaultRequestTimeout = 15 * time.Second // the library's

// TokenIn is where the token goes on a request.
type TokenIn int32

const (
	// TokenInAuto is TokenInAuthorization, and TokenInQuery at a server that takes the token only there: r-nacos up to 0.8.5.
	// A [Transport] always sends it as TokenInAuthorization does.
	TokenInAuto          TokenIn = C.NACOS_TOKEN_IN_AUTO
	TokenInAuthorization TokenIn = C.NACOS_TOKEN_IN_AUTHORIZATION // Authorization: Bearer <token>, understood by every Nacos
	TokenInHeader        TokenIn = C.NACOS_TOKEN_IN_HEADER        // accessToken: <token>, from Nacos 2.1 on
	TokenInQuery         TokenIn = C.NACOS_TOKEN_IN_QUERY         // ?accessToken=<token>, which access logs keep: the last resort
)

// Anonymous is whether requests may be sent without a token.
type Anonymous int32

const (
	// AnonymousAuto lets them where no login has ever succeeded and a Nacos has shown that it asks nobody for a token.
	AnonymousAuto  Anonymous = C.NACOS_ANONYMOUS_AUTO
	AnonymousNever Anonymous = C.NACOS_ANONYMOUS_NEVER // a request without a login fails with the login's error
)

// Options configure a [Client]. Required are ServerAddr and one way to get a token: Username with Password or PasswordFile,
// or Token, or Credentials. The zero value of everything else is a good default.
//
// JSON has no field that may hold a secret (Password, Token, ClientKeyPEM, Proxy), neither written nor read.
type Options struct {
	ServerAddr string // "10.0.0.1:8848,https://b:443"

	Username     string
	Password     string `json:"-"`
	PasswordFile string // read for each login, again when one is refused, and every 15 s as long as what it holds is refused

	// Token is one that somebody else got. Nothing logs in; when a server refuses it, calls fail with ErrBadCredentials
	// until SetToken brings another.
	Token string `json:"-"`

	// Credentials is asked for each login, again when what it gave is refused, and every 15 s as long as it is. An error
	// fails the login with ErrNoCredentials and the error's text. The context ends after 30 s and with Close.
	Credentials func(context.Context) (Credentials, error) `json:"-"`

	// OnEvent is told what happens to the token. Events come one at a time, each in a goroutine of its own.
	OnEvent func(Event) `json:"-"`
	// Logger gets the same as lines of a log, and what a [Transport] has to say.
	Logger *slog.Logger `json:"-"`

	ContextPath string // "" means "/nacos", "/" means none
	UserAgent   string // "" means "nacos-auth/" and the library's version

	// CAFile has the authorities to trust instead of the system's, ClientCertFile and ClientKeyFile who we are, for servers
	// that ask. They are read by New, and again when a connection is made. The PEM itself may be given instead.
	CAFile         string
	CAPEM          []byte
	ClientCertFile string
	ClientCertPEM  []byte
	ClientKeyFile  string
	ClientKeyPEM   []byte `json:"-"`

	// TLSServerName is the name that is asked for in TLS, and that certificates have to be for, instead of the server's
	// host: for servers that are reached by address. Not together with Proxy.
	TLSServerName string

	Proxy string `json:"-"` // "http://[user:password@]host:port", socks5 and the like too; "" means none: the environment is not read

	// Both are rounded up to milliseconds, a day at the most; negative ones are refused.
	ConnectTimeout time.Duration // 0 means 2 s
	RequestTimeout time.Duration // 0 means 15 s: the limit of a call whose context has no deadline

	TokenIn   TokenIn   // where the token goes
	Anonymous Anonymous // whether requests may be sent without one

	// MaxConnections is how many connections to the cluster [Client.Do] may use at the same time; a call beyond that waits
	// for one, within its deadline. 0 means 128.
	MaxConnections int

	// MaxOperations is how many calls of [Client.Do] may be under way at the same time, those that wait for a connection too; a call
	// beyond that waits for its turn, within its deadline. 0 means 16384.
	MaxOperations int

	// MaxResponseSize is the largest answer that Do takes, in bytes, decoded; beyond it the call fails with [ErrTooLarge]. The
	// body of a refusal (status 400 and up) is cut at 64 KiB in any case. 0 means 64 MiB.
	MaxResponseSize int64
}

// Format prints the options without the password, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	io.WriteString(f, fmt.Sprintf("nacosauth.Options{ServerAddr:%q, Username:%q, PasswordFile:%q, ContextPath:%q}",
		o.ServerAddr, o.Username, o.PasswordFile, o.ContextPath))
}

// Client keeps a program authenticated. All methods may be called from any goroutine, also at the same time as
// [Client.Close], and from inside the functions in [Options]. Those run on goroutines of their own. The memory on the C side is
// released when the Client is garbage collected. A client with such functions lives until it is closed, also if the program
// holds it no longer. A nil Client, and one that [New] has not made, fail with [ErrInvalidArgument].
type Client struct {
	cached atomic.Pointer[cachedToken]
	word   *uint64 // C memory, as long as native: the generation of the token that may be used without asking
	native *native
	open   context.Context // of Options.Credentials
	stop   context.CancelFunc

	requests, tokens turns
	requestTimeout   time.Duration
	tokenIn          TokenIn
	serverAddr       string
	servers          servers
	logger           *slog.Logger
	issued           *issued       // for requests that must not carry them; behind a pointer package fmt does not print them
	accepted         atomic.Uint64 // the last generation that a server took from a Transport
	warned           warned        // of requests to foreign hosts
}

// Format prints the servers and the number of the token, whatever the verb; the token itself is not shown.
func (c *Client) Format(f fmt.State, _ rune) {
	if c == nil {
		io.WriteString(f, "nacosauth.Client(nil)")
		return
	}
	var generation uint64
	if c.word != nil {
		generation = atomic.LoadUint64(c.word)
	}
	io.WriteString(f, fmt.Sprintf("nacosauth.Client{ServerAddr:%q, Generation:%d}", c.serverAddr, generation))
	runtime.KeepAlive(c)
}

// native owns the handle. It is there before the call that makes the handle.
type native struct {
	handle *C.nacos_auth
	leaves sync.Once
}

// leave is the end of the client as a user of the queue.
func (n *native) leave() { n.leaves.Do(leave) }

// release frees the handle, for which it waits for nothing: a function in the options may still run. It may run in the
// goroutine of the garbage collector.
func (n *native) release() {
	if n.handle != nil {
		n.leave()
		go C.nacos_auth_free(n.handle)
	}
}

// living holds the clients with functions until they are closed: nobody else may.
var living sync.Map

// usable is for clients that New has not made.
func (c *Client) usable() error {
	if c == nil || c.native == nil {
		return invalid("the Client is nil, or was not made by New")
	}
	return nil
}

func (c *Client) usableWith(ctx context.Context) error {
	if ctx == nil {
		return invalid("the context is nil")
	}
	return c.usable()
}

// New makes a client. It checks the options and the files they name, and does not connect: the first call that needs a
// token logs in.
func New(options Options) (*Client, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	m, in, err := options.lend()
	if err != nil {
		return nil, err
	}
	defer m.release()
	open, stop := context.WithCancel(context.Background())
	c := &Client{
		native:         &native{},
		open:           open,
		stop:           stop,
		requests:       make(turns, cmp.Or(options.MaxOperations, defaultMaxRequests)),
		tokens:         make(turns, maxTokens),
		requestTimeout: cmp.Or(options.RequestTimeout, defaultRequestTimeout),
		tokenIn:        options.TokenIn,
		serverAddr:     options.ServerAddr,
		servers:        serversOf(options.ServerAddr),
		issued:         &issued{},
		logger:         options.Logger,
	}
	c.cached.Store(noToken)
	// Freeing is left to the collector, and only to it: it alone knows when no goroutine can be reading the word.
	// Every method therefore ends with KeepAlive.
	runtime.AddCleanup(c, (*native).release, c.native)
	functions := &callbacks{open, options.Credentials, options.OnEvent, options.Logger}
	data := functions.install(&in)
	var detail failure
	if status := C.nacos_auth_init(&in, &c.native.handle, &detail.detail); status != C.NACOS_OK {
		stop()
		if data != 0 {
			data.Delete()
		}
		return nil, detail.error(status)
	}
	join()
	c.word = (*uint64)(unsafe.Pointer(C.nacos_auth_generation_pointer(c.native.handle)))
	if data != 0 {
		living.Store(c, nil)
	}
	return c, nil
}

// Close ends the client: calls in flight and calls to come fail with [ErrClosed], within 100 ms. It does not wait for
// them. It calls OnEvent and Logger for what is still to be told, and waits for a function in [Options] that is running, but
// not longer than [Options.RequestTimeout]: then it returns [ErrTimeout], and the client is closed all the same. None of
// these functions begins after Close has returned nil. Called from inside one of them, of whatever client, it waits for
// nothing. It may be called more than once.
func (c *Client) Close() error {
	if err := c.usable(); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), c.requestTimeout)
	defer stop()
	err := c.CloseContext(ctx)
	if late, ok := err.(*Error); ok {
		late.ended, late.reason = nil, nil // the bound is the client's own
	}
	return err
}

// closeStep is how late CloseContext may notice that its context was cancelled.
const closeStep = 50 * time.Millisecond

// CloseContext is [Client.Close] with a limit of its own: it waits for a function in [Options] as long as the context allows.
// The client is closed, whatever it returns.
func (c *Client) CloseContext(ctx context.Context) error {
	if err := c.usableWith(ctx); err != nil {
		return err
	}
	c.stop()
	c.cached.Store(noToken)
	defer c.native.leave()
	defer living.Delete(c)
	if insideFunction() {
		var err error
		onCallbackThread(func() { err = c.closeWithin(0).orNil() })
		return err
	}
	for {
		step := closeStep
		if deadline, limited := ctx.Deadline(); limited {
			step = min(step, time.Until(deadline))
		}
		err := c.closeWithin(step)
		if err == nil || err.Status != ErrTimeout {
			return err.orNil()
		}
		if ctx.Err() != nil {
			late := contextError(ctx)
			late.Message = "the client is closed, but one of the functions in its options still runs"
			return late
		}
	}
}

// closeWithin is not marked nocallback, and release neither: they let go of the callbacks, which is one.
func (c *Client) closeWithin(bound time.Duration) *Error {
	var detail failure
	status := C.nacos_auth_close(c.native.handle, timeoutMS(bound), &detail.detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return detail.error(status)
	}
	return nil
}

// Retry ends whatever pause there is between logins, and takes no server for one that is down: for a program that knows that
// what was wrong has been mended. It does not wait; calls that wait for a token log in at once. Between two logins there is
// still a second at the least.
func (c *Client) Retry() error {
	if err := c.usable(); err != nil {
		return err
	}
	var detail failure
	status := C.nacos_auth_retry(c.native.handle, &detail.detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return detail.error(status)
	}
	return nil
}

// SetCredentials replaces the user and the password. The next call that wants a token logs in, and calls that wait for one go
// over to these at once. Of the same user, the current token is used until a login has brought another; of another user, it
// is not used any more. Former refusals count no longer, also if the values are the same.
func (c *Client) SetCredentials(username, password string) error {
	if err := c.usable(); err != nil {
		return err
	}
	m := newMemory(len(username) + len(password) + 2)
	defer m.release()
	user, secret := m.string("username", username), m.string("password", password)
	if m.err != nil {
		return m.err
	}
	var detail failure
	status := C.nacos_auth_set_credentials(c.native.handle, user, secret, &detail.detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return detail.error(status)
	}
	return nil
}

// SetToken makes the client use a token that somebody else got, for the time given (0 and math.MaxInt64: until a server refuses
// it), and log in no more. After its time the token is given out as expired.
func (c *Client) SetToken(token string, ttl time.Duration) error {
	if err := c.usable(); err != nil {
		return err
	}
	life, err := lifeMS(ttl)
	if err != nil {
		return err
	}
	if ttl == math.MaxInt64 { // for ever
		life = 0
	}
	m := newMemory(len(token) + 1)
	defer m.release()
	value := m.string("token", token)
	if m.err != nil {
		return m.err
	}
	var detail failure
	status := C.nacos_auth_set_token(c.native.handle, value, life, &detail.detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return detail.error(status)
	}
	return nil
}
