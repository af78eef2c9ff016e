package nacosauth

import (
	"log/slog"
	"reflect"
	"runtime"
)

// Functions of the user run on goroutines of their own, as runtime.Goexit (t.FailNow calls it) would end the goroutine that C
// called, which ends the program. The thread that C called waits. It is the one by which the library knows a call from inside a
// callback, so what has to be such a call is handed to it.

// callbackThreads are the threads of the library that wait for a function of the user's, whosoever.
var callbackThreads = make(chan func())

// onCallbackThread runs do on a thread that waits for a function. To be called inside one only: there is such a thread then.
func onCallbackThread(do func()) {
	done := make(chan struct{})
	callbackThreads <- func() { defer close(done); do() }
	<-done
}

// abortion is the end of a function that did not return.
type abortion struct {
	how      string
	panicked any // nil for Goexit
}

func (a *abortion) attributes() []slog.Attr {
	if a.panicked == nil {
		return nil
	}
	return []slog.Attr{slog.Any("panic", a.panicked)}
}

// callFunction runs a function of the user's, and waits for its end; nil if it has returned.
func callFunction(function func()) (end *abortion) {
	done := make(chan struct{})
	go runFunction(function, &end, done)
	for {
		select {
		case do := <-callbackThreads:
			do()
		case <-done:
			return end
		}
	}
}

// runFunction is what insideFunction looks for.
//
//go:noinline
func runFunction(function func(), end **abortion, done chan<- struct{}) {
	defer close(done)
	*end = &abortion{how: "ended its goroutine (runtime.Goexit)"}
	defer func() {
		if panicked := recover(); panicked != nil {
			*end = &abortion{how: "panicked", panicked: panicked}
		}
	}()
	function()
	*end = nil
}

var runFunctionName = runtime.FuncForPC(reflect.ValueOf(runFunction).Pointer()).Name()

// insideFunction tells whether the caller runs in a function of the user's, of whatever client. Goroutines have no identity to
// go by, but each has its stack.
func insideFunction() bool {
	counters := make([]uintptr, 64)
	n := runtime.Callers(2, counters)
	for n == len(counters) {
		counters = make([]uintptr, 2*len(counters))
		n = runtime.Callers(2, counters)
	}
	frames := runtime.CallersFrames(counters[:n])
	for {
		frame, more := frames.Next()
		if frame.Function == runFunctionName {
			return true
		}
		if !more {
			return false
		}
	}
}
