package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_auth_init
#cgo nocallback nacos_auth_init
#cgo noescape nacos_auth_generation
#cgo nocallback nacos_auth_generation
#cgo noescape nacos_auth_set_credentials
#cgo nocallback nacos_auth_set_credentials
#cgo noescape nacos_auth_close
#cgo nocallback nacos_auth_close
#cgo noescape nacos_auth_free
#cgo nocallback nacos_auth_free
*/
import "C"

import (
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

const defaultRequestTimeout = 15 * time.Second

// Carriage is how a token travels on a request.
type Carriage int32

const (
	CarriageBearer Carriage = C.NACOS_CARRIAGE_BEARER // Authorization: Bearer <token>, understood by every Nacos
	CarriageHeader Carriage = C.NACOS_CARRIAGE_HEADER // accessToken: <token>, from Nacos 2.1 on
	CarriageQuery  Carriage = C.NACOS_CARRIAGE_QUERY  // ?accessToken=<token>, which access logs keep: the last resort
)

// Options configure a [Client]. The zero value of each field but the first three is a good default.
type Options struct {
	ServerAddr string // "10.0.0.1:8848,https://b:443"; required
	Username   string // required
	Password   string `json:"-"` // required

	ContextPath string // "" means "/nacos", "/" means none

	CAFile         string // PEM; replaces the system's roots
	ClientCertFile string // PEM, for mutual TLS, together with ClientKeyFile
	ClientKeyFile  string
	Proxy          string // "" means none: the environment is not read

	ConnectTimeout time.Duration // 0 means 2 s; rounded up to milliseconds
	RequestTimeout time.Duration // 0 means 15 s: the limit of a call whose context has no deadline
	Carriage       Carriage      // how the token travels
}

// Format prints the options without the password, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	io.WriteString(f, fmt.Sprintf("nacosauth.Options{ServerAddr:%q, Username:%q, ContextPath:%q}",
		o.ServerAddr, o.Username, o.ContextPath))
}

// Client keeps a program authenticated. All methods may be called from any goroutine, also at the same time as
// [Client.Close]. The memory on the C side is released when the Client is garbage collected.
type Client struct {
	cached atomic.Pointer[cachedToken]
	word   *uint64 // C memory: the generation of the token that may be used without asking
	handle *C.nacos_auth

	calls          chan struct{} // one element for each call inside the library
	requestTimeout time.Duration
	carriage       Carriage
	accepted       atomic.Uint64 // the last generation that a server took from a Transport
}

// New makes a client. It checks the options and the files they name, and does not connect: the first call that needs a
// token logs in.
func New(options Options) (*Client, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	if options.ConnectTimeout < 0 || options.RequestTimeout < 0 {
		return nil, &Error{Status: ErrInvalidConfig, Message: "a timeout is negative"}
	}
	if options.RequestTimeout == 0 {
		options.RequestTimeout = defaultRequestTimeout
	}
	strings := []string{options.ServerAddr, options.ContextPath, options.Username, options.Password,
		options.CAFile, options.ClientCertFile, options.ClientKeyFile, options.Proxy}
	size := len(strings)
	for _, s := range strings {
		size += len(s)
	}
	m := newMemory(size, 0)
	defer m.release()
	in := C.nacos_auth_options{
		struct_size:        C.sizeof_nacos_auth_options,
		server_addr:        m.string(options.ServerAddr),
		context_path:       m.optional(options.ContextPath),
		username:           m.string(options.Username),
		password:           m.string(options.Password),
		ca_file:            m.optional(options.CAFile),
		client_cert_file:   m.optional(options.ClientCertFile),
		client_key_file:    m.optional(options.ClientKeyFile),
		proxy:              m.optional(options.Proxy),
		request_timeout_ms: timeoutMS(options.RequestTimeout),
		carriage:           C.int32_t(options.Carriage),
	}
	if options.ConnectTimeout > 0 {
		in.connect_timeout_ms = timeoutMS(options.ConnectTimeout)
	}
	if m.err != nil {
		return nil, m.err
	}
	var handle *C.nacos_auth
	var detail *C.nacos_error
	if status := C.nacos_auth_init(&in, &handle, &detail); status != C.NACOS_OK {
		return nil, newError(status, detail)
	}
	c := &Client{
		word:           (*uint64)(unsafe.Pointer(C.nacos_auth_generation(handle))),
		handle:         handle,
		calls:          make(chan struct{}, maxCalls),
		requestTimeout: options.RequestTimeout,
		carriage:       options.Carriage,
	}
	c.cached.Store(noToken)
	// Freeing is left to the collector, and only to it: it alone knows when no goroutine can be reading the word.
	// Every method therefore ends with KeepAlive.
	runtime.AddCleanup(c, func(handle *C.nacos_auth) { C.nacos_auth_free(handle) }, handle)
	return c, nil
}

// Close ends the client: calls in flight and calls to come fail with [ErrClosed], within 100 ms. It does not wait for
// them and may be called more than once.
func (c *Client) Close() {
	C.nacos_auth_close(c.handle)
	c.cached.Store(noToken)
	runtime.KeepAlive(c)
}

// SetCredentials replaces the user and the password. The current token is given up, the next call logs in anew.
func (c *Client) SetCredentials(username, password string) error {
	m := newMemory(len(username)+len(password)+2, 0)
	defer m.release()
	user, secret := m.string(username), m.string(password)
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
