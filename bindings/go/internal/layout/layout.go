// Package layout tells how cgo lays out the structs of the C interface, for a test that compares it with what a C compiler and
// the other languages say.
package layout

/*
#cgo CFLAGS: -I${SRCDIR}/../..
#include <nacos_auth.h>
*/
import "C"

import (
	"reflect"
	"strings"
	"unsafe"
)

// Struct is one of them.
type Struct struct {
	Name   string
	Size   uintptr
	Fields []Field
}

// Field is a field of one.
type Field struct {
	Name         string
	Offset, Size uintptr
}

// Structs are all of them.
func Structs() []Struct {
	return []Struct{
		of[C.nacos_auth_options]("nacos_auth_options", C.sizeof_nacos_auth_options),
		of[C.nacos_auth_statistics]("nacos_auth_statistics", C.sizeof_nacos_auth_statistics),
		of[C.nacos_call_options]("nacos_call_options", C.sizeof_nacos_call_options),
		of[C.nacos_token_info]("nacos_token_info", C.sizeof_nacos_token_info),
		of[C.nacos_rejection]("nacos_rejection", C.sizeof_nacos_rejection),
		of[C.nacos_advice]("nacos_advice", C.sizeof_nacos_advice),
		of[C.nacos_pair]("nacos_pair", C.sizeof_nacos_pair),
		of[C.nacos_request_options]("nacos_request_options", C.sizeof_nacos_request_options),
		of[C.nacos_event]("nacos_event", C.sizeof_nacos_event),
		of[C.nacos_log_record]("nacos_log_record", C.sizeof_nacos_log_record),
		of[C.nacos_diagnose_options]("nacos_diagnose_options", C.sizeof_nacos_diagnose_options),
		of[C.nacos_finding]("nacos_finding", C.sizeof_nacos_finding),
		of[C.nacos_health]("nacos_health", C.sizeof_nacos_health),
		of[C.nacos_completion]("nacos_completion", C.sizeof_nacos_completion),
		of[C.nacos_start_options]("nacos_start_options", C.sizeof_nacos_start_options),
	}
}

// of reads the Go type that cgo has made; size is what C says.
func of[T any](name string, size uintptr) Struct {
	var value T
	if unsafe.Sizeof(value) != size {
		panic(name + " has another size in C than in Go")
	}
	s := Struct{Name: name, Size: size}
	for field := range reflect.TypeFor[T]().NumField() {
		f := reflect.TypeFor[T]().Field(field)
		if f.Name != "_" { // padding
			s.Fields = append(s.Fields, Field{strings.TrimPrefix(f.Name, "_"), f.Offset, f.Type.Size()})
		}
	}
	return s
}
