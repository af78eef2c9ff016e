package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_auth_metrics
#cgo nocallback nacos_auth_metrics
#cgo noescape nacos_metrics_text
#cgo nocallback nacos_metrics_text
#cgo noescape nacos_metrics_free
#cgo nocallback nacos_metrics_free
*/
import "C"

import (
	"maps"
	"runtime"
	"slices"
	"unsafe"
)

// MetricsContentType is the Content-Type under which the text of [Metrics] is served.
const MetricsContentType = C.NACOS_METRICS_CONTENT_TYPE

// Metrics returns the figures of the client as Prometheus text; those of several clients: [Metrics]. It does not wait for
// anything, and works on a closed client too.
func (c *Client) Metrics() (string, error) {
	if err := c.usable(); err != nil {
		return "", err
	}
	handle := c.native.handle
	text, err := metrics(&handle, nil, 1)
	runtime.KeepAlive(c)
	return text, err.orNil()
}

// Metrics returns the figures of several clients as Prometheus text, each under its name, which becomes the label "client".
// It does not wait for anything.
func Metrics(clients map[string]*Client) (string, error) {
	if err := checkABI(); err != nil {
		return "", err
	}
	bytes := 0
	for name := range clients {
		bytes += len(name) + 1
	}
	m := newMemory(bytes)
	defer m.release()
	handles := make([]*C.nacos_auth, 0, len(clients))
	names := make([]*C.char, 0, len(clients))
	for _, name := range slices.Sorted(maps.Keys(clients)) {
		if err := clients[name].usable(); err != nil {
			return "", err
		}
		handles = append(handles, clients[name].native.handle)
		names = append(names, m.string("the name of a client", name))
	}
	if m.err != nil {
		return "", m.err
	}
	text, err := metrics(unsafe.SliceData(handles), unsafe.SliceData(names), C.size_t(len(handles)))
	runtime.KeepAlive(clients)
	return text, err.orNil()
}

func metrics(handles **C.nacos_auth, names **C.char, count C.size_t) (string, *Error) {
	var found *C.nacos_metrics
	var detail failure
	if status := C.nacos_auth_metrics(handles, names, count, &found, &detail.detail); status != C.NACOS_OK {
		return "", detail.error(status)
	}
	defer C.nacos_metrics_free(found)
	return C.GoString(C.nacos_metrics_text(found)), nil
}
