package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_auth_health
#cgo nocallback nacos_auth_health
#cgo noescape nacos_error_status
#cgo nocallback nacos_error_status
#cgo noescape nacos_health_name
#cgo nocallback nacos_health_name
*/
import "C"

import (
	"runtime"
	"time"
)

// HealthStatus is how well a client is. More may come.
type HealthStatus int32

const (
	HealthUnknown  HealthStatus = C.NACOS_HEALTH_UNKNOWN  // no login has ended yet
	HealthOK       HealthStatus = C.NACOS_HEALTH_OK       // there is a token, and nothing is wrong with logins
	HealthDegraded HealthStatus = C.NACOS_HEALTH_DEGRADED // calls work, and will not for long: an old token, and logins fail
	HealthDown     HealthStatus = C.NACOS_HEALTH_DOWN     // no token works and no login brings one, or the client is closed
)

// String returns the name of the status, such as "degraded".
func (s HealthStatus) String() string {
	if s == HealthUnknown {
		return "unknown"
	}
	return inWords("health", int32(s), C.nacos_health_name(C.int32_t(s)))
}

// Health is what is known of a client's health.
type Health struct {
	Status HealthStatus

	// Err is what is wrong, which calls get or will get, with cause, server and its words; nil if nothing is. As a value of type
	// error a nil one is not nil: compare it before.
	Err *Error

	FailingFor time.Duration // since the first login failed of those that have failed since the last success; 0: it did not
	Remaining  time.Duration // until the reckoned expiry of the token, until when a degraded client works
	RetryIn    time.Duration // until the next login after one that failed
	Token      TokenState
	Refresh    RefreshState
}

// Ready tells whether requests can be expected to succeed: for readiness probes.
func (h Health) Ready() bool { return h.Status == HealthOK || h.Status == HealthDegraded }

// Cause is why the client is not well; "" if it is, or if nothing is known.
func (h Health) Cause() Cause {
	if h.Err == nil {
		return ""
	}
	return h.Err.Cause
}

// Health tells whether the client can do its work, from what is known: it asks no server, waits for nothing and begins no
// login. A client without a token logs in only when a call wants one, so a probe calls [Client.TryToken] first, and goes by
// this whatever comes of it. It works on a closed client too.
func (c *Client) Health() (Health, error) {
	if err := c.usable(); err != nil {
		return Health{}, err
	}
	h := C.nacos_health{struct_size: C.sizeof_nacos_health}
	var reason, detail failure
	status := C.nacos_auth_health(c.native.handle, &h, &reason.detail, &detail.detail)
	runtime.KeepAlive(c)
	if status != C.NACOS_OK {
		return Health{}, detail.error(status)
	}
	health := Health{
		Status:     HealthStatus(h.status),
		FailingFor: milliseconds(uint64(h.failing_for_ms)),
		Remaining:  signedMilliseconds(int64(h.remaining_ms)),
		RetryIn:    milliseconds(uint64(h.retry_in_ms)),
		Token:      TokenState(h.token_state),
		Refresh:    RefreshState(h.refresh_state),
	}
	if reason.detail != nil {
		health.Err = reason.error(C.nacos_error_status(reason.detail))
	}
	return health, nil
}
