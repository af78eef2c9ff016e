//go:build nacos_auth_static

package nacosauth

// #cgo CFLAGS: -I${SRCDIR}/../../include
// #cgo LDFLAGS: ${SRCDIR}/../../target/release/libnacos_auth.a
// #cgo linux LDFLAGS: -static-libgcc -lm -ldl -lpthread
// #cgo darwin LDFLAGS: -framework Security -framework CoreFoundation
import "C"

// Linkage tells how libnacos_auth is linked: "dynamic" or "static" (build tag nacos_auth_static).
const Linkage = "static"
