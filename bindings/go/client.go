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
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

const defaultRequestTimeout = 15 * time.Second

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

	// OnEvent is told what happens to the token. Events come one at a time.
	OnEvent func(Event) `json:"-"`
	// Logger gets the same as lines of a log.
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

	Proxy string // "http://[user:password@]host:port", socks5 and the like too; "" means none: the environment is not read

	ConnectTimeout time.Duration // 0 means 2 s; rounded up to milliseconds
	RequestTimeout time.Duration // 0 means 15 s: the limit of a call whose context has no deadline
	TokenIn        TokenIn       // where the token goes
	Anonymous      Anonymous     // whether requests may be sent without one

	// MaxConnections is how many connections to the cluster [Client.Do] may use at the same time; a call beyond that waits
	// for one, within its deadline. 0 means 128.
	MaxConnections int

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
// [Client.Close], and from inside the functions in [Options]. Those run on other goroutines, OnEvent and Logger also inside
// Close, for what is still to be told. The memory on the C side is released when the Client is garbage collected; a client
// with such functions has to be closed for that.
type Client struct {
	cached atomic.Pointer[cachedToken]
	word   *uint64 // C memory: the generation of the token that may be used without asking
	handle *C.nacos_auth
	open   context.Context // of Options.Credentials
	stop   context.CancelFunc

	calls          chan struct{} // one element for each call inside the library
	requestTimeout time.Duration
	tokenIn        TokenIn
	accepted       atomic.Uint64 // the last generation that a server took from a Transport
}

// New makes a client. It checks the options and the files they name, and does not connect: the first call that needs a
// token logs in.
func New(options Options) (*Client, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	if options.ConnectTimeout < 0 || options.RequestTimeout < 0 {
		return nil, invalidOption("ConnectTimeout or RequestTimeout: a timeout is negative")
	}
	if options.MaxConnections < 0 || uint64(options.MaxConnections) > math.MaxUint32 {
		return nil, invalidOption("MaxConnections is negative or too large")
	}
	if options.MaxResponseSize < 0 {
		return nil, invalidOption("MaxResponseSize is negative")
	}
	if options.RequestTimeout == 0 {
		options.RequestTimeout = defaultRequestTimeout
	}
	strings := []string{options.ServerAddr, options.ContextPath, options.Username, options.Password, options.PasswordFile,
		options.Token, options.CAFile, options.ClientCertFile, options.ClientKeyFile, options.TLSServerName, options.Proxy,
		options.UserAgent}
	pems := [][]byte{options.CAPEM, options.ClientCertPEM, options.ClientKeyPEM}
	size := len(strings) + len(pems)
	for _, s := range strings {
		size += len(s)
	}
	for _, pem := range pems {
		size += len(pem)
	}
	m := newMemory(size, 0)
	defer m.release()
	in := C.nacos_auth_options{
		struct_size:        C.sizeof_nacos_auth_options,
		server_addr:        m.string("server_addr", options.ServerAddr),
		context_path:       m.optional("context_path", options.ContextPath),
		password_file:      m.optional("password_file", options.PasswordFile),
		token:              m.optional("token", options.Token),
		ca_file:            m.optional("ca_file", options.CAFile),
		client_cert_file:   m.optional("client_cert_file", options.ClientCertFile),
		client_key_file:    m.optional("client_key_file", options.ClientKeyFile),
		ca_pem:             m.pem("ca_pem", options.CAPEM),
		client_cert_pem:    m.pem("client_cert_pem", options.ClientCertPEM),
		client_key_pem:     m.pem("client_key_pem", options.ClientKeyPEM),
		tls_server_name:    m.optional("tls_server_name", options.TLSServerName),
		proxy:              m.optional("proxy", options.Proxy),
		user_agent:         m.optional("user_agent", options.UserAgent),
		max_response_size:  C.uint64_t(options.MaxResponseSize),
		request_timeout_ms: timeoutMS(options.RequestTimeout),
		token_in:           C.int32_t(options.TokenIn),
		anonymous:          C.int32_t(options.Anonymous),
		max_connections:    C.uint32_t(options.MaxConnections),
	}
	// What is required goes as it is, for an error that says what is wrong with it.
	logsIn := options.Token == "" && options.Credentials == nil
	if logsIn || options.Username != "" {
		in.username = m.string("username", options.Username)
	}
	if logsIn && options.PasswordFile == "" || options.Password != "" {
		in.password = m.string("password", options.Password)
	}
	if options.ConnectTimeout > 0 {
		in.connect_timeout_ms = timeoutMS(options.ConnectTimeout)
	}
	if m.err != nil {
		return nil, m.err
	}
	open, stop := context.WithCancel(context.Background())
	functions := &callbacks{open, options.Credentials, options.OnEvent, options.Logger}
	data := functions.install(&in)
	var handle *C.nacos_auth
	var detail *C.nacos_error
	if status := C.nacos_auth_init(&in, &handle, &detail); status != C.NACOS_OK {
		stop()
		if data != 0 {
			data.Delete()
		}
		return nil, newError(status, detail)
	}
	c := &Client{
		word:           (*uint64)(unsafe.Pointer(C.nacos_auth_generation_pointer(handle))),
		handle:         handle,
		open:           open,
		stop:           stop,
		calls:          make(chan struct{}, maxCalls),
		requestTimeout: options.RequestTimeout,
		tokenIn:        options.TokenIn,
	}
	c.cached.Store(noToken)
	// Freeing is left to the collector, and only to it: it alone knows when no goroutine can be reading the word.
	// Every method therefore ends with KeepAlive. Freeing waits for a function in the options that still runs.
	runtime.AddCleanup(c, func(handle *C.nacos_auth) { stop(); go C.nacos_auth_free(handle) }, handle)
	return c, nil
}

// Close ends the client: calls in flight and calls to come fail with [ErrClosed], within 100 ms. It does not wait for
// them. It calls OnEvent and Logger for what is still to be told, and waits for a function in [Options] that is running, but
// not longer than [Options.RequestTimeout]: then it returns [ErrTimeout], and the client is closed all the same. None of
// these functions begins after Close has returned nil. Called from inside one of them it waits for nothing. It may be called
// more than once.
func (c *Client) Close() error {
	ctx, stop := context.WithTimeout(context.Background(), c.requestTimeout)
	defer stop()
	return c.CloseContext(ctx)
}

// closeStep is how late CloseContext may notice that its context was cancelled.
const closeStep = 50 * time.Millisecond

// CloseContext is [Client.Close] with a limit of its own: it waits for a function in [Options] as long as the context allows.
// The client is closed, whatever it returns.
func (c *Client) CloseContext(ctx context.Context) error {
	c.stop()
	c.cached.Store(noToken)
	defer runtime.KeepAlive(c)
	for {
		step := closeStep
		if deadline, limited := ctx.Deadline(); limited {
			step = min(step, time.Until(deadline))
		}
		// On this thread, by which the library knows a call from inside one of its callbacks. Not marked nocallback, and
		// nacos_auth_free neither: they let go of the callbacks, which is one.
		var detail *C.nacos_error
		status := C.nacos_auth_close(c.handle, timeoutMS(step), &detail)
		if status == C.NACOS_OK {
			return nil
		}
		err := newError(status, detail)
		if err.Status != ErrTimeout {
			return err
		}
		if ctx.Err() != nil {
			late := contextError(ctx)
			late.Message = "the client is closed, but one of the functions in its options still runs"
			return late
		}
	}
}

// Retry ends whatever pause there is between logins, and takes no server for one that is down: for a program that knows that
// what was wrong has been mended. It does not wait; calls that wait for a token log in at once. Between two logins there is
// still a second at the least.
func (c *Client) Retry() error {
	var detail *C.nacos_error
	status := C.nacos_auth_retry(c.handle, &detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return newError(status, detail)
	}
	return nil
}

// SetCredentials replaces the user and the password. The next call that wants a token logs in, and calls that wait for one go
// over to these at once. Of the same user, the current token is used until a login has brought another; of another user, it
// is not used any more. Former refusals count no longer, also if the values are the same.
func (c *Client) SetCredentials(username, password string) error {
	m := newMemory(len(username)+len(password)+2, 0)
	defer m.release()
	user, secret := m.string("username", username), m.string("password", password)
	if m.err != nil {
		return m.err
	}
	var detail *C.nacos_error
	status := C.nacos_auth_set_credentials(c.handle, user, secret, &detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return newError(status, detail)
	}
	return nil
}

// SetToken makes the client use a token that somebody else got, for the time given (0: until a server refuses it), and log
// in no more. After its time the token is given out as expired.
func (c *Client) SetToken(token string, ttl time.Duration) error {
	life, err := lifeMS(ttl)
	if err != nil {
		return err
	}
	m := newMemory(len(token)+1, 0)
	defer m.release()
	value := m.string("token", token)
	if m.err != nil {
		return m.err
	}
	var detail *C.nacos_error
	status := C.nacos_auth_set_token(c.handle, value, life, &detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return newError(status, detail)
	}
	return nil
}

// lifeMS rounds up: 0 means "unknown" in C.
func lifeMS(ttl time.Duration) (C.uint64_t, error) {
	if ttl < 0 {
		return 0, invalid("the life of the token is negative")
	}
	return C.uint64_t((ttl + time.Millisecond - 1) / time.Millisecond), nil
}
