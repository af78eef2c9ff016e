package nacosauth

import (
	"math"
	"testing"
	"time"
)

// The numbers that C gets, as docs/timeouts.md has them.
func TestNumbersOfTimeouts(t *testing.T) {
	for given, want := range map[time.Duration]uint32{
		math.MinInt64: 1, -time.Hour: 1, 0: 1, 1: 1, time.Microsecond: 1, time.Millisecond: 1, time.Millisecond + 1: 2,
		time.Second: 1000, 24*time.Hour - 1: 86_400_000, 24 * time.Hour: 86_400_000, 24*time.Hour + 1: 86_400_000,
		49 * 24 * time.Hour: 86_400_000, 50 * 24 * time.Hour: 86_400_000, math.MaxInt64 - 1: 86_400_000, math.MaxInt64: 86_400_000,
	} {
		if got := uint32(timeoutMS(given)); got != want {
			t.Errorf("%s: %d ms, want %d", given, got, want)
		}
	}
	for given, want := range map[time.Duration]uint64{
		0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, math.MaxInt64 - 1: 9223372036855, math.MaxInt64: 9223372036855,
	} {
		if got, err := lifeMS(given); err != nil || uint64(got) != want {
			t.Errorf("%s: %d ms (%v), want %d", given, got, err, want)
		}
	}
	if _, err := lifeMS(-1); err == nil {
		t.Error("a life of less than nothing")
	}
	for given, want := range map[int64]time.Duration{
		math.MaxInt64: math.MaxInt64 / 1_000_000 * 1_000_000, math.MinInt64: -(math.MaxInt64 / 1_000_000 * 1_000_000), -5: -5 * time.Millisecond,
	} {
		if got := signedMilliseconds(given); got != want {
			t.Errorf("%d ms: %s, want %s", given, got, want)
		}
	}
	if got := milliseconds(math.MaxUint64); got < 0 {
		t.Error(got)
	}
}
