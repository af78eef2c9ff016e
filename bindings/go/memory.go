package nacosauth

// #include <nacos_auth.h>
import "C"

import (
	"runtime"
	"strings"
	"unsafe"
)

// memory holds the NUL-terminated strings of one call. It is Go memory, pinned while C reads it, so nothing
// is allocated by C and nothing has to be released by it; release wipes the strings, which may be secrets.
type memory struct {
	text   []byte
	pinner runtime.Pinner
	err    error
}

// newMemory sizes the memory once: pointers into it must stay good. bytes counts one NUL for each string.
func newMemory(bytes int) *memory {
	m := &memory{text: make([]byte, 0, bytes)}
	if bytes > 0 {
		m.pinner.Pin(unsafe.SliceData(m.text))
	}
	return m
}

// string copies a string; an error will call it by its name.
func (m *memory) string(name, s string) *C.char {
	if strings.IndexByte(s, 0) >= 0 {
		m.err = invalid(name + ": holds a NUL byte")
	}
	if len(m.text)+len(s)+1 > cap(m.text) {
		panic("nacosauth: memory of a call sized too small")
	}
	start := len(m.text)
	m.text = append(append(m.text, s...), 0)
	return (*C.char)(unsafe.Pointer(&m.text[start]))
}

// optional is NULL for the empty string.
func (m *memory) optional(name, s string) *C.char {
	if s == "" {
		return nil
	}
	return m.string(name, s)
}

// pem is NULL for an empty slice.
func (m *memory) pem(name string, pem []byte) *C.char {
	return m.optional(name, unsafe.String(unsafe.SliceData(pem), len(pem)))
}

// body is not copied.
func (m *memory) body(b []byte) (*C.uint8_t, C.size_t) {
	if len(b) == 0 {
		return nil, 0
	}
	start := unsafe.SliceData(b)
	m.pinner.Pin(start)
	return (*C.uint8_t)(start), C.size_t(len(b))
}

func (m *memory) release() {
	clear(m.text)
	m.pinner.Unpin()
}
