package nacosauth

/*
#include <nacos_auth.h>

#if NACOS_AUTH_ABI_VERSION != 1
#error "this binding is written for ABI 1 of nacos_auth.h; use the binding of the same release as the header"
#endif

// cgo takes the layout from the header; ABI 1 in turn promises that these places never change.
#if UINTPTR_MAX == UINT64_MAX
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == offset, "ABI 1 has " #type "." #field " elsewhere")
AT(nacos_auth_options, server_addr, 8);
AT(nacos_auth_options, password, 32);
AT(nacos_auth_options, proxy, 64);
AT(nacos_auth_options, connect_timeout_ms, 72);
AT(nacos_auth_options, carriage, 80);
AT(nacos_auth_options, password_file, 88);
AT(nacos_auth_options, credentials, 104);
AT(nacos_auth_options, callback_drop, 136);
AT(nacos_auth_options, max_connections, 144);
AT(nacos_auth_options, anonymous, 148);
AT(nacos_event, level, 12);
AT(nacos_event, status, 24);
AT(nacos_event, message, 40);
AT(nacos_call_options, cancel, 8);
AT(nacos_call_options, timeout_ms, 16);
AT(nacos_token_info, length, 8);
AT(nacos_token_info, generation, 16);
AT(nacos_token_info, remaining_ms, 24);
AT(nacos_token_info, expired, 32);
AT(nacos_pair, value, 8);
AT(nacos_request_options, path, 16);
AT(nacos_request_options, query_count, 32);
AT(nacos_request_options, headers, 40);
AT(nacos_request_options, form, 56);
AT(nacos_request_options, body_len, 80);
AT(nacos_request_options, cancel, 88);
AT(nacos_request_options, timeout_ms, 96);
AT(nacos_auth_statistics, logins, 8);
AT(nacos_auth_statistics, waits, 56);
AT(nacos_auth_statistics, remaining_ms, 72);
AT(nacos_auth_statistics, refresh_state, 84);
AT(nacos_auth_statistics, failures_unreachable, 112);
AT(nacos_auth_statistics, rejections_identity, 144);
AT(nacos_auth_statistics, retry_in_ms, 192);
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
		return &Error{Status: ErrInternal, Message: fmt.Sprintf(
			"libnacos_auth %s speaks ABI %d, this program was built for ABI %d: install the matching library",
			Version(), have, C.NACOS_AUTH_ABI_VERSION)}
	}
	return nil
}
