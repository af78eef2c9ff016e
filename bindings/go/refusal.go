package nacosauth

import (
	"io"
	"sync"
	"time"
)

const (
	// maxRefusal is how much of a refusing answer the library needs to judge it.
	maxRefusal = 4 << 10
	// maxPatience is how long it may take to come: an error may be a stream without end.
	maxPatience = time.Second
)

// refusal is a body whose beginning is read ahead, and given back by Read.
type refusal struct {
	body io.ReadCloser

	lock    sync.Mutex
	changed *sync.Cond
	ahead   []byte // what Read has not given back yet
	enough  bool   // nothing more is to be read ahead
	done    bool   // nothing is being read ahead
	err     error  // that reading ahead ended with
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
	for len(r.ahead) == 0 && !r.done {
		r.changed.Wait()
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

// Close ends a read that is under way.
func (r *refusal) Close() error { return r.body.Close() }
