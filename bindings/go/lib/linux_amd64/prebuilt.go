//go:build linux && amd64 && cgo

// Package linux_amd64 is libnacos_auth for Linux with glibc on amd64, for package nacosauth, which imports it where it fits. In a
// checkout make build puts the archive here; a release of the module has it inside.
package linux_amd64

/*
#include <features.h>
#ifndef __GLIBC__
#error "the library in this module is for glibc; for another C library install libnacos_auth and build with -tags nacos_auth_dynamic"
#endif
#cgo LDFLAGS: ${SRCDIR}/libnacos_auth.a -static-libgcc -lm -ldl -lpthread
*/
import "C"
