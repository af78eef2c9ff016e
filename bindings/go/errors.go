package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacosauth_error_view
#cgo nocallback nacosauth_error_view
#cgo noescape nacos_error_free
#cgo nocallback nacos_error_free
#cgo noescape nacos_status_name
#cgo nocallback nacos_status_name
#cgo noescape nacos_status_message
#cgo nocallback nacos_status_message

// One crossing instead of seven.
typedef struct {
	const char *message;
	const char *cause;
	const char *server;
	uint64_t retry_after_ms;
	int32_t http_status;
	int32_t is_retryable;
	int32_t was_sent;
} nacosauth_error_details;

static void nacosauth_error_view(const nacos_error *error, nacosauth_error_details *details) {
	details->message = nacos_error_message(error);
	details->cause = nacos_error_cause(error);
	details->server = nacos_error_server(error);
	details->retry_after_ms = nacos_error_retry_after_ms(error);
	details->http_status = nacos_error_http_status(error);
	details->is_retryable = nacos_error_is_retryable(error);
	details->was_sent = nacos_error_was_sent(error);
}
*/
import "C"

import (
	"context"
	"net"
	"time"
)

// Status is the kind of a failure. It is an error itself, so that the constants serve as targets of [errors.Is].
type Status int32

// The kinds of failure; the numbers are those of the C interface and never change.
const (
	ErrInvalidArgument   Status = C.NACOS_INVALID_ARGUMENT   // an argument is not usable
	ErrNullArgument      Status = C.NACOS_NULL_ARGUMENT      // a required value is missing
	ErrInvalidUTF8       Status = C.NACOS_INVALID_UTF8       // a string is not UTF-8
	ErrInvalidConfig     Status = C.NACOS_INVALID_CONFIG     // an option is not usable; the message names it
	ErrUnsupportedOption Status = C.NACOS_UNSUPPORTED_OPTION // the library is older than the option
	ErrBufferTooSmall    Status = C.NACOS_BUFFER_TOO_SMALL   // never returned by this package
	ErrConnect           Status = C.NACOS_CONNECT            // no server could be reached
	ErrTimeout           Status = C.NACOS_TIMEOUT            // no end in time; matches context.DeadlineExceeded if it was the context's time
	ErrTLS               Status = C.NACOS_TLS                // the TLS handshake failed
	ErrIO                Status = C.NACOS_IO                 // the connection broke while a request was under way
	ErrProtocol          Status = C.NACOS_PROTOCOL           // the answer is not one of a Nacos server
	ErrTooLarge          Status = C.NACOS_TOO_LARGE          // the answer is larger than Options.MaxResponseSize
	ErrBadCredentials    Status = C.NACOS_BAD_CREDENTIALS    // the server refuses the user or the password
	ErrForbidden         Status = C.NACOS_FORBIDDEN          // the servers refuse one fresh token after the other
	ErrThrottled         Status = C.NACOS_THROTTLED          // the server asked to be left alone, see Error.RetryAfter
	ErrServer            Status = C.NACOS_SERVER             // the server failed
	ErrNoCredentials     Status = C.NACOS_NO_CREDENTIALS     // the password file cannot be read, or Options.Credentials failed
	ErrCancelled         Status = C.NACOS_CANCELLED          // the context was cancelled; matches context.Canceled
	ErrClosed            Status = C.NACOS_CLOSED             // the client was closed
	ErrWouldBlock        Status = C.NACOS_WOULD_BLOCK        // the call would have had to wait: TryToken, Request.NoWait
	ErrPanic             Status = C.NACOS_PANIC              // a defect of the library, contained
	ErrInternal          Status = C.NACOS_INTERNAL           // the operating system or the library failed
)

// Error returns a sentence about the status.
func (s Status) Error() string { return C.GoString(C.nacos_status_message(C.nacos_status(s))) }

// Name returns the name of the status in the C interface without its prefix, such as "BAD_CREDENTIALS".
func (s Status) Name() string { return C.GoString(C.nacos_status_name(C.nacos_status(s))) }

// Error is the error of every function in this package. No part of it holds a password, a token or a query.
type Error struct {
	Status     Status
	Cause      Cause         // why, more closely than the status says it
	Server     string        // the one it is about, as "host:port"; "" if it is about none, or about all of them
	HTTPStatus int           // of the answer that caused it; 0 = none
	Retryable  bool          // the same call may succeed later
	RetryAfter time.Duration // when to try again; 0 = unknown
	WasSent    bool          // a server may have acted on the request; if not, sending it again does nothing twice
	Message    string        // what failed, on which server, what to do
	ended      error         // what Err said of the context that ended the call
	reason     error         // why that ended, see context.Cause
}

var _ net.Error = (*Error)(nil)

// Error returns the name of the status and the message; "<nil>" for nil, see [Health].
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	return "nacosauth: " + e.Status.Name() + ": " + e.Message
}

// Is matches the constants of [Status], and for a call that its context ended, what the context says:
// [context.DeadlineExceeded] or [context.Canceled]. A time-out of the library's own, see [Options], matches [ErrTimeout] alone.
func (e *Error) Is(target error) bool {
	if e == nil {
		return false
	}
	if status, ok := target.(Status); ok {
		return status == e.Status
	}
	return e.ended != nil && target == e.ended
}

// Unwrap returns the cause of the context that ended the call, see [context.Cause]; nil for every other error.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.reason
}

// Timeout tells whether time ran out, the context's or the library's, as in [net.Error].
func (e *Error) Timeout() bool { return e != nil && e.Status == ErrTimeout }

// Temporary is Retryable, as in [net.Error].
func (e *Error) Temporary() bool { return e != nil && e.Retryable }

// orNil is e as an error, which a nil *Error is not.
func (e *Error) orNil() error {
	if e == nil {
		return nil
	}
	return e
}

// failure is where a call puts the C object of its error.
type failure struct{ detail *C.nacos_error }

// error makes the *Error of the call, and releases the C object.
func (f *failure) error(status C.nacos_status) *Error {
	if f.detail == nil {
		return &Error{Status: Status(status), Message: Status(status).Error()}
	}
	defer f.release()
	var details C.nacosauth_error_details
	C.nacosauth_error_view(f.detail, &details)
	return &Error{
		Status:     Status(status),
		Cause:      Cause(C.GoString(details.cause)),
		Server:     C.GoString(details.server),
		HTTPStatus: int(details.http_status),
		Retryable:  details.is_retryable != 0,
		RetryAfter: milliseconds(uint64(details.retry_after_ms)),
		WasSent:    details.was_sent != 0,
		Message:    C.GoString(details.message),
	}
}

// release is for an error that nobody wants to see.
func (f *failure) release() {
	C.nacos_error_free(f.detail)
	f.detail = nil
}

// invalid is the error of an argument that is not usable.
func invalid(message string) *Error {
	return &Error{Status: ErrInvalidArgument, Cause: CauseInvalidArgument, Message: message}
}

// invalidOption is the error of an option that is not usable.
func invalidOption(message string) *Error {
	return &Error{Status: ErrInvalidConfig, Cause: CauseInvalidConfig, Message: message}
}

func closedError() *Error {
	return &Error{Status: ErrClosed, Cause: CauseClosed, Message: ErrClosed.Error()}
}

// contextError is the error of a call whose context is done.
func contextError(ctx context.Context) *Error {
	err := &Error{Retryable: true}
	err.endWith(ctx)
	return err
}

// endWith says that the context ended the call, and why.
func (e *Error) endWith(ctx context.Context) {
	e.Status, e.Cause, e.Retryable = ErrCancelled, CauseCancelled, true
	e.ended, e.reason = ctx.Err(), context.Cause(ctx)
	if e.ended == context.DeadlineExceeded {
		e.Status, e.Cause = ErrTimeout, CauseDeadline
	}
	e.Message = "the call ended with its context: " + e.reason.Error()
}
