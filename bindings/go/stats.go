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
type TokenState int32

const (
	TokenNone      TokenState = C.NACOS_TOKEN_NONE      // there is none
	TokenFresh     TokenState = C.NACOS_TOKEN_FRESH     // no renewal is due
	TokenAdvisory  TokenState = C.NACOS_TOKEN_ADVISORY  // served while it is renewed in the background
	TokenMandatory TokenState = C.NACOS_TOKEN_MANDATORY // callers wait for the renewal
	TokenExpired   TokenState = C.NACOS_TOKEN_EXPIRED   // past its expiry
	TokenRejected  TokenState = C.NACOS_TOKEN_REJECTED  // refused by a server
)

// RefreshState is what the library does about the next token.
type RefreshState int32

const (
	RefreshIdle       RefreshState = C.NACOS_REFRESH_IDLE        // nothing
	RefreshInFlight   RefreshState = C.NACOS_REFRESH_IN_FLIGHT   // a login is under way
	RefreshBackingOff RefreshState = C.NACOS_REFRESH_BACKING_OFF // a login failed, the next one waits
	// RefreshCredentialsRejected: the credentials were refused twice, logins are minutes apart until others are set.
	RefreshCredentialsRejected RefreshState = C.NACOS_REFRESH_CREDENTIALS_REJECTED
)

// Stats are counters since the client was made, and the state of its token.
type Stats struct {
	Logins                 uint64 // successful ones
	LoginsFirst            uint64 // of those: there was no token yet
	LoginsRenewal          uint64 // before the token's expiry
	LoginsRejection        uint64 // after a server refused the token
	LoginFailures          uint64
	FailuresUnreachable    uint64        // of those: no server could be reached
	FailuresOverloaded     uint64        // no answer in time, or 429, 502 to 504
	FailuresRefused        uint64        // the credentials were refused, or the server failed over them
	FailuresOther          uint64        // the answer was not that of a Nacos, or there was nothing to log in with
	Requests               uint64        // calls of Do, Get and Post
	Replays                uint64        // requests sent a second time, and reports that advised to
	Rejections             uint64        // answers that refused a token, also those that were reported
	RejectionsIdentity     uint64        // of those: invalid or expired
	RejectionsPermission   uint64        // the user lacks a permission
	RejectionsUnknown      uint64        // without saying why
	SuppressedByPause      uint64        // calls that got the last login's error, as the next one was not due yet
	SuppressedByRejection  uint64        // the same while the credentials counted as wrong
	SuppressedByGeneration uint64        // refusals of a token that had been replaced already, which cost no login
	Waits                  uint64        // calls that waited for a login
	Waiting                uint64        // calls that do so now
	Generation             uint64        // of the current token, 0 = none
	Remaining              time.Duration // until its reckoned expiry; negative once past it
	RetryIn                time.Duration // until the next login after one that failed
	Token                  TokenState
	Refresh                RefreshState
}

// Stats returns the counters. It does not wait for anything.
func (c *Client) Stats() (Stats, error) {
	if err := c.usable(); err != nil {
		return Stats{}, err
	}
	s := C.nacos_auth_statistics{struct_size: C.sizeof_nacos_auth_statistics}
	var detail failure
	status := C.nacos_auth_stats(c.native.handle, &s, &detail.detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return Stats{}, detail.error(status)
	}
	return Stats{
		Logins:                 uint64(s.logins),
		LoginsFirst:            uint64(s.logins_first),
		LoginsRenewal:          uint64(s.logins_renewal),
		LoginsRejection:        uint64(s.logins_rejection),
		LoginFailures:          uint64(s.login_failures),
		FailuresUnreachable:    uint64(s.failures_unreachable),
		FailuresOverloaded:     uint64(s.failures_overloaded),
		FailuresRefused:        uint64(s.failures_refused),
		FailuresOther:          uint64(s.failures_other),
		Requests:               uint64(s.requests),
		Replays:                uint64(s.replays),
		Rejections:             uint64(s.rejections),
		RejectionsIdentity:     uint64(s.rejections_identity),
		RejectionsPermission:   uint64(s.rejections_permission),
		RejectionsUnknown:      uint64(s.rejections_unknown),
		SuppressedByPause:      uint64(s.suppressed_by_pause),
		SuppressedByRejection:  uint64(s.suppressed_by_rejection),
		SuppressedByGeneration: uint64(s.suppressed_by_generation),
		Waits:                  uint64(s.waits),
		Waiting:                uint64(s.waiting),
		Generation:             uint64(s.generation),
		Remaining:              signedMilliseconds(int64(s.remaining_ms)),
		RetryIn:                milliseconds(uint64(s.retry_in_ms)),
		Token:                  TokenState(s.token_state),
		Refresh:                RefreshState(s.refresh_state),
	}, nil
}
