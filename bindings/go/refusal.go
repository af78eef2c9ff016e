package nacosauth

import (
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// maxRefusal is how much of a refusing answer the library needs to judge it.
	maxRefusal = 4 << 10
	// maxPatience is how long it may take to come: an error may be a stream without end.
	maxPatience = time.Second
	// maxClosing is how long Close waits for that of a body that is being read.
	maxClosing = 100 * time.Millisecond
)

var errClosedBody = errors.New("nacosauth: read of a closed body")

// refusal is a body whose beginning is read ahead, and given back by Read.
type refusal struct {
	body io.ReadCloser

	lock    sync.Mutex
	changed *sync.Cond
	ahead   []byte // what Read has not given back yet
	enough  bool   // nothing more is to be read ahead
	done    bool   // nothing is being read ahead
	closed  bool
	err     error // that reading ahead ended with
}

// beginning reads the beginning of a body, and returns a body that is whole. What comes too slowly is left out.
func beginning(body io.ReadCloser) ([]byte, io.ReadCloser) {
	r := &refusal{body: body}
	r.changed = sync.NewCond(&r.lock)
	go r.readAhead()
	impatience := time.AfterFunc(maxPatience, r.stop)
	defer impatience.Stop()
	r.lock.Lock()
	defer r.lock.Unlock()
	for !r.done && !r.enough {
		r.changed.Wait()
	}
	r.enough = true
	return append([]byte(nil), r.ahead...), r
}

func (r *refusal) stop() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.enough = true
	r.changed.Broadcast()
}

func (r *refusal) readAhead() {
	for left := maxRefusal; ; {
		chunk := make([]byte, left)
		n, err := r.body.Read(chunk)
		left -= n
		r.lock.Lock()
		r.ahead = append(r.ahead, chunk[:n]...)
		r.err, r.done = err, err != nil || left == 0 || r.enough
		isDone := r.done
		r.changed.Broadcast()
		r.lock.Unlock()
		if isDone {
			return
		}
	}
}

func (r *refusal) Read(p []byte) (int, error) {
	r.lock.Lock()
	for len(r.ahead) == 0 && !r.done && !r.closed {
		r.changed.Wait()
	}
	if !r.done && r.closed {
		r.lock.Unlock()
		return 0, errClosedBody
	}
	if len(r.ahead) > 0 {
		n := copy(p, r.ahead)
		r.ahead = r.ahead[n:]
		r.lock.Unlock()
		return n, nil
	}
	err := r.err
	r.lock.Unlock()
	if err != nil {
		return 0, err
	}
	return r.body.Read(p)
}

// Close ends a read that is under way. Of a compressed body of which nothing has come, net/http's Close waits for that read: what they
// hold is given back when the server goes on, or with the context of the request.
func (r *refusal) Close() error {
	r.lock.Lock()
	done := r.done
	r.closed = true
	r.changed.Broadcast()
	r.lock.Unlock()
	if done {
		return r.body.Close()
	}
	closed := make(chan error, 1)
	go func() { closed <- r.body.Close() }()
	patience := time.NewTimer(maxClosing)
	defer patience.Stop()
	select {
	case err := <-closed:
		return err
	case <-patience.C:
		return nil
	}
}
