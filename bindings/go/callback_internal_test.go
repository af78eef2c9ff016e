package nacosauth

import (
	"context"
	"runtime"
	"testing"
)

//go:noinline
func grow(frames int) int {
	if frames == 0 {
		return 0
	}
	return grow(frames-1) + 1
}

// A stack that grows is looked through for pointers, and one below 4096 ends the program: so the number by which C knows the functions
// of a client lies on none.
func TestFunctionsWhileTheStackGrows(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		options := Options{ServerAddr: "127.0.0.1:1", Token: "t"}
		m, in, err := options.lend()
		if err != nil {
			t.Error(err)
			return
		}
		defer m.release()
		handle := (&callbacks{context.Background(), nil, func(Event) {}, nil}).install(&in)
		defer handle.Delete()
		if grow(10_000) != 10_000 {
			t.Error("the stack did not grow")
		}
		runtime.KeepAlive(&in)
	}()
	<-done
}
