package nacosauth

// #include <nacos_auth.h>
import "C"

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

// memory holds the NUL-terminated strings and arrays of one call. It is Go memory, pinned while C reads it, so nothing
// is allocated by C and nothing has to be released by it; release wipes the strings, which may be secrets.
type memory struct {
	text   []byte
	pairs  []C.nacos_pair
	pinner runtime.Pinner
	err    error
}

// newMemory sizes the memory once: pointers into it must stay good. bytes counts one NUL for each string.
func newMemory(bytes, pairs int) *memory {
	m := &memory{text: make([]byte, 0, bytes)}
	if bytes > 0 {
		m.pinner.Pin(unsafe.SliceData(m.text))
	}
	if pairs > 0 {
		m.pairs = make([]C.nacos_pair, 0, pairs)
		m.pinner.Pin(unsafe.SliceData(m.pairs))
	}
	return m
}

// string copies a string; an error will call it by its name.
func (m *memory) string(name, s string) *C.char {
	if strings.IndexByte(s, 0) >= 0 {
		m.err = invalid(name + ": holds a NUL byte")
	}
	return m.copy(s)
}

// copy is string for what has its length beside it.
func (m *memory) copy(s string) *C.char {
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

// list appends the pairs of the map, ordered by name. Those whose names are sensitive, in any case, are marked so.
func (m *memory) list(values map[string][]string, sensitive []string) (*C.nacos_pair, C.size_t) {
	start := len(m.pairs)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		var flags C.uint32_t
		if slices.ContainsFunc(sensitive, func(s string) bool { return strings.EqualFold(s, name) }) {
			flags = C.NACOS_PAIR_SENSITIVE
		}
		for _, value := range values[name] {
			m.pairs = append(m.pairs, C.nacos_pair{
				name: m.copy(name), name_len: C.size_t(len(name)),
				value: m.copy(value), value_len: C.size_t(len(value)),
				flags: flags,
			})
		}
	}
	if len(m.pairs) == start {
		return nil, 0
	}
	return &m.pairs[start], C.size_t(len(m.pairs) - start)
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

// sizeOf counts the bytes and the pairs that list needs.
func sizeOf(lists ...map[string][]string) (bytes, pairs int) {
	for _, values := range lists {
		for name, list := range values {
			for _, value := range list {
				bytes += len(name) + len(value) + 2
				pairs++
			}
		}
	}
	return bytes, pairs
}
