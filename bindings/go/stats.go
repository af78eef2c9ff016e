package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_auth_stats
#cgo nocallback nacos_auth_stats
*/
import "C"

import (
	"runtime"
	"time"
)

// TokenState is the state of the current token.
type TokenState uint32

const (
	TokenNone      TokenState = C.NACOS_TOKEN_NONE      // there is none
	TokenFresh     TokenState = C.NACOS_TOKEN_FRESH     // no renewal is due
	TokenAdvisory  TokenState = C.NACOS_TOKEN_ADVISORY  // served while it is renewed in the background
	TokenMandatory TokenState = C.NACOS_TOKEN_MANDATORY // callers wait for the renewal
	TokenExpired   TokenState = C.NACOS_TOKEN_EXPIRED   // past its expiry
	TokenRejected  TokenState = C.NACOS_TOKEN_REJECTED  // refused by a server
)

// RefreshState is what the library does about the next token.
type RefreshState uint32

const (
	RefreshIdle       RefreshState = C.NACOS_REFRESH_IDLE        // nothing
	RefreshInFlight   RefreshState = C.NACOS_REFRESH_IN_FLIGHT   // a login is under way
	RefreshBackingOff RefreshState = C.NACOS_REFRESH_BACKING_OFF // a login failed, the next one waits
	RefreshLatched    RefreshState = C.NACOS_REFRESH_LATCHED     // the credentials are wrong, the next one waits long
)

// Stats are counters since the client was made, and the state of its token.
type Stats struct {
	Logins               uint64 // successful ones
	LoginFailures        uint64
	Requests             uint64 // calls of Do, Get and Post
	Replays              uint64 // requests sent a second time, and reports that advised to
	Rejections           uint64 // answers that refused a token, also those that were reported
	RejectionsPermission uint64 // of those: the user lacks a permission
	Waits                uint64 // calls that waited for a login
	Generation           uint64 // of the current token, 0 = none
	Remaining            time.Duration
	Token                TokenState
	Refresh              RefreshState
}

// Stats returns the counters. It does not wait for anything.
func (c *Client) Stats() (Stats, error) {
	s := C.nacos_auth_statistics{struct_size: C.sizeof_nacos_auth_statistics}
	var detail *C.nacos_error
	status := C.nacos_auth_stats(c.handle, &s, &detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return Stats{}, newError(status, detail)
	}
	return Stats{
		Logins:               uint64(s.logins),
		LoginFailures:        uint64(s.login_failures),
		Requests:             uint64(s.requests),
		Replays:              uint64(s.replays),
		Rejections:           uint64(s.rejections),
		RejectionsPermission: uint64(s.rejections_permission),
		Waits:                uint64(s.waits),
		Generation:           uint64(s.generation),
		Remaining:            time.Duration(s.remaining_ms) * time.Millisecond,
		Token:                TokenState(s.token_state),
		Refresh:              RefreshState(s.refresh_state),
	}, nil
}
