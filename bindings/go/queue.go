package nacosauth

/*
#include <fcntl.h>
#include <nacos_auth.h>

// What an operation brought. The number is none of the pointers that Go knows of.
typedef struct {
	uintptr_t number;
	nacos_response *response;
	nacos_token *token;
	nacos_error *error;
	nacos_status status;
} nacosauth_ended;

// One crossing for many.
static size_t nacosauth_take(nacos_queue *queue, nacosauth_ended *ended, size_t most) {
	size_t n = 0;
	for (; n < most; n++) {
		nacos_completion next = nacos_completion_default();
		if (nacos_queue_next(queue, &next, NULL) != NACOS_OK) break;
		ended[n] = (nacosauth_ended){(uintptr_t)next.data, next.response, next.token, next.error, next.status};
	}
	return n;
}

static void nacosauth_release(nacos_operation *operation, nacos_response *response, nacos_token *token, nacos_error *error) {
	nacos_operation_free(operation);
	nacos_response_free(response);
	nacos_token_free(token);
	nacos_error_free(error);
}

static int nacosauth_descriptor(const nacos_queue *queue) { return fcntl(nacos_queue_fd(queue), F_DUPFD_CLOEXEC, 0); }
*/
import "C"

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// queue is where the library puts what has ended, for the goroutines that wait for it. One of them at a time reads it, for all: the
// leader. So nobody has to be woken to hand out the end of a call that is alone.
type queue struct {
	native *C.nacos_queue
	file   *os.File // its descriptor, for the poller of the Go runtime
	raw    syscall.RawConn

	batch   []C.nacosauth_ended // the leader's
	waiters []*operation        // the leader's: of the batch

	lock       sync.Mutex
	operations []*operation // by number
	idle       []*operation // that are early
	further    []*operation // that are not, and idle
}

// Channels of the queue, which is the whole process's. One that is made in a bubble of testing/synctest ends the program when it is
// used outside of that, so these are made when the program begins. Operations beyond them have channels of their own, used once.
var (
	leading = make(chan struct{}, 1) // has an element unless there is a leader
	endings = func() (early [64]chan struct{}) {
		leading <- struct{}{}
		for i := range early {
			early[i] = make(chan struct{}, 1)
		}
		return early
	}()
)

// queues is the one queue of the process, which is there while somebody may use it: clients until they are closed, and operations.
var queues struct {
	lock    sync.Mutex
	current *queue
	users   int
}

// join counts a client as a user of the queue.
func join() {
	queues.lock.Lock()
	defer queues.lock.Unlock()
	queues.users++
}

// leave is the end of a user. With the last one go the queue and its descriptors.
func leave() {
	queues.lock.Lock()
	queues.users--
	var last *queue
	if queues.users == 0 {
		last, queues.current = queues.current, nil
	}
	queues.lock.Unlock()
	if last != nil {
		last.file.Close()
		C.nacos_queue_free(last.native)
	}
}

// useQueue makes the caller a user of the queue. Each success must be followed by leave.
func useQueue() (*queue, error) {
	queues.lock.Lock()
	defer queues.lock.Unlock()
	if queues.current == nil {
		q, err := newQueue()
		if err != nil {
			return nil, err
		}
		queues.current = q
	}
	queues.users++
	return queues.current, nil
}

func newQueue() (*queue, error) {
	const most = 64
	q := &queue{batch: make([]C.nacosauth_ended, most), waiters: make([]*operation, most)}
	var detail failure
	if status := C.nacos_queue_new(&q.native, &detail.detail); status != C.NACOS_OK {
		return nil, detail.error(status)
	}
	descriptor, err := C.nacosauth_descriptor(q.native)
	if descriptor < 0 {
		C.nacos_queue_free(q.native)
		return nil, err
	}
	q.file = os.NewFile(uintptr(descriptor), "queue of nacosauth")
	if q.raw, err = q.file.SyscallConn(); err == nil {
		err = q.file.SetReadDeadline(time.Time{}) // fails where the poller has not taken it
	}
	if err != nil {
		q.file.Close()
		C.nacos_queue_free(q.native)
		return nil, err
	}
	return q, nil
}

// take hands out what has ended. It reads until there is nothing left, as the poller tells of the first one only. It tells whether
// the leader's own was there.
func (q *queue) take(own *operation) (isOver bool) {
	for {
		n := int(C.nacosauth_take(q.native, unsafe.SliceData(q.batch), C.size_t(len(q.batch))))
		q.lock.Lock()
		for i, ended := range q.batch[:n] {
			q.waiters[i] = q.operations[ended.number]
		}
		q.lock.Unlock()
		for i, o := range q.waiters[:n] {
			o.ended = q.batch[i]
			if o == own {
				isOver = true
			} else {
				o.done <- struct{}{}
			}
		}
		if n < len(q.batch) {
			return isOver
		}
	}
}

// operation is a call into the library for which a goroutine waits, and no thread. It is used again for other calls.
type operation struct {
	queue     *queue
	number    C.uintptr_t
	native    *C.nacos_operation
	done      chan struct{}
	ended     C.nacosauth_ended // once done has been received from
	isWaiting bool              // what has been started has not ended
}

// newOperation must be followed by release.
func newOperation() (*operation, error) {
	q, err := useQueue()
	if err != nil {
		return nil, err
	}
	q.lock.Lock()
	defer q.lock.Unlock()
	for _, idle := range []*[]*operation{&q.idle, &q.further} {
		if last := len(*idle) - 1; last >= 0 {
			o := (*idle)[last]
			*idle = (*idle)[:last]
			return o.open(), nil
		}
	}
	o := &operation{queue: q, number: C.uintptr_t(len(q.operations))}
	q.operations = append(q.operations, o)
	return o.open(), nil
}

func (o *operation) isEarly() bool { return int(o.number) < len(endings) }

// open gives the operation its channel.
func (o *operation) open() *operation {
	if o.isEarly() {
		o.done = endings[o.number]
	} else {
		o.done = make(chan struct{}, 1)
	}
	return o
}

// wait returns when the operation has ended, which it does soon when the context is cancelled. A deadline is left to the library,
// whose error says more.
func (o *operation) wait(k *call) {
	o.isWaiting = true
	ended := k.ended
	for o.isWaiting {
		select {
		case <-o.done:
			o.isWaiting = false
		case <-leading:
			o.leadAndWatch(k)
		case <-ended:
			ended = nil
			o.cancelFor(k)
		}
	}
}

// cancelFor cancels what the context has ended.
func (o *operation) cancelFor(k *call) {
	if !k.limited || k.ctx.Err() != context.DeadlineExceeded {
		o.cancel()
	}
}

func (o *operation) cancel() {
	crossings.take()
	defer crossings.giveBack()
	C.nacos_operation_cancel(o.native)
}

// leadAndWatch is lead for an operation that may be cancelled meanwhile.
func (o *operation) leadAndWatch(k *call) {
	defer func() { leading <- struct{}{} }()
	if k.ended == nil {
		o.lead()
		return
	}
	watched := make(chan struct{})
	unwatch := context.AfterFunc(k.ctx, func() {
		defer close(watched)
		o.cancelFor(k)
	})
	o.lead()
	if !unwatch() {
		<-watched
	}
}

// lead reads the queue for all until this operation has ended.
func (o *operation) lead() {
	select {
	case <-o.done: // the last leader has been faster
		o.isWaiting = false
		return
	default:
	}
	_ = o.queue.raw.Read(func(uintptr) bool {
		o.isWaiting = !o.queue.take(o)
		return !o.isWaiting
	})
}

// release frees all that the operation has brought.
func (o *operation) release() {
	if o.isWaiting { // the context has panicked
		o.cancel()
		o.wait(&call{})
	}
	C.nacosauth_release(o.native, o.ended.response, o.ended.token, o.ended.error)
	o.native, o.ended = nil, C.nacosauth_ended{}
	o.queue.lock.Lock()
	if o.isEarly() {
		o.queue.idle = append(o.queue.idle, o)
	} else {
		o.queue.further = append(o.queue.further, o)
	}
	o.queue.lock.Unlock()
	leave()
}

// failure is that of an operation that has ended, and owns its error.
func (o *operation) failure() *failure {
	detail := &failure{o.ended.error}
	o.ended.error = nil
	return detail
}
