//go:build !cgo && (nacos_auth_dynamic || (linux && amd64))

package nacosauth

// An error of the compiler that says what to do.
var _ = this_package_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler_for_the_target
