package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_cancel_new
#cgo nocallback nacos_cancel_new
#cgo noescape nacos_cancel_trigger
#cgo nocallback nacos_cancel_trigger
#cgo noescape nacos_cancel_free
#cgo nocallback nacos_cancel_free
*/
import "C"

import (
	"context"
	"fmt"
	"time"
)

// The calls of one client that are inside the library at a time are bounded. Each holds an operating system thread, and the Go
// runtime ends a program that needs more than 10,000 of them; the others wait as cheap goroutines. Tokens have turns of their
// own, so that long polls do not keep them waiting; few are enough, as all wait for one login.
const (
	maxRequests = 256
	maxTokens   = 64
)

// turns has one element for each call inside the library.
type turns chan struct{}

// call is one blocking call into the library on behalf of a context. It owns the signal that ends the call.
type call struct {
	client  *Client // nil: that of Diagnose
	ctx     context.Context
	turns   turns // nil: it has taken none
	timeout C.uint32_t
	flags   C.uint32_t // NACOS_FLAG_*

	cancel  *C.nacos_cancel // NULL: the context cannot be cancelled
	unwatch func() bool     // as of context.AfterFunc
	watched chan struct{}   // closed when what unwatch was too late for has ended
}

// begin waits for a turn, unless the flags forbid it, and translates the context. Each success must be followed by end. The
// deadline of a long poll whose context has none is reckoned by the library, from a header; here only its wait for a turn is
// limited.
func (c *Client) begin(ctx context.Context, turns turns, flags C.uint32_t, isLongPoll bool) (*call, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	k := &call{client: c, ctx: ctx, flags: flags}
	select {
	case turns <- struct{}{}:
	default:
		if flags&C.NACOS_FLAG_NO_WAIT != 0 {
			return nil, &Error{Status: ErrWouldBlock, Cause: CauseWouldBlock, Retryable: true, Message: everyTurnTaken(turns)}
		}
		if err := k.wait(turns, isLongPoll); err != nil {
			return nil, err
		}
	}
	k.turns = turns
	deadline, limited := ctx.Deadline()
	if limited {
		k.timeout = timeoutMS(time.Until(deadline))
	}
	if ctx.Done() != nil {
		k.watch(limited)
	}
	return k, nil
}

// wait takes a turn as soon as another call has ended; the time spent here counts against the deadline of the call, if
// that is reckoned here.
func (k *call) wait(turns turns, isLongPoll bool) error {
	start, most := time.Now(), k.client.requestTimeout
	_, limited := k.ctx.Deadline()
	var over <-chan time.Time
	if !limited {
		timer := time.NewTimer(most)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case turns <- struct{}{}:
		if !limited && !isLongPoll {
			k.timeout = timeoutMS(most - time.Since(start))
		}
		return nil
	case <-k.ctx.Done():
		return contextError(k.ctx)
	case <-k.client.open.Done():
		return closedError()
	case <-over:
		return &Error{Status: ErrTimeout, Cause: CauseDeadline, Retryable: true,
			Message: everyTurnTaken(turns) + "; none ended within Options.RequestTimeout"}
	}
}

func everyTurnTaken(turns turns) string {
	return fmt.Sprintf("%d calls of this client are under way, which is as many as there may be", cap(turns))
}

// watch ends the call when its context is cancelled. A deadline is left to the library, whose error says more.
func (k *call) watch(limited bool) {
	k.cancel, k.watched = C.nacos_cancel_new(), make(chan struct{})
	k.unwatch = context.AfterFunc(k.ctx, func() {
		defer close(k.watched)
		if !limited || k.ctx.Err() != context.DeadlineExceeded {
			C.nacos_cancel_trigger(k.cancel)
		}
	})
}

func (k *call) end() {
	if k.cancel != nil {
		if !k.unwatch() {
			<-k.watched
		}
		C.nacos_cancel_free(k.cancel)
	}
	if k.turns != nil {
		<-k.turns
	}
}

// fail makes the error of the call: the context's own if that is what ended it.
func (k *call) fail(status C.nacos_status, detail *failure) error {
	err := detail.error(status)
	if err.Status == ErrNoCredentials && k.client != nil && k.client.open.Err() != nil { // Close ended Options.Credentials first
		return closedError()
	}
	switch err.Status {
	case ErrCancelled:
		if k.ctx.Err() != nil {
			err.endWith(k.ctx)
		}
	case ErrTimeout:
		k.awaitDeadline()
		if k.ctx.Err() != nil { // else it is a time-out of the library's own
			err.ended, err.reason = k.ctx.Err(), context.Cause(k.ctx)
		}
	}
	return err
}

// awaitDeadline gives a context whose deadline has passed the moment it needs to notice: the library may be the first to.
func (k *call) awaitDeadline() {
	deadline, limited := k.ctx.Deadline()
	if !limited || time.Now().Before(deadline) {
		return
	}
	patience := time.NewTimer(time.Second) // for a context that never does
	defer patience.Stop()
	select {
	case <-k.ctx.Done():
	case <-patience.C:
	}
}
