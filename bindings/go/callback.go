package nacosauth

/*
#include <nacos_auth.h>

extern void nacosauth_set_callbacks(nacos_auth_options *options, uintptr_t data, int credentials, int event);

// Not noescape: it puts a number in the place of a pointer, which may lie on the heap, and ends the program where it lies on a stack
// that grows.
#cgo nocallback nacosauth_set_callbacks
#cgo noescape nacos_credentials_set_password
#cgo nocallback nacos_credentials_set_password
#cgo noescape nacos_credentials_set_token
#cgo nocallback nacos_credentials_set_token
#cgo noescape nacos_credentials_set_failure
#cgo nocallback nacos_credentials_set_failure
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/cgo"
	"strings"
	"time"
)

// longestSupply is how long a login waits for its credentials.
const longestSupply = 30 * time.Second

// Credentials are what [Options.Credentials] returns: a user and a password, or a token that somebody else got.
type Credentials struct {
	Username string
	Password string `json:"-"`

	Token string        `json:"-"` // instead of the two above
	TTL   time.Duration // how long the token is good from now on; 0: unknown, the function is asked again after some minutes
}

// Format prints the credentials without the secrets, whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) {
	io.WriteString(f, fmt.Sprintf("nacosauth.Credentials{Username:%q, TTL:%s}", c.Username, c.TTL))
}

// EventKind is what an [Event] is about. More kinds may come.
type EventKind int32

const (
	EventLoginStarted   EventKind = C.NACOS_EVENT_LOGIN_STARTED   // a login begins
	EventTokenRefreshed EventKind = C.NACOS_EVENT_TOKEN_REFRESHED // a login brought a token
	EventLoginFailed    EventKind = C.NACOS_EVENT_LOGIN_FAILED    // a login failed, another one comes later
	EventRecovered      EventKind = C.NACOS_EVENT_RECOVERED       // a login succeeded after some that failed
	EventTokenRejected  EventKind = C.NACOS_EVENT_TOKEN_REJECTED  // a server refused the token
	EventServerDown     EventKind = C.NACOS_EVENT_SERVER_DOWN     // a server cannot be reached, others come first for a while

	// EventCredentialsRejected: the credentials were refused twice, logins are minutes apart until others are set.
	EventCredentialsRejected EventKind = C.NACOS_EVENT_CREDENTIALS_REJECTED

	EventServersDisagree  EventKind = C.NACOS_EVENT_SERVERS_DISAGREE   // nodes have different secrets
	EventTokenInQuery     EventKind = C.NACOS_EVENT_TOKEN_IN_QUERY     // a server takes the token only there
	EventSentWithoutToken EventKind = C.NACOS_EVENT_SENT_WITHOUT_TOKEN // a request was sent without a token
	EventPermissionDenied EventKind = C.NACOS_EVENT_PERMISSION_DENIED  // the user may not do this; told once a minute at the most
)

// Event is something that has happened to the token of a client. It holds no password, token or query.
type Event struct {
	Kind       EventKind
	Level      slog.Level    // how much it matters
	Generation uint64        // of the token it is about; 0: none
	Status     Status        // why a login failed; 0: nothing failed
	HTTPStatus int           // of the answer behind that; 0: there was none
	RetryAfter time.Duration // until the next login after one that failed
	Server     string        // the one it is about, as "host:port"; "" if it is about none, or about all of them
	Cause      Cause         // why; "" for what is no trouble
	Message    string        // the same in words
}

// callbacks are the functions of one client. The library holds them by a handle, until the client is closed.
type callbacks struct {
	open        context.Context // until the client is closed
	credentials func(context.Context) (Credentials, error)
	event       func(Event)
	logger      *slog.Logger
}

// install makes the library call the functions. The handle, 0 if there are none, is the library's once it has taken them.
func (k *callbacks) install(options *C.nacos_auth_options) cgo.Handle {
	tells := k.event != nil || k.logger != nil
	if k.credentials == nil && !tells {
		return 0
	}
	flag := func(b bool) (n C.int) {
		if b {
			n = 1
		}
		return n
	}
	handle := cgo.NewHandle(k)
	C.nacosauth_set_callbacks(options, C.uintptr_t(handle), flag(k.credentials != nil), flag(tells))
	return handle
}

func (k *callbacks) supply() (supplied Credentials, err error) {
	ctx, cancel := context.WithTimeout(k.open, longestSupply)
	defer cancel()
	failed := k.call("Options.Credentials", func() {
		if supplied, err = k.credentials(ctx); err != nil {
			err = errors.New(err.Error()) // which is the user's as well
		}
	})
	if failed != nil {
		return Credentials{}, failed
	}
	return supplied, err
}

func (k *callbacks) tell(event Event) {
	if k.logger != nil {
		_ = callFunction(func() { k.log(event) }) // there is nobody left to be told
	}
	if k.event != nil {
		_ = k.call("Options.OnEvent", func() { k.event(event) })
	}
}

// call calls a function of the user, and tells the logger if it does not return.
func (k *callbacks) call(name string, function func()) error {
	end := callFunction(function)
	if end == nil {
		return nil
	}
	if k.logger != nil {
		_ = callFunction(func() { k.logger.LogAttrs(k.open, slog.LevelError, name+" "+end.how, end.attributes()...) })
	}
	return errors.New(name + " " + end.how)
}

func (k *callbacks) log(event Event) {
	attributes := make([]slog.Attr, 0, 6)
	if event.Server != "" {
		attributes = append(attributes, slog.String("server", event.Server))
	}
	if event.Cause != "" {
		attributes = append(attributes, slog.String("cause", string(event.Cause)))
	}
	if event.Generation != 0 {
		attributes = append(attributes, slog.Uint64("generation", event.Generation))
	}
	if event.Status != 0 {
		attributes = append(attributes, slog.String("status", event.Status.Name()))
	}
	if event.HTTPStatus != 0 {
		attributes = append(attributes, slog.Int("http_status", event.HTTPStatus))
	}
	if event.RetryAfter != 0 {
		attributes = append(attributes, slog.Duration("retry_after", event.RetryAfter))
	}
	k.logger.LogAttrs(k.open, event.Level, event.Message, attributes...)
}

//export nacosauthOnCredentials
func nacosauthOnCredentials(data C.uintptr_t, out *C.nacos_credentials) {
	supplied, err := cgo.Handle(data).Value().(*callbacks).supply()
	if err == nil {
		err = answer(out, supplied)
	}
	if err != nil {
		message := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "?"), "\x00", "?")
		m := newMemory(len(message) + 1)
		defer m.release()
		_ = C.nacos_credentials_set_failure(out, m.string("message", message), nil)
	}
}

func answer(out *C.nacos_credentials, supplied Credentials) error {
	m := newMemory(len(supplied.Username) + len(supplied.Password) + len(supplied.Token) + 3)
	defer m.release()
	var detail failure
	var status C.nacos_status
	if supplied.Token != "" {
		token := m.string("token", supplied.Token)
		if m.err != nil {
			return m.err
		}
		ttl, err := lifeMS(supplied.TTL)
		if err != nil {
			return err
		}
		status = C.nacos_credentials_set_token(out, token, ttl, &detail.detail)
	} else {
		username, password := m.string("username", supplied.Username), m.string("password", supplied.Password)
		if m.err != nil {
			return m.err
		}
		status = C.nacos_credentials_set_password(out, username, password, &detail.detail)
	}
	if status != C.NACOS_OK {
		return detail.error(status)
	}
	return nil
}

//export nacosauthOnEvent
func nacosauthOnEvent(data C.uintptr_t, event *C.nacos_event) {
	level := slog.LevelInfo
	switch event.level {
	case C.NACOS_LOG_ERROR:
		level = slog.LevelError
	case C.NACOS_LOG_WARN:
		level = slog.LevelWarn
	case C.NACOS_LOG_DEBUG:
		level = slog.LevelDebug
	}
	cgo.Handle(data).Value().(*callbacks).tell(Event{
		Kind:       EventKind(event.kind),
		Level:      level,
		Generation: uint64(event.generation),
		Status:     Status(event.status),
		HTTPStatus: int(event.http_status),
		RetryAfter: milliseconds(uint64(event.retry_after_ms)),
		Server:     C.GoString(event.server),
		Cause:      Cause(C.GoString(event.cause)),
		Message:    C.GoString(event.message),
	})
}

//export nacosauthOnDrop
func nacosauthOnDrop(data C.uintptr_t) { cgo.Handle(data).Delete() }
