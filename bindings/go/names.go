package nacosauth

/*
#include <nacos_auth.h>

#cgo noescape nacos_event_name
#cgo nocallback nacos_event_name
#cgo noescape nacos_token_state_name
#cgo nocallback nacos_token_state_name
#cgo noescape nacos_refresh_state_name
#cgo nocallback nacos_refresh_state_name
#cgo noescape nacos_token_in_name
#cgo nocallback nacos_token_in_name
#cgo noescape nacos_advice_name
#cgo nocallback nacos_advice_name
#cgo noescape nacos_severity_name
#cgo nocallback nacos_severity_name
*/
import "C"

import (
	"fmt"
	"strings"
)

// String returns the name of the kind, such as "login failed".
func (k EventKind) String() string {
	return inWords("event", int32(k), C.nacos_event_name(C.int32_t(k)))
}

// String returns the name of the state, such as "fresh".
func (s TokenState) String() string {
	return inWords("token state", int32(s), C.nacos_token_state_name(C.int32_t(s)))
}

// String returns the name of the state, such as "backing off".
func (s RefreshState) String() string {
	return inWords("refresh state", int32(s), C.nacos_refresh_state_name(C.int32_t(s)))
}

// String returns the name of the place, such as "query".
func (t TokenIn) String() string {
	return inWords("token in", int32(t), C.nacos_token_in_name(C.int32_t(t)))
}

// String returns the name of the choice, such as "never".
func (a Anonymous) String() string { return oneOf("anonymous", int(a), "auto", "never") }

// String returns the name of the choice, such as "by method".
func (i Idempotence) String() string {
	return oneOf("idempotence", int(i), "by method", "idempotent", "not idempotent")
}

// String returns the name of the advice, such as "replay".
func (a Advice) String() string {
	return inWords("advice", int32(a), C.nacos_advice_name(C.int32_t(a)))
}

// String returns the name of the severity, such as "warning".
func (s Severity) String() string {
	return inWords("severity", int32(s), C.nacos_severity_name(C.int32_t(s)))
}

// oneOf names a number for which the library has no names.
func oneOf(kind string, number int, names ...string) string {
	if number < 0 || number >= len(names) {
		return fmt.Sprintf("%s %d", kind, number)
	}
	return names[number]
}

// inWords spells the name of a number as text does; one that the library does not know stays a number.
func inWords(kind string, number int32, name *C.char) string {
	text := C.GoString(name)
	if text == "UNKNOWN" {
		return fmt.Sprintf("%s %d", kind, number)
	}
	return strings.ReplaceAll(strings.ToLower(text), "_", " ")
}
