//go:build !cgo

package nacosauth

// An error of the compiler that says what to do.
var _ = this_package_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler
