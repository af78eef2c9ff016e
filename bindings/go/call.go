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
	"math"
	"time"
)

// maxCalls bounds the calls of one client that are inside the library at a time. Each holds an operating system thread,
// and the Go runtime ends a program that needs more than 10,000 of them; the others wait as cheap goroutines.
const maxCalls = 256

// call is one blocking call into the library on behalf of a context.
type call struct {
	client  *Client
	ctx     context.Context
	timeout C.uint32_t
	flags   C.uint32_t // NACOS_FLAG_*
	cancel  *C.nacos_cancel
	release []func()
}

// begin waits for a turn, unless the flags forbid it, and translates the context. Each success must be followed by end. The
// deadline of a long poll whose context has none is reckoned by the library, from a header; here only its wait for a turn is
// limited.
func (c *Client) begin(ctx context.Context, flags C.uint32_t, isLongPoll bool) (*call, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	k := &call{client: c, ctx: ctx, flags: flags}
	select {
	case c.calls <- struct{}{}:
	default:
		if flags&C.NACOS_FLAG_NO_WAIT != 0 {
			return nil, &Error{Status: ErrWouldBlock, Cause: CauseWouldBlock, Retryable: true,
				Message: fmt.Sprintf("%d calls are under way, which is as many as there may be", maxCalls)}
		}
		if err := k.wait(isLongPoll); err != nil {
			return nil, err
		}
	}
	deadline, limited := k.ctx.Deadline()
	if limited {
		k.timeout = timeoutMS(time.Until(deadline))
	}
	if k.ctx.Done() != nil {
		k.watch(limited)
	}
	return k, nil
}

// wait takes a turn as soon as another call has ended; the time spent here counts against the deadline of the call, if
// that is reckoned here.
func (k *call) wait(isLongPoll bool) error {
	ctx := k.ctx
	if _, limited := ctx.Deadline(); !limited {
		limit, stop := context.WithTimeout(ctx, k.client.requestTimeout)
		ctx, k.release = limit, append(k.release, stop)
		if !isLongPoll {
			k.ctx = limit
		}
	}
	select {
	case k.client.calls <- struct{}{}:
		return nil
	case <-ctx.Done():
		err := contextError(ctx)
		k.cleanup()
		return err
	}
}

// watch ends the call when its context is cancelled. A deadline is left to the library, whose error says more.
func (k *call) watch(limited bool) {
	cancel := C.nacos_cancel_new()
	ended := make(chan struct{})
	stop := context.AfterFunc(k.ctx, func() {
		defer close(ended)
		if !limited || k.ctx.Err() != context.DeadlineExceeded {
			C.nacos_cancel_trigger(cancel)
		}
	})
	k.cancel = cancel
	k.release = append(k.release, func() {
		if !stop() {
			<-ended
		}
		C.nacos_cancel_free(cancel)
	})
}

func (k *call) end() {
	k.cleanup()
	<-k.client.calls
}

func (k *call) cleanup() {
	for i := len(k.release) - 1; i >= 0; i-- {
		k.release[i]()
	}
}

// fail makes the error of the call: the context's own if that is what ended it.
func (k *call) fail(status C.nacos_status, detail *C.nacos_error) error {
	err := newError(status, detail)
	if err.Status == ErrNoCredentials && k.client.open.Err() != nil { // Close ended Options.Credentials first
		return &Error{Status: ErrClosed, Cause: CauseClosed, Message: ErrClosed.Error()}
	}
	if k.ctx.Err() != nil {
		switch err.Status {
		case ErrCancelled:
			err.endedWith(k.ctx)
			err.Retryable = true
			if k.ctx.Err() == context.DeadlineExceeded {
				err.Status, err.Cause = ErrTimeout, CauseDeadline
			}
		case ErrTimeout:
			err.ended = context.Cause(k.ctx)
		}
	}
	return err
}

// timeoutMS rounds up, so that the library never gives up before the context does, and never returns the 0 that means
// "the default".
func timeoutMS(d time.Duration) C.uint32_t {
	ms := (d + time.Millisecond - 1) / time.Millisecond
	return C.uint32_t(min(max(ms, 1), math.MaxUint32))
}
