package nacosauth

/*
#include <nacos_auth.h>

#if NACOS_AUTH_ABI_VERSION != 1
#error "this binding is written for ABI 1 of nacos_auth.h; use the binding of the same release as the header"
#endif

#cgo noescape nacos_auth_abi_version
#cgo nocallback nacos_auth_abi_version
#cgo noescape nacos_auth_version
#cgo nocallback nacos_auth_version
*/
import "C"

import "fmt"

// Version returns the version of the library in use, such as "0.1.0".
func Version() string { return C.GoString(C.nacos_auth_version()) }

// ABIVersion returns the number of the library's binary interface; [New] refuses one it was not compiled for.
func ABIVersion() uint32 { return uint32(C.nacos_auth_abi_version()) }

// checkABI catches a shared library that was replaced after the program had been built.
func checkABI() error {
	if have := ABIVersion(); have != C.NACOS_AUTH_ABI_VERSION {
		return &Error{Status: ErrInternal, Cause: CauseInternal, Message: fmt.Sprintf(
			"libnacos_auth %s speaks ABI %d, this program was built for ABI %d: install the matching library",
			Version(), have, C.NACOS_AUTH_ABI_VERSION)}
	}
	return nil
}
