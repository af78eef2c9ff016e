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

// queue is where the library puts what has ended, for the goroutines that wait for it.
type queue struct {
	native *C.nacos_queue
	file   *os.File // its descriptor, for the poller of the Go runtime

	lock       sync.Mutex
	operations []*operation // by number
	idle       []*operation
}

// queues is the one queue of the process, which is there while somebody may use it: clients until they are closed, and operations.
var queues struct {
	lock    sync.Mutex
	current *queue
	users   int
}

// join counts a user of the queue.
func join() {
	queues.lock.Lock()
	defer queues.lock.Unlock()
	queues.users++
}

// leave is the end of a user. With the last one go the queue, its descriptors and its goroutine.
func leave() {
	queues.lock.Lock()
	queues.users--
	var last *queue
	if queues.users == 0 {
		last, queues.current = queues.current, nil
	}
	queues.lock.Unlock()
	if last != nil {
		last.file.Close() // ends deliver
	}
}

// currentQueue is for a user.
func currentQueue() (*queue, error) {
	queues.lock.Lock()
	defer queues.lock.Unlock()
	if queues.current == nil {
		q, err := newQueue()
		if err != nil {
			return nil, err
		}
		queues.current = q
	}
	return queues.current, nil
}

func newQueue() (*queue, error) {
	q := &queue{}
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
	raw, err := q.file.SyscallConn()
	if err == nil {
		err = q.file.SetReadDeadline(time.Time{}) // fails where the poller has not taken it
	}
	if err != nil {
		q.file.Close()
		C.nacos_queue_free(q.native)
		return nil, err
	}
	go q.deliver(raw)
	return q, nil
}

// deliver hands out what has ended, until the descriptor is closed. It reads until there is nothing left, as the poller tells of
// the first one only.
func (q *queue) deliver(raw syscall.RawConn) {
	batch := make([]C.nacosauth_ended, 64)
	operations := make([]*operation, len(batch))
	_ = raw.Read(func(uintptr) bool {
		for {
			n := int(C.nacosauth_take(q.native, unsafe.SliceData(batch), C.size_t(len(batch))))
			q.lock.Lock()
			for i, ended := range batch[:n] {
				operations[i] = q.operations[ended.number]
			}
			q.lock.Unlock()
			for i, o := range operations[:n] {
				o.ended = batch[i]
				o.done <- struct{}{}
			}
			if n < len(batch) {
				return false
			}
		}
	})
	C.nacos_queue_free(q.native)
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
	join()
	q, err := currentQueue()
	if err != nil {
		leave()
		return nil, err
	}
	q.lock.Lock()
	defer q.lock.Unlock()
	if last := len(q.idle) - 1; last >= 0 {
		o := q.idle[last]
		q.idle = q.idle[:last]
		return o, nil
	}
	o := &operation{queue: q, number: C.uintptr_t(len(q.operations)), done: make(chan struct{}, 1)}
	q.operations = append(q.operations, o)
	return o, nil
}

// wait returns when the operation has ended, which it does soon when the context is cancelled. A deadline is left to the library,
// whose error says more.
func (o *operation) wait(k *call) {
	o.isWaiting = true
	select {
	case <-o.done:
	case <-k.ended:
		if !k.limited || k.ctx.Err() != context.DeadlineExceeded {
			C.nacos_operation_cancel(o.native)
		}
		<-o.done
	}
	o.isWaiting = false
}

// release frees all that the operation has brought.
func (o *operation) release() {
	if o.isWaiting { // the context has panicked
		C.nacos_operation_cancel(o.native)
		<-o.done
		o.isWaiting = false
	}
	C.nacosauth_release(o.native, o.ended.response, o.ended.token, o.ended.error)
	o.native, o.ended = nil, C.nacosauth_ended{}
	o.queue.lock.Lock()
	o.queue.idle = append(o.queue.idle, o)
	o.queue.lock.Unlock()
	leave()
}

// failure is that of an operation that has ended, and owns its error.
func (o *operation) failure() *failure {
	detail := &failure{o.ended.error}
	o.ended.error = nil
	return detail
}
