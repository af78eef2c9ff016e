package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_error_message
#cgo nocallback nacos_error_message
#cgo noescape nacos_error_http_status
#cgo nocallback nacos_error_http_status
#cgo noescape nacos_error_is_retryable
#cgo nocallback nacos_error_is_retryable
#cgo noescape nacos_error_retry_after_ms
#cgo nocallback nacos_error_retry_after_ms
#cgo noescape nacos_error_free
#cgo nocallback nacos_error_free
#cgo noescape nacos_status_name
#cgo nocallback nacos_status_name
#cgo noescape nacos_status_message
#cgo nocallback nacos_status_message
*/
import "C"

import (
	"context"
	"math"
	"time"
)

// Status is the kind of a failure. It is an error itself, so that the constants serve as targets of [errors.Is].
type Status int32

// The kinds of failure; the numbers are those of the C interface and never change.
const (
	ErrInvalidArgument   Status = C.NACOS_INVALID_ARGUMENT   // an argument is out of its range
	ErrNullArgument      Status = C.NACOS_NULL_ARGUMENT      // a required value is missing
	ErrInvalidUTF8       Status = C.NACOS_INVALID_UTF8       // a string is not UTF-8
	ErrInvalidConfig     Status = C.NACOS_INVALID_CONFIG     // the options contradict each other or cannot be read
	ErrUnsupportedOption Status = C.NACOS_UNSUPPORTED_OPTION // the library is older than the option
	ErrBufferTooSmall    Status = C.NACOS_BUFFER_TOO_SMALL   // never returned by this package
	ErrConnect           Status = C.NACOS_CONNECT            // no server could be reached
	ErrTimeout           Status = C.NACOS_TIMEOUT            // the deadline passed; matches context.DeadlineExceeded
	ErrTLS               Status = C.NACOS_TLS                // the server's certificate or handshake failed
	ErrIO                Status = C.NACOS_IO                 // the connection broke
	ErrProtocol          Status = C.NACOS_PROTOCOL           // the answer is not one of a Nacos server
	ErrTooLarge          Status = C.NACOS_TOO_LARGE          // the answer is larger than the library takes
	ErrBadCredentials    Status = C.NACOS_BAD_CREDENTIALS    // the server refuses the user or the password
	ErrForbidden         Status = C.NACOS_FORBIDDEN          // the server refuses the login as such
	ErrThrottled         Status = C.NACOS_THROTTLED          // too many logins, see Error.RetryAfter
	ErrServer            Status = C.NACOS_SERVER             // the server failed
	ErrNoCredentials     Status = C.NACOS_NO_CREDENTIALS     // the password file cannot be read, or Options.Credentials failed
	ErrCancelled         Status = C.NACOS_CANCELLED          // the context was cancelled; matches context.Canceled
	ErrClosed            Status = C.NACOS_CLOSED             // the client was closed
	ErrPanic             Status = C.NACOS_PANIC              // a defect of the library, contained
	ErrInternal          Status = C.NACOS_INTERNAL           // a defect of the library
)

// Error returns a sentence about the status.
func (s Status) Error() string { return C.GoString(C.nacos_status_message(C.nacos_status(s))) }

// Name returns the name of the status in the C interface without its prefix, such as "BAD_CREDENTIALS".
func (s Status) Name() string { return C.GoString(C.nacos_status_name(C.nacos_status(s))) }

// Error is the error of every function in this package. No part of it holds a password or a token.
type Error struct {
	Status     Status
	HTTPStatus int           // of the answer that caused it; 0 = none
	Retryable  bool          // the same call may succeed later
	RetryAfter time.Duration // when to try again; 0 = unknown
	Message    string        // what failed, on which server, what to do
	cause      error         // the cause of the context that ended the call
}

// Error returns the name of the status and the message.
func (e *Error) Error() string { return "nacosauth: " + e.Status.Name() + ": " + e.Message }

// Is matches the constants of [Status], and the errors of package context for calls that ended with their context.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Status == ErrTimeout
	case context.Canceled:
		return e.Status == ErrCancelled
	}
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap returns the cause of the context that ended the call, see [context.Cause]; nil for every other error.
func (e *Error) Unwrap() error { return e.cause }

// Timeout tells whether a deadline passed, as in [net.Error].
func (e *Error) Timeout() bool { return e.Status == ErrTimeout }

// newError turns a failed call into an *Error and releases the C object.
func newError(status C.nacos_status, detail *C.nacos_error) *Error {
	if detail == nil {
		return &Error{Status: Status(status), Message: Status(status).Error()}
	}
	defer C.nacos_error_free(detail)
	return &Error{
		Status:     Status(status),
		HTTPStatus: int(C.nacos_error_http_status(detail)),
		Retryable:  C.nacos_error_is_retryable(detail) != 0,
		RetryAfter: milliseconds(uint64(C.nacos_error_retry_after_ms(detail))),
		Message:    C.GoString(C.nacos_error_message(detail)),
	}
}

// contextError is the error of a call whose context is done.
func contextError(ctx context.Context) *Error {
	status := ErrCancelled
	if ctx.Err() == context.DeadlineExceeded {
		status = ErrTimeout
	}
	cause := context.Cause(ctx)
	return &Error{Status: status, Retryable: true, Message: "the call ended with its context: " + cause.Error(), cause: cause}
}

func milliseconds(n uint64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}
