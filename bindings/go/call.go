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

// The requests of one client that are under way at a time are bounded by Options.MaxOperations; the others wait for their turn, and
// the library has not heard of them. Tokens have turns of their own, so that long polls do not keep them waiting; few are enough, as
// all wait for one login.
const (
	defaultMaxRequests = 16384
	maxTokens          = 64
)

// threads bounds the calls that hold an operating system thread, of all clients: the Go runtime ends a program that needs more than
// 10,000. These are examinations, and whatever cannot be an operation as the library has no thread or descriptor for them.
var threads = make(turns, 64)

// crossings bounds the goroutines that are inside the library for a moment, to start or to cancel something: if they have to wait
// for each other there, the Go runtime makes a thread for each.
var crossings = make(turns, 16)

// turns has one element for each call under way.
type turns chan struct{}

func (t turns) take()     { t <- struct{}{} }
func (t turns) giveBack() { <-t }

// call is one call into the library on behalf of a context.
type call struct {
	client  *Client // nil: that of Diagnose
	ctx     context.Context
	ended   <-chan struct{} // as of the context
	limited bool            // the context has a deadline
	timeout C.uint32_t
	flags   C.uint32_t // NACOS_FLAG_*
	turns   turns      // nil: it has taken none

	// Of a call that holds a thread, which owns the signal that ends it.
	threads turns           // nil: it holds none
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
	k := &call{client: c, ctx: ctx, ended: ctx.Done(), flags: flags}
	select {
	case turns <- struct{}{}:
	default:
		if flags&C.NACOS_FLAG_NO_WAIT != 0 {
			return nil, &Error{Status: ErrWouldBlock, Cause: CauseTooManyOperations, Retryable: true, Message: everyTurnTaken(turns)}
		}
		if err := k.wait(turns, isLongPoll); err != nil {
			return nil, err
		}
	}
	k.turns = turns
	k.limit()
	return k, nil
}

// limit leaves the deadline of the context, if it has one, to the library.
func (k *call) limit() {
	var deadline time.Time
	if deadline, k.limited = k.ctx.Deadline(); k.limited {
		k.timeout = timeoutMS(time.Until(deadline))
	}
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
	case <-k.ended:
		return contextError(k.ctx)
	case <-k.client.open.Done():
		return closedError()
	case <-over:
		return &Error{Status: ErrTimeout, Cause: CauseDeadline, Retryable: true,
			Message: everyTurnTaken(turns) + "; none ended within Options.RequestTimeout"}
	}
}

func everyTurnTaken(turns turns) string {
	return fmt.Sprintf("%d calls of this client are under way, which is as many as there may be (Options.MaxOperations)", cap(turns))
}

// takeThread waits until the call may hold a thread.
func (k *call) takeThread() error {
	select {
	case threads <- struct{}{}:
		k.threads = threads
		k.limit()
		return nil
	case <-k.ended:
		return contextError(k.ctx)
	}
}

// watch has a call that holds a thread end when its context is cancelled. A deadline is left to the library, whose error says more.
func (k *call) watch() {
	if k.ended == nil {
		return
	}
	k.cancel, k.watched = C.nacos_cancel_new(), make(chan struct{})
	k.unwatch = context.AfterFunc(k.ctx, func() {
		defer close(k.watched)
		if !k.limited || k.ctx.Err() != context.DeadlineExceeded {
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
	if k.threads != nil {
		<-k.threads
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
