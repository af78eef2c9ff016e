//go:build !cgo && !nacos_auth_dynamic && !(linux && amd64)

package nacosauth

// Errors of the compiler that say what to do.
var (
	_ = this_module_brings_the_library_for_linux_amd64_only__for_this_system_install_libnacos_auth_and_build_with_tags_nacos_auth_dynamic
	_ = this_package_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler_for_the_target
)
