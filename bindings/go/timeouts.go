package nacosauth

// #include <nacos_auth.h>
import "C"

import (
	"math"
	"time"
)

// longest is the largest time-out there is; all that is longer, math.MaxInt64 too, means the same.
const longest = 24 * time.Hour

// timeoutMS is a time-out as C takes it. It rounds up, so that the library never gives up before a context does, and is never
// the 0 that means "the default".
func timeoutMS(d time.Duration) C.uint32_t {
	return C.uint32_t(ceilMS(min(max(d, 1), longest)))
}

// lifeMS is the life of a token as C takes it, where 0 means that nobody knows it.
func lifeMS(ttl time.Duration) (C.uint64_t, error) {
	if ttl < 0 {
		return 0, invalid("the life of the token is negative")
	}
	return C.uint64_t(ceilMS(ttl)), nil
}

// ceilMS rounds up without the addition that overflows.
func ceilMS(d time.Duration) int64 {
	ms := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		ms++
	}
	return ms
}

// milliseconds is a time of C's, which may be longer than a Duration.
func milliseconds(n uint64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}

// signedMilliseconds is the same for what may lie in the past.
func signedMilliseconds(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(min(max(n, -most), most)) * time.Millisecond
}
